import styles from "./site.module.css";

/** The mark of Delight: two rounds that walk side by side. */
export function Mark() {
  return (
    <svg className={styles.mark} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <circle className={styles.markLarge} cx="13" cy="14" r="10" />
      <circle className={styles.markSmall} cx="22.5" cy="21.5" r="6.5" />
    </svg>
  );
}
