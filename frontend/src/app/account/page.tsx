import type { Metadata } from "next";

import { SignInPage } from "@/auth/SignInPage";

export const metadata: Metadata = { title: "Account" };

export default function Page() {
  return <SignInPage panel="account" />;
}
