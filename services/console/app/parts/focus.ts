import { useEffect, useState } from "react";

/** Gives the focus back to what had it: for a dialog that is gone when it is closed, and so cannot do it by itself. */
export function useFocusBack(): void {
  const [before] = useState(() => document.activeElement);
  useEffect(() => () => {
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  }, [before]);
}
