import { useEffect, useRef } from "react";
import { useLocation } from "react-router";

/** For a row of links that scrolls on a phone: the one of this page is brought into view, also when it comes later than others. */
export function useCurrentInView<T extends HTMLElement>(links?: number) {
  const row = useRef<T>(null);
  const { pathname } = useLocation();
  useEffect(() => {
    const link = row.current?.querySelector<HTMLElement>('[aria-current="page"], .here');
    if (row.current && link) row.current.scrollLeft = link.offsetLeft - (row.current.clientWidth - link.offsetWidth) / 2;
  }, [pathname, links]);
  return row;
}
