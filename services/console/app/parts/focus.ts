import { useEffect, useState } from "react";

const WITHIN = ".ant-drawer, .ant-modal-root";

/** What had the focus last, outside of dialogs. */
let outside: HTMLElement | undefined;
document.addEventListener("focusin", ({ target }) => {
  if (target instanceof HTMLElement && !target.closest(WITHIN)) outside = target;
});

/**
 * Gives the focus back to what opened a dialog, when what is in it goes. The library does so only when the dialog has moved out
 * of sight, and not at all when it is gone at once or is closed while it still comes in.
 */
export function useFocusBack(): void {
  const [opener] = useState(() => outside);
  useEffect(
    () => () => {
      // The dialog keeps the focus within until it knows that it is closed.
      setTimeout(() => {
        const now = document.activeElement;
        if (now === document.body || now?.closest(WITHIN)) opener?.focus({ preventScroll: true });
      });
    },
    [opener],
  );
}

/** The same as a part: it stands beside what a dialog holds. */
export function FocusBack(): null {
  useFocusBack();
  return null;
}
