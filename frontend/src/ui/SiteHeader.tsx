import { Mark } from "./Mark";
import { PageLink } from "./PageLink";
import styles from "./site.module.css";

/** The bar on top of every page, with the way past it for keyboards. */
export function SiteHeader() {
  return (
    <header className={styles.header}>
      <a className={styles.skip} href="#content">
        Skip to the content
      </a>
      <PageLink className={styles.brand} href="/">
        <Mark />
        Delight
      </PageLink>
      <nav aria-label="Main" className={styles.nav}>
        <PageLink href="/status">Status</PageLink>
        <PageLink href="/account">Account</PageLink>
        <PageLink href="/sign-in">Sign in</PageLink>
      </nav>
    </header>
  );
}
