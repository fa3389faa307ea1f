"use client";

import { Button } from "@/ui/Button";
import { Message } from "@/ui/Message";

/** What nobody foresaw. The digest finds the error in the server's log; its text stays there. */
export default function ErrorPage({
  error,
  reset,
}: Readonly<{ error: Error & { digest?: string }; reset: () => void }>) {
  return (
    <Message title="This went wrong">
      <p>It is not your doing. Trying again often helps.</p>
      {error.digest !== undefined && (
        <p>
          If it does not, report it with the number <code>{error.digest}</code>.
        </p>
      )}
      <Button onClick={reset}>Try again</Button>
    </Message>
  );
}
