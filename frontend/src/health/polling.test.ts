import { startPolling, waitAfter } from "./polling";

const PACE = { interval: 100, longest: 1000 };

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

function start(results: boolean[], random = () => 0) {
  const ask = jest.fn((signal: AbortSignal) =>
    Promise.resolve(!signal.aborted && !!results.shift()),
  );
  return { ask, stop: startPolling(ask, PACE, random) };
}

test("waits longer with each failure, up to a limit", () => {
  expect([0, 1, 2, 3, 4, 50].map((failures) => waitAfter(failures, PACE))).toEqual([
    100, 200, 400, 800, 1000, 1000,
  ]);
});

test("asks at once, then at the interval while it works", async () => {
  const { ask, stop } = start([true, true, true]);
  expect(ask).toHaveBeenCalledTimes(1);
  await jest.advanceTimersByTimeAsync(200);
  expect(ask).toHaveBeenCalledTimes(3);
  stop();
});

test("backs off while it fails, and is quick again after a success", async () => {
  const { ask, stop } = start([false, false, true, true]);
  await jest.advanceTimersByTimeAsync(199);
  expect(ask).toHaveBeenCalledTimes(1);
  await jest.advanceTimersByTimeAsync(1 + 400 + 100);
  expect(ask).toHaveBeenCalledTimes(4);
  stop();
});

test("waits differ", async () => {
  const { ask, stop } = start([true, true], () => 1);
  await jest.advanceTimersByTimeAsync(109);
  expect(ask).toHaveBeenCalledTimes(1);
  await jest.advanceTimersByTimeAsync(1);
  expect(ask).toHaveBeenCalledTimes(2);
  stop();
});

test("once stopped, the open question is aborted and no other asked", async () => {
  const { ask, stop } = start([true]);
  stop();
  expect(ask.mock.calls[0]?.[0].aborted).toBe(true);
  await jest.advanceTimersByTimeAsync(5000);
  expect(ask).toHaveBeenCalledTimes(1);
});
