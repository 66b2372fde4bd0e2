/** Something wider than the page, such as a table: it scrolls by itself, with the keyboard, too. */
import type { ReactNode } from "react";

export function Scroll({ label, width, children }: { label: string; width: number | "max-content"; children: ReactNode }) {
  return (
    <div tabIndex={0} role="region" aria-label={label} style={{ overflowX: "auto", maxWidth: "100%" }}>
      <div style={{ minWidth: width }}>{children}</div>
    </div>
  );
}
