"use client";

import { Button } from "@/ui/Button";

import { PartCard } from "./PartCard";
import {
  lastAnswer,
  overallOf,
  responseTimes,
  roundTrips,
  works,
  type Observation,
} from "./observation";
import styles from "./status.module.css";
import { StateIcon, type Tone } from "./StateIcon";
import { useHealth } from "./useHealth";
import { CHECK, EXPECTED, failureSentence, nameOf, OVERALL } from "./words";

interface StatusBoardProps {
  readonly apiUrl: string | null;
  /** Release of these pages. */
  readonly release: string;
}

const TONES = {
  checking: "unknown",
  healthy: "good",
  degraded: "fair",
  unhealthy: "poor",
  unreachable: "poor",
} as const;

/** The live page: how the whole is, each part with its last minutes, and which releases these are. */
export function StatusBoard({ apiUrl, release }: StatusBoardProps) {
  const { observations, retry } = useHealth(apiUrl);
  const overall = overallOf(observations);
  const latest = observations.at(-1);
  const answer = lastAnswer(observations);
  const { title, sentence } = OVERALL[overall];

  return (
    <>
      <section className={styles.overall} data-tone={TONES[overall]} data-state={overall}>
        {/* Changes with the state only, so that no screen reader hears of every look. */}
        <div role="status" className={styles.statement}>
          <h1>
            <StateIcon tone={TONES[overall]} />
            {title}
          </h1>
          <p>{sentence}</p>
        </div>
        {latest?.kind === "failure" && (
          <p>
            {failureSentence(latest.reason)} The page keeps trying.{" "}
            {answer !== undefined && <>The last answer came at {clock(answer.at)}.</>}
          </p>
        )}
        {overall === "unreachable" && <Button onClick={retry}>Try now</Button>}
      </section>

      <ul className={styles.parts} aria-label="Parts of Delight">
        <ApiCard observations={observations} />
        {answer === undefined
          ? EXPECTED.map((name) => <UnknownCard key={name} name={name} />)
          : Object.entries(answer.health.checks).map(([name, check]) => (
              <PartCard
                key={name}
                name={nameOf(name)}
                known={overall !== "unreachable"}
                tone={works(check) ? "good" : "poor"}
                state={CHECK[check.status]}
                time={check.response_time_ms ?? null}
                error={check.error ?? null}
                points={responseTimes(observations, name)}
                until={latest?.at ?? answer.at}
              />
            ))}
      </ul>

      <dl className={styles.facts}>
        <div>
          <dt>Release of the API</dt>
          <dd>{answer === undefined ? "not known" : <code>{answer.health.release}</code>}</dd>
        </div>
        <div>
          <dt>Release of these pages</dt>
          <dd>
            <code>{release}</code>
          </dd>
        </div>
        <div>
          <dt>Last look</dt>
          <dd>{latest === undefined ? "none yet" : clock(latest.at)}</dd>
        </div>
      </dl>
    </>
  );
}

function ApiCard({ observations }: Readonly<{ observations: readonly Observation[] }>) {
  const latest = observations.at(-1);
  const states: Record<string, [Tone, string]> = {
    answer: ["good", "Answers"],
    failure: ["poor", "No answer"],
  };
  const [tone, state] = (latest && states[latest.kind]) ?? ["unknown", "Asked"];
  return (
    <PartCard
      name="API, from here"
      known={latest !== undefined}
      tone={tone}
      state={state}
      time={latest?.kind === "answer" ? latest.roundTrip : null}
      error={null}
      points={roundTrips(observations)}
      until={latest?.at ?? 0}
    />
  );
}

/** Keeps the place of a part, so that nothing moves when the first answer comes. */
function UnknownCard({ name }: Readonly<{ name: string }>) {
  return (
    <PartCard
      name={nameOf(name)}
      known={false}
      tone="unknown"
      state=""
      time={null}
      error={null}
      points={[]}
      until={0}
    />
  );
}

function clock(at: number): string {
  return new Date(at).toLocaleTimeString();
}
