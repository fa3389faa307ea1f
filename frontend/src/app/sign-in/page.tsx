import type { Metadata } from "next";

import { SignInPage } from "@/auth/SignInPage";

export const metadata: Metadata = { title: "Sign in" };

export default function Page() {
  return <SignInPage panel="sign-in" />;
}
