import { theme } from "antd";
import { NavLink } from "react-router";
import { useCurrentInView } from "./inView";
import "./sections.css";

export interface Section {
  /** Address. */
  to: string;
  label: string;
  /** How much waits there. */
  count?: number;
  /** It stays marked on the pages below it. */
  within?: boolean;
}

/** The pages of an area, as a row that scrolls on a phone. */
export function Sections({ sections, label }: { sections: Section[]; label: string }) {
  const { token } = theme.useToken();
  const row = useCurrentInView<HTMLElement>(sections.length);
  return (
    <nav ref={row} className="sections" aria-label={label} style={{ borderBottom: `1px solid ${token.colorBorderSecondary}` }}>
      {sections.map(({ to, label, count, within }) => (
        <NavLink key={to} to={to} end={!within} className="section-link" style={({ isActive }) => ({ color: isActive ? token.colorLink : token.colorTextSecondary })}>
          {label}
          {count ? <span className="section-count" style={{ background: token.colorFillSecondary, color: token.colorText }}>{count}</span> : null}
        </NavLink>
      ))}
    </nav>
  );
}
