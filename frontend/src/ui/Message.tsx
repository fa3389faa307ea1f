import type { ReactNode } from "react";

import styles from "./message.module.css";

/** A page that has one thing to say. */
export function Message({ title, children }: Readonly<{ title: string; children: ReactNode }>) {
  return (
    <section className={styles.message} aria-labelledby="title">
      <h1 id="title">{title}</h1>
      {children}
    </section>
  );
}
