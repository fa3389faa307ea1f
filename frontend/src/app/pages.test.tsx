import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";

import { SignInPage } from "@/auth/SignInPage";
import { getSettings, parseSettings } from "@/settings/read";
import { SiteFooter } from "@/ui/SiteFooter";
import { SiteHeader } from "@/ui/SiteHeader";

import ErrorPage from "./error";
import NotFound from "./not-found";
import HomePage from "./page";
import SignInRoute from "./sign-in/page";
import SignUpRoute from "./sign-up/page";
import AccountRoute from "./account/page";
import StatusPage from "./status/page";

jest.mock("@/settings/read", () => ({
  ...jest.requireActual<object>("@/settings/read"),
  getSettings: jest.fn(),
}));
jest.mock("next/headers", () => ({
  headers: () => Promise.resolve(new Headers({ "x-nonce": "abc" })),
}));
jest.mock("@/auth/ClerkPanel", () => ({
  ClerkPanel: (props: object) => <pre>{JSON.stringify(props)}</pre>,
}));
jest.mock("@/health/StatusBoard", () => ({
  StatusBoard: (props: object) => <pre>{JSON.stringify(props)}</pre>,
}));

function set(environ: Record<string, string>) {
  jest.mocked(getSettings).mockReturnValue(parseSettings(environ));
}

test("the first page says what Delight is, and where to begin", () => {
  render(<HomePage />);
  expect(screen.getByRole("heading", { level: 1 })).toHaveTextContent(/company/);
  expect(screen.getByRole("link", { name: "Begin" })).toHaveAttribute("href", "/sign-up");
});

test("the bar leads to all pages, and keyboards past itself", () => {
  render(<SiteHeader />);
  const links = screen.getAllByRole("link").map((link) => link.getAttribute("href"));
  expect(links).toEqual(["#content", "/", "/status", "/account", "/sign-in"]);
});

test("the foot tells the release", () => {
  set({ RELEASE: "v3-0123456789" });
  render(<SiteFooter />);
  expect(screen.getByText("v3-0123456789")).toBeVisible();
});

test("the status page hands on what is set", () => {
  set({ RELEASE: "v3", NEXT_PUBLIC_API_URL: "https://api.example.com" });
  render(<StatusPage />);
  expect(screen.getByText(/"apiUrl":"https:\/\/api.example.com","release":"v3"/)).toBeVisible();
});

test("without a key the page says which is missing", async () => {
  set({});
  render(await SignInPage({ panel: "sign-in" }));
  expect(screen.getByText("NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY")).toBeVisible();
});

test("with a key the panel gets it and the nonce, and no secret", async () => {
  set({
    NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY: "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k",
    CLERK_SECRET_KEY: "sk_test_secret",
  });
  const { container } = render(await SignInPage({ panel: "account" }));
  expect(container).toHaveTextContent(/"panel":"account".*"pk_test_.*"nonce":"abc"/);
  expect(container).not.toHaveTextContent("sk_test");
});

test.each([
  ["sign-in", SignInRoute],
  ["sign-up", SignUpRoute],
  ["account", AccountRoute],
])("/%s has the panel of its name", (panel, Route) => {
  expect(Route().props).toEqual({ panel });
});

test("an address that is none", () => {
  render(<NotFound />);
  expect(screen.getByRole("link", { name: "To the first page" })).toBeVisible();
});

test("an error tells its number and none of its words", async () => {
  const reset = jest.fn();
  render(<ErrorPage error={Object.assign(new Error("secret"), { digest: "123" })} reset={reset} />);
  expect(screen.getByText("123")).toBeVisible();
  expect(screen.queryByText(/secret/)).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(reset).toHaveBeenCalled();
});
