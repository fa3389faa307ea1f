import type { ComponentProps } from "react";

import styles from "./button.module.css";
import { PageLink } from "./PageLink";

/** A button that does something here. */
export function Button(props: Readonly<Omit<ComponentProps<"button">, "className">>) {
  return <button type="button" {...props} className={styles.button} />;
}

/** A link to another page that looks like a button. */
export function ButtonLink(props: Readonly<Omit<ComponentProps<typeof PageLink>, "className">>) {
  return <PageLink {...props} className={styles.button} />;
}
