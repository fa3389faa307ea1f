import type { Metadata } from "next";

import { SignInPage } from "@/auth/SignInPage";

export const metadata: Metadata = { title: "Begin" };

export default function Page() {
  return <SignInPage panel="sign-up" />;
}
