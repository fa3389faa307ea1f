"use client";

import dynamic from "next/dynamic";

import { Waiting } from "./Waiting";

export type Panel = "sign-in" | "sign-up" | "account";

export interface ClerkPanelProps {
  readonly panel: Panel;
  readonly publishableKey: string;
  /** Of this page's security policy; Clerk's script and styles carry it. */
  readonly nonce: string;
  readonly apiUrl: string | null;
}

/** Clerk's code is a piece of its own, fetched when this is shown, by the browser only. */
export const ClerkPanel = dynamic<ClerkPanelProps>(
  () => import("./ClerkView").then((module) => module.ClerkView),
  { ssr: false, loading: Waiting },
);
