import { degraded, health } from "../../e2e/support/health";
import {
  lastAnswer,
  observe,
  overallOf,
  PATIENCE,
  remember,
  responseTimes,
  roundTrips,
  SPAN,
  type Observation,
} from "./observation";

const { signal } = new AbortController();

function answer(at: number, body = health()): Observation {
  return { kind: "answer", at, roundTrip: 12, health: body };
}

function failure(at: number): Observation {
  return { kind: "failure", at, reason: "unreachable" };
}

describe("one look", () => {
  test("sees an answer and how long it took", async () => {
    globalThis.fetch = jest.fn().mockResolvedValue({
      ok: true,
      status: 200,
      text: () => Promise.resolve(JSON.stringify(health())),
    });
    await expect(observe(null, signal)).resolves.toMatchObject({
      kind: "answer",
      roundTrip: expect.any(Number) as number,
      health: health(),
    });
  });

  test("sees that nothing is there", async () => {
    globalThis.fetch = jest.fn().mockRejectedValue(new TypeError("Failed to fetch"));
    await expect(observe(null, signal)).resolves.toMatchObject({ reason: "unreachable" });
  });

  test("sees that something else is there", async () => {
    globalThis.fetch = jest
      .fn()
      .mockResolvedValue({ ok: false, status: 502, text: () => Promise.resolve("<html>") });
    await expect(observe(null, signal)).resolves.toMatchObject({ reason: { status: 502 } });
  });

  test("does not wait for ever", async () => {
    jest.useFakeTimers();
    globalThis.fetch = jest.fn(
      (_: unknown, init?: RequestInit) =>
        new Promise<Response>((_resolve, reject) => {
          init?.signal?.addEventListener("abort", () => reject(new Error("aborted")));
        }),
    );
    const looking = observe(null, signal);
    await jest.advanceTimersByTimeAsync(PATIENCE);
    await expect(looking).resolves.toMatchObject({ reason: "slow" });
    jest.useRealTimers();
  });
});

test("what is older than the span is forgotten", () => {
  const all = remember([answer(0), answer(1)], answer(SPAN));
  expect(all.map(({ at }) => at)).toEqual([1, SPAN]);
});

test("the whole is as the last look was", () => {
  expect(overallOf([])).toBe("checking");
  expect(overallOf([failure(1), answer(2, degraded())])).toBe("degraded");
  expect(overallOf([answer(1), failure(2)])).toBe("unreachable");
});

test("the last answer is kept while there is none", () => {
  expect(lastAnswer([answer(1), answer(2), failure(3)])?.at).toBe(2);
  expect(lastAnswer([failure(3)])).toBeUndefined();
});

test("round trips have a gap where the API was away", () => {
  expect(roundTrips([answer(1), failure(2)])).toEqual([
    { at: 1, value: 12 },
    { at: 2, value: null },
  ]);
});

test("response times have a gap where the dependency was away, and nothing where the API was", () => {
  expect(responseTimes([answer(1), failure(2), answer(3, degraded())], "redis")).toEqual([
    { at: 1, value: 0.6 },
    { at: 3, value: null },
  ]);
});
