import styles from "./chart.module.css";
import type { Point } from "./observation";
import { milliseconds } from "./words";

const WIDTH = 300;
const HEIGHT = 56;

const MINUTE = 60_000;

interface ChartProps {
  /** What is measured, for the label. */
  readonly name: string;
  /** In the order of time. */
  readonly points: readonly Point[];
  /** The right edge, in milliseconds since the epoch; the left one is the first point. */
  readonly until: number;
}

/** Times of the last minutes as a line, with a gap and a mark where there was no answer. */
export function Chart({ name, points, until }: ChartProps) {
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]));
  const top = Math.max(...values, 1) * 1.15;
  // A minute at least, lest the first two points fill the width.
  const span = Math.max(until - (points[0]?.at ?? until), MINUTE);
  const x = ({ at }: Point) => round(WIDTH * (1 - (until - at) / span));
  const y = (value: number) => round(HEIGHT - 2 - (HEIGHT - 6) * (value / top));

  return (
    <figure className={styles.figure}>
      <svg
        className={styles.chart}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={describe(name, values, points.length - values.length, span)}
      >
        {runs(points).map((run) => {
          const line = run.map((point) => `${x(point)} ${y(point.value)}`).join("L");
          const from = x(run[0]);
          const to = x(run.at(-1) ?? run[0]);
          return (
            <g key={run[0].at}>
              <path className={styles.area} d={`M${from} ${HEIGHT}L${line}L${to} ${HEIGHT}z`} />
              {/* A single point has no length; the round ends of the stroke show it all the same. */}
              <path className={styles.line} d={`M${line}${run.length === 1 ? "h0.01" : ""}`} />
            </g>
          );
        })}
        {points.map((point) =>
          point.value === null ? (
            <path key={point.at} className={styles.failure} d={`M${x(point)} ${HEIGHT}v-10`} />
          ) : null,
        )}
      </svg>
      <figcaption aria-hidden="true">
        <span>{lastMinutes(span)}</span>
        {values.length > 0 && <span>up to {milliseconds(Math.max(...values))}</span>}
      </figcaption>
    </figure>
  );
}

type Run = [Measured, ...Measured[]];
type Measured = Point & { readonly value: number };

/** The points in pieces without a gap. */
function runs(points: readonly Point[]): Run[] {
  const found: Run[] = [];
  let open = false;
  for (const point of points) {
    if (!isMeasured(point)) {
      open = false;
      continue;
    }
    if (open) found.at(-1)?.push(point);
    else found.push([point]);
    open = true;
  }
  return found;
}

function isMeasured(point: Point): point is Measured {
  return point.value !== null;
}

function describe(name: string, values: readonly number[], failures: number, span: number): string {
  const range =
    values.length === 0
      ? "no answer"
      : `${milliseconds(Math.min(...values))} to ${milliseconds(Math.max(...values))}`;
  const failed = failures === 0 ? "" : `, ${failures} without an answer`;
  return `${name}, ${lastMinutes(span)}: ${range}${failed}`;
}

function lastMinutes(span: number): string {
  const minutes = Math.round(span / MINUTE);
  return minutes === 1 ? "the last minute" : `the last ${minutes} minutes`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
