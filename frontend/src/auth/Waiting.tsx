import styles from "./auth.module.css";

/** What stands where Clerk's parts will be. */
export function Waiting() {
  return (
    <p role="status" className={styles.waiting}>
      One moment…
    </p>
  );
}
