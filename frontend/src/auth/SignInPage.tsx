import { headers } from "next/headers";

import { getSettings } from "@/settings/read";
import { ButtonLink } from "@/ui/Button";
import { Message } from "@/ui/Message";

import { ClerkPanel, type Panel } from "./ClerkPanel";

/** A page that needs Clerk: its panel where a key is set, else a page that says that none is. */
export async function SignInPage({ panel }: Readonly<{ panel: Panel }>) {
  const settings = getSettings();
  const publishableKey = settings.NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY;
  if (publishableKey === null) {
    return (
      <Message title="Nobody can sign in yet">
        <p>
          Here, Delight runs without accounts: no key of Clerk is set. Whoever runs it sets{" "}
          <code>NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY</code> and deploys again.
        </p>
        <ButtonLink href="/">To the first page</ButtonLink>
      </Message>
    );
  }
  return (
    <ClerkPanel
      panel={panel}
      publishableKey={publishableKey}
      nonce={(await headers()).get("x-nonce") ?? ""}
      apiUrl={settings.NEXT_PUBLIC_API_URL}
    />
  );
}
