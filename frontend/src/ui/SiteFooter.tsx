import { getSettings } from "@/settings/read";

import styles from "./site.module.css";

/** The foot of every page: which release made it. */
export function SiteFooter() {
  return (
    <footer className={styles.footer}>
      <p>Delight keeps to itself: no trackers, no adverts.</p>
      <p>
        Release <code>{getSettings().RELEASE}</code>
      </p>
    </footer>
  );
}
