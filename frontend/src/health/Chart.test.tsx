import { render, screen } from "@testing-library/react";

import { Chart } from "./Chart";
import type { Point } from "./observation";
import { failureSentence, milliseconds, nameOf } from "./words";

function draw(points: Point[], until: number) {
  const { container } = render(<Chart name="Redis" points={points} until={until} />);
  const paths = (name: string) =>
    [...container.querySelectorAll(`path.${name}`)].map((path) => path.getAttribute("d"));
  return { lines: paths("line"), failures: paths("failure") };
}

test("the line is broken where there was no answer, and a mark stands there", () => {
  const values = [2, 4, null, 3];
  const points = values.map((value, index) => ({ at: index * 20_000, value }));
  const { lines, failures } = draw(points, 60_000);
  expect(lines).toEqual([
    expect.stringMatching(/^M0 \S+L100 /),
    expect.stringMatching(/^M300 .*h0/),
  ]);
  expect(failures).toEqual(["M200 56v-10"]);
  expect(screen.getByRole("img")).toHaveAccessibleName(
    "Redis, the last minute: 2.0 ms to 4.0 ms, 1 without an answer",
  );
});

test("the width is a minute at least, then as long as there are points", () => {
  expect(draw([{ at: 30_000, value: 1 }], 60_000).lines[0]).toMatch(/^M150 /);
  draw([{ at: 0, value: 1 }], 180_000);
  expect(screen.getByRole("img", { name: /the last 3 minutes/ })).toBeInTheDocument();
});

test("without one answer there is no line", () => {
  expect(draw([{ at: 0, value: null }], 0).lines).toEqual([]);
  expect(screen.getByRole("img")).toHaveAccessibleName(/no answer/);
});

test("words for people", () => {
  expect([0.04, 9.96, 12.4].map(milliseconds)).toEqual(["0.0 ms", "10.0 ms", "12 ms"]);
  expect(["redis", "queue"].map(nameOf)).toEqual(["Redis", "Queue"]);
  expect(failureSentence("slow")).toMatch(/in time/);
  expect(failureSentence({ status: 502 })).toMatch(/502/);
});
