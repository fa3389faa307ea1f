import { ButtonLink } from "@/ui/Button";
import { Message } from "@/ui/Message";

export default function NotFound() {
  return (
    <Message title="There is nothing here">
      <p>The address may be old, or have a slip in it.</p>
      <ButtonLink href="/">To the first page</ButtonLink>
    </Message>
  );
}
