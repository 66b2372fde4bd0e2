import { useEffect, useState } from "react";

/**
 * Gives the focus back to what had it, when what is in a dialog goes. The library does so only when the dialog has moved out
 * of sight, and not at all when it is gone at once or is closed while it still comes in.
 */
export function useFocusBack(): void {
  const [before] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      // The dialog keeps the focus within until it knows that it is closed.
      setTimeout(() => {
        const now = document.activeElement;
        const isLost = now === document.body || now?.closest(".ant-drawer, .ant-modal-root");
        if (isLost && before instanceof HTMLElement) before.focus({ preventScroll: true });
      });
    },
    [before],
  );
}

/** The same as a part: it stands beside what a dialog holds. */
export function FocusBack(): null {
  useFocusBack();
  return null;
}
