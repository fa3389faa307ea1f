import styles from "./chart.module.css";
import { SPAN, type Point } from "./observation";
import { milliseconds } from "./words";

const WIDTH = 300;
const HEIGHT = 56;

interface ChartProps {
  /** What is measured, for the label. */
  readonly name: string;
  readonly points: readonly Point[];
  /** The right edge, in milliseconds since the epoch; the left one is SPAN before it. */
  readonly until: number;
}

/** Times of the last minutes as a line, with a gap and a mark where there was no answer. */
export function Chart({ name, points, until }: ChartProps) {
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]));
  const top = Math.max(...values, 1) * 1.15;
  const x = ({ at }: Point) => round(WIDTH * (1 - (until - at) / SPAN));
  const y = (value: number) => round(HEIGHT - 2 - (HEIGHT - 6) * (value / top));
  const lines = runs(points).map((run) => run.map((point) => `${x(point)} ${y(point.value)}`));
  const areas = runs(points).map((run) => [x(run[0]), x(run.at(-1) ?? run[0])] as const);

  return (
    <svg
      className={styles.chart}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={describe(name, values, points.length - values.length)}
    >
      {lines.map((line, index) => {
        const [from, to] = areas[index] ?? [0, 0];
        return (
          <g key={from}>
            <path
              className={styles.area}
              d={`M${from} ${HEIGHT}L${line.join("L")}L${to} ${HEIGHT}z`}
            />
            {/* A single point has no length; the round ends of the stroke show it all the same. */}
            <path
              className={styles.line}
              d={`M${line.join("L")}${line.length === 1 ? "h0.01" : ""}`}
            />
          </g>
        );
      })}
      {points.map((point) =>
        point.value === null ? (
          <path key={point.at} className={styles.failure} d={`M${x(point)} ${HEIGHT}v-10`} />
        ) : null,
      )}
    </svg>
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

function describe(name: string, values: readonly number[], failures: number): string {
  if (values.length === 0 && failures === 0) return `${name}: nothing measured yet`;
  const range =
    values.length === 0
      ? "no answer"
      : `${milliseconds(Math.min(...values))} to ${milliseconds(Math.max(...values))}`;
  const failed = failures === 0 ? "" : `, ${failures} without an answer`;
  return `${name}, the last 5 minutes: ${range}${failed}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
