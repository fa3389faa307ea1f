"use client";

import { useAuth } from "@clerk/react";
import { useEffect, useReducer, useState } from "react";

import { ApiError, readMe, type User } from "@/api/client";
import { Button, ButtonLink } from "@/ui/Button";
import { Message } from "@/ui/Message";

import styles from "./auth.module.css";
import { Waiting } from "./Waiting";

type Loaded = { readonly user: User } | { readonly error: unknown } | null;

/** What the API knows of the signed-in user; needs Clerk's provider around it. */
export function Account({ apiUrl }: Readonly<{ apiUrl: string | null }>) {
  const { isSignedIn, getToken, signOut } = useAuth();
  const [attempt, retry] = useReducer((count: number) => count + 1, 0);
  const loaded = useUser(apiUrl, isSignedIn === true, getToken, attempt);

  if (isSignedIn === false) {
    return (
      <Message title="You are not signed in">
        <p>Your account is shown to you only.</p>
        <ButtonLink href="/sign-in">Sign in</ButtonLink>
      </Message>
    );
  }
  if (loaded === null) return <Waiting />;
  if ("error" in loaded) {
    return (
      <Message title="Your account can’t be shown">
        <p role="alert">{sentence(loaded.error)}</p>
        <Button onClick={retry}>Try again</Button>
      </Message>
    );
  }
  return <Profile user={loaded.user} onSignOut={() => void signOut()} />;
}

function useUser(
  apiUrl: string | null,
  isSignedIn: boolean,
  getToken: () => Promise<string | null>,
  attempt: number,
): Loaded {
  const [loaded, setLoaded] = useState<Loaded>(null);

  useEffect(() => {
    if (!isSignedIn) return;
    const { signal, abort } = aborting();
    const load = async (): Promise<Loaded> => {
      try {
        const token = await getToken();
        if (token === null) throw new ApiError(401);
        return { user: await readMe(apiUrl, token, signal) };
      } catch (error) {
        return { error };
      }
    };
    void load().then((result) => {
      if (!signal.aborted) setLoaded(result);
    });
    return abort;
    // getToken is a new function at each rendering; the session behind it is not.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [apiUrl, isSignedIn, attempt]);

  return loaded;
}

function aborting() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

function sentence(error: unknown): string {
  if (!(error instanceof ApiError)) return "The API can’t be reached.";
  const reference = error.requestId === null ? "" : ` Quote ${error.requestId} in a report.`;
  if (error.status === 401) return `The API does not accept this session.${reference}`;
  if (error.status === 429) return "Too many tries; please wait a minute.";
  return `The API answered with status ${error.status}.${reference}`;
}

function Profile({ user, onSignOut }: Readonly<{ user: User; onSignOut: () => void }>) {
  const facts = [
    ["E-mail", user.email ?? "none"],
    ["Time zone", user.timezone],
    ["Language", user.locale],
    ["Introduction", user.onboarding],
    ["Here since", new Date(user.created_at).toLocaleDateString()],
  ] as const;
  return (
    <section className={styles.profile} aria-labelledby="title">
      <h1 id="title">{user.display_name === null ? "Hello" : `Hello, ${user.display_name}`}</h1>
      <dl>
        {facts.map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Button onClick={onSignOut}>Sign out</Button>
    </section>
  );
}
