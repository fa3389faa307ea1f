import styles from "./status.module.css";

export type Tone = "good" | "fair" | "poor" | "unknown";

// Each has a form of its own: colours alone don't tell everyone.
const FORMS: Readonly<Record<Tone, string>> = {
  good: "M7 12.5l3.5 3.5L17 9",
  fair: "M12 7v6M12 16.5v.01",
  poor: "M8.5 8.5l7 7M15.5 8.5l-7 7",
  unknown: "M8 12h8",
};

/** A round with the form of a state; the words beside it say the same. */
export function StateIcon({ tone }: Readonly<{ tone: Tone }>) {
  return (
    <svg className={styles.icon} data-tone={tone} viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="12" cy="12" r="11" />
      <path d={FORMS[tone]} />
    </svg>
  );
}
