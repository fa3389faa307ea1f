import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";

import { Account } from "./Account";
import { ClerkView } from "./ClerkView";

// Clerk is a service on the network: its library is replaced by what a state of it would show.
const auth = { isSignedIn: true as boolean | undefined, getToken: jest.fn(), signOut: jest.fn() };
let clerkState = "loaded";
const provider = jest.fn();

jest.mock("@clerk/react", () => {
  const when = (state: string) =>
    function When({ children }: { children: ReactNode }) {
      return clerkState === state ? children : null;
    };
  return {
    useAuth: () => ({ ...auth }),
    ClerkProvider: ({ children, ...props }: { children: ReactNode }) => {
      provider(props);
      return children;
    },
    ClerkLoading: when("loading"),
    ClerkFailed: when("failed"),
    ClerkLoaded: when("loaded"),
    SignIn: () => <p>form to sign in</p>,
    SignUp: () => <p>form to sign up</p>,
  };
});

const USER = {
  id: "5a2c0000-0000-0000-0000-000000000000",
  email: null,
  display_name: "Ada",
  timezone: "Europe/London",
  locale: "en-GB",
  onboarding: "new",
  created_at: "2026-01-01T12:00:00Z",
  updated_at: "2026-01-01T12:00:00Z",
};

function backend(status: number, body: object) {
  const fetch = jest.fn().mockResolvedValue({
    ok: status === 200,
    status,
    text: () => Promise.resolve(JSON.stringify(body)),
  });
  globalThis.fetch = fetch;
  return fetch;
}

beforeEach(() => {
  auth.isSignedIn = true;
  auth.getToken.mockResolvedValue("token");
  clerkState = "loaded";
});

describe("the account", () => {
  test("shows what the API knows of the user", async () => {
    const fetch = backend(200, USER);
    render(<Account apiUrl="https://api.example.com" />);
    expect(await screen.findByRole("heading", { name: "Hello, Ada" })).toBeVisible();
    expect(screen.getByText("Europe/London")).toBeVisible();
    expect(screen.getByText("none")).toBeVisible();
    expect(fetch).toHaveBeenCalledWith(
      "https://api.example.com/api/v1/users/me",
      expect.objectContaining({
        headers: expect.objectContaining({ authorization: "Bearer token" }) as unknown,
      }),
    );
  });

  test("greets those without a name, and lets them go", async () => {
    backend(200, { ...USER, display_name: null });
    render(<Account apiUrl={null} />);
    await screen.findByRole("heading", { name: "Hello" });
    await userEvent.click(screen.getByRole("button", { name: "Sign out" }));
    expect(auth.signOut).toHaveBeenCalled();
  });

  test("asks nothing of those who are not signed in", () => {
    const fetch = backend(200, USER);
    auth.isSignedIn = false;
    render(<Account apiUrl={null} />);
    expect(screen.getByRole("link", { name: "Sign in" })).toHaveAttribute("href", "/sign-in");
    expect(fetch).not.toHaveBeenCalled();
  });

  test("waits until Clerk knows", () => {
    auth.isSignedIn = undefined;
    render(<Account apiUrl={null} />);
    expect(screen.getByRole("status")).toHaveTextContent("One moment");
  });

  test.each([
    [401, /does not accept this session.*r1/],
    [429, /wait a minute/],
    [503, /status 503.*r1/],
  ])("tells a refusal with status %d", async (status, words) => {
    backend(status, { status, code: "x", request_id: "r1" });
    render(<Account apiUrl={null} />);
    expect(await screen.findByRole("alert")).toHaveTextContent(words);
  });

  test("a session that ended meanwhile is told like a refusal", async () => {
    auth.getToken.mockResolvedValue(null);
    render(<Account apiUrl={null} />);
    expect(await screen.findByRole("alert")).toHaveTextContent("does not accept this session.");
  });

  test("tries again", async () => {
    globalThis.fetch = jest.fn().mockRejectedValue(new TypeError("Failed to fetch"));
    render(<Account apiUrl={null} />);
    expect(await screen.findByRole("alert")).toHaveTextContent("can’t be reached");
    backend(200, USER);
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("heading", { name: "Hello, Ada" })).toBeVisible();
  });
});

describe("Clerk's panel", () => {
  function view(panel: "sign-in" | "sign-up" | "account") {
    render(<ClerkView panel={panel} publishableKey="pk" nonce="abc" apiUrl={null} />);
  }

  test("shows the form that was asked for", () => {
    view("sign-in");
    expect(screen.getByText("form to sign in")).toBeVisible();
    view("sign-up");
    expect(screen.getByText("form to sign up")).toBeVisible();
  });

  test("shows the account", async () => {
    backend(200, USER);
    view("account");
    expect(await screen.findByRole("heading", { name: "Hello, Ada" })).toBeVisible();
  });

  test("says when Clerk is loading, and when it can't be reached", () => {
    clerkState = "loading";
    view("sign-in");
    expect(screen.getByRole("status")).toBeVisible();
    clerkState = "failed";
    view("sign-in");
    expect(screen.getByRole("heading", { name: /does not work just now/ })).toBeVisible();
  });

  test("gives Clerk the nonce, and no leave to report", () => {
    view("sign-in");
    expect(provider).toHaveBeenLastCalledWith(
      expect.objectContaining({ nonce: "abc", publishableKey: "pk", telemetry: false }),
    );
  });
});
