import { Chart } from "./Chart";
import type { Point } from "./observation";
import { StateIcon, type Tone } from "./StateIcon";
import styles from "./status.module.css";
import { milliseconds } from "./words";

interface PartCardProps {
  readonly name: string;
  /** False while the API is away: what it said last may no longer hold. */
  readonly known: boolean;
  readonly tone: Tone;
  readonly state: string;
  /** The last response time in milliseconds, null where none is measured. */
  readonly time: number | null;
  readonly error: string | null;
  readonly points: readonly Point[];
  readonly until: number;
}

/** One part of the whole: its state, its response time, its last minutes. */
export function PartCard(props: PartCardProps) {
  const { name, known, tone, state, time, error, points, until } = props;
  const shown = known ? tone : "unknown";
  // What is never measured has no chart; what was measured once shows its failures too.
  const measured = time !== null || points.some(({ value }) => value !== null);
  return (
    <li className={styles.part} data-tone={shown} data-part={name}>
      <div className={styles.heading}>
        <h2>{name}</h2>
        {known && time !== null && <span className={styles.time}>{milliseconds(time)}</span>}
      </div>
      <p className={styles.state}>
        <StateIcon tone={shown} />
        {known ? state : "Not known"}
      </p>
      {known && error !== null && <p className={styles.error}>{error}</p>}
      {measured && points.length > 0 && <Chart name={name} points={points} until={until} />}
    </li>
  );
}
