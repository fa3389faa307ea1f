import { act, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";

import { degraded, health, unhealthy } from "../../e2e/support/health";
import { PACE } from "./polling";
import { StatusBoard } from "./StatusBoard";

/** The answers in turn, the last one from then on; null is a network that is down. */
function backend(...answers: (object | null)[]) {
  const fetch = jest.fn(() => {
    const body = answers.length > 1 ? answers.shift() : answers[0];
    return body
      ? Promise.resolve({
          ok: true,
          status: 200,
          text: () => Promise.resolve(JSON.stringify(body)),
        })
      : Promise.reject(new TypeError("Failed to fetch"));
  });
  globalThis.fetch = fetch as unknown as typeof globalThis.fetch;
  return fetch;
}

function show(visibility: DocumentVisibilityState) {
  jest.spyOn(document, "visibilityState", "get").mockReturnValue(visibility);
  act(() => void document.dispatchEvent(new Event("visibilitychange")));
}

function renderBoard() {
  render(<StatusBoard apiUrl={null} release="v7-pages" />);
}

async function nextLook() {
  await act(() => jest.advanceTimersByTimeAsync(PACE.interval * 1.1));
}

function part(name: string) {
  const heading = screen.getByRole("heading", { name });
  const item = heading.closest("li");
  if (item === null) throw new Error(`${name} stands in no list`);
  return within(item);
}

beforeEach(() => {
  jest.useFakeTimers();
  show("visible");
});

afterEach(() => {
  jest.useRealTimers();
});

test("says at first that it is asking", async () => {
  backend(health());
  renderBoard();
  expect(screen.getByRole("heading", { name: "Asking how things are" })).toBeVisible();
  expect(screen.getByText("none yet")).toBeVisible();
  const parts = () => screen.getAllByRole("heading", { level: 2 }).map((one) => one.textContent);
  const before = parts();
  await nextLook();
  expect(parts()).toEqual(before); // nothing moves when the first answer comes
});

test("shows each part with its time, and both releases", async () => {
  backend(health());
  renderBoard();
  expect(await screen.findByRole("heading", { name: "All is well" })).toBeVisible();
  expect(part("Database").getByText("1.4 ms")).toBeVisible();
  expect(part("Database").getByText("Connected")).toBeVisible();
  expect(part("Sign-in (Clerk)").getByText("Configured")).toBeVisible();
  expect(part("Sign-in (Clerk)").queryByRole("img")).toBeNull();
  expect(screen.getByText("v7-0123456789")).toBeVisible();
  expect(screen.getByText("v7-pages")).toBeVisible();
});

test("shows what is wrong with a part", async () => {
  backend(degraded());
  renderBoard();
  expect(await screen.findByRole("heading", { name: "Mostly well" })).toBeVisible();
  expect(part("Redis").getByText("No connection")).toBeVisible();
  expect(part("Redis").getByText("connection refused")).toBeVisible();
});

test("says when what everything needs is away", async () => {
  backend(unhealthy());
  renderBoard();
  expect(await screen.findByRole("heading", { name: "Not well" })).toBeVisible();
});

test("while the API is away, what it said last is not taken for true", async () => {
  backend(health(), null);
  renderBoard();
  await screen.findByRole("heading", { name: "All is well" });
  await nextLook();
  expect(screen.getByRole("heading", { name: "The API can’t be reached" })).toBeVisible();
  expect(screen.getByText(/The last answer came at/)).toBeVisible();
  expect(part("Database").getByText("Not known")).toBeVisible();
  expect(part("Database").queryByText("1.4 ms")).toBeNull();
  expect(part("API, from here").getByRole("img")).toHaveAccessibleName(/1 without an answer/);
});

test("without any answer it says so, and asks again when told to", async () => {
  const fetch = backend(null, health());
  renderBoard();
  const button = await screen.findByRole("button", { name: "Try now" });
  expect(screen.getByText("not known")).toBeVisible();
  await userEvent.setup({ advanceTimers: jest.advanceTimersByTime }).click(button);
  expect(await screen.findByRole("heading", { name: "All is well" })).toBeVisible();
  expect(fetch).toHaveBeenCalledTimes(2);
});

test("a screen reader hears of a new state, not of every look", async () => {
  backend(health(), health(), degraded());
  renderBoard();
  await screen.findByRole("heading", { name: "All is well" });
  const region = screen.getByRole("status");
  const changes = jest.fn();
  const observer = new MutationObserver(changes);
  observer.observe(region, { subtree: true, childList: true, characterData: true });
  await nextLook();
  expect(changes).not.toHaveBeenCalled();
  await nextLook();
  expect(region).toHaveTextContent("Mostly well");
  expect(changes).toHaveBeenCalled();
  observer.disconnect();
});

test("nothing is asked while nobody looks", async () => {
  const fetch = backend(health());
  renderBoard();
  await screen.findByRole("heading", { name: "All is well" });
  show("hidden");
  await act(() => jest.advanceTimersByTimeAsync(PACE.longest * 3));
  expect(fetch).toHaveBeenCalledTimes(1);
  show("visible");
  expect(fetch).toHaveBeenCalledTimes(2);
  await nextLook();
});
