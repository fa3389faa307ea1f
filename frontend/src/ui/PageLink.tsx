import type { ComponentProps } from "react";

/**
 * A link to another of these pages, loaded as a page: each has a security policy of its own, which
 * would stay that of the first page if scripts exchanged the content only.
 */
export function PageLink({ children, ...rest }: Readonly<ComponentProps<"a"> & { href: string }>) {
  return <a {...rest}>{children}</a>;
}
