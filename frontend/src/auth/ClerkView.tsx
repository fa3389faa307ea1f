"use client";

import {
  ClerkFailed,
  ClerkLoaded,
  ClerkLoading,
  ClerkProvider,
  SignIn,
  SignUp,
} from "@clerk/react";

import { Message } from "@/ui/Message";

import { Account } from "./Account";
import styles from "./auth.module.css";
import type { ClerkPanelProps } from "./ClerkPanel";
import { Waiting } from "./Waiting";

// Clerk computes shades, so these are colours and not custom properties.
const APPEARANCE = {
  variables: { colorPrimary: "#b83a1b", borderRadius: "0.75rem", fontFamily: "inherit" },
};

/** Clerk's provider with one panel in it. */
export function ClerkView({ panel, publishableKey, nonce, apiUrl }: ClerkPanelProps) {
  return (
    <ClerkProvider
      publishableKey={publishableKey}
      nonce={nonce}
      appearance={APPEARANCE}
      signInUrl="/sign-in"
      signUpUrl="/sign-up"
      signInFallbackRedirectUrl="/account"
      signUpFallbackRedirectUrl="/account"
      afterSignOutUrl="/"
      telemetry={false}
    >
      <ClerkLoading>
        <Waiting />
      </ClerkLoading>
      <ClerkFailed>
        <Message title="Signing in does not work just now">
          <p>Clerk, which keeps the accounts, can’t be reached. Please try again in a while.</p>
        </Message>
      </ClerkFailed>
      <ClerkLoaded>
        {panel === "account" ? (
          <Account apiUrl={apiUrl} />
        ) : (
          <div className={styles.form}>
            {panel === "sign-in" ? <SignIn routing="hash" /> : <SignUp routing="hash" />}
          </div>
        )}
      </ClerkLoaded>
    </ClerkProvider>
  );
}
