/** The pages of an area, as links; the one that is shown is marked for the eye and for screen readers. */
import { theme } from "antd";
import { NavLink } from "react-router";

export function SubNav({ label, items }: { label: string; items: { to: string; label: string; end?: boolean }[] }) {
  const { token } = theme.useToken();
  return (
    <nav className="sub-nav no-print" aria-label={label} style={{ borderBottom: `1px solid ${token.colorBorderSecondary}` }}>
      {items.map(({ to, label, end }) => (
        <NavLink
          key={to}
          to={to}
          end={end}
          style={({ isActive }) => ({ color: isActive ? token.colorLink : token.colorTextSecondary, borderBottomColor: isActive ? token.colorPrimary : "transparent" })}
        >
          {label}
        </NavLink>
      ))}
    </nav>
  );
}
