import { LogoutOutlined, PoweroffOutlined, MenuOutlined, MoonOutlined, SunOutlined, TranslationOutlined } from "@ant-design/icons";
import { Button, Drawer, Grid, Layout, Menu, Tag, Tooltip, theme } from "antd";
import { Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, Navigate, Route, Routes, useLocation, useNavigate } from "react-router";
import { areasOf } from "./areas";
import logo from "./isthmus.svg";
import { isElsewhere } from "./parts/city";
import { Failed, Loading, NoSuchPage } from "./parts/states";
import { useSession, useSignOut, whoIs } from "./session/session";
import { SignIn } from "./session/SignIn";
import { TaskBar, TaskGate } from "./session/TaskBar";
import { changeLanguage, useLanguage } from "./text";
import { setDark, useDark } from "./theme";

/** What is around every page: brand, menu, what the visitor works on, language, sign-out. */
export function Shell() {
  const { t } = useTranslation();
  const session = useSession();
  const { token } = theme.useToken();
  return (
    <Layout style={{ minHeight: "100dvh" }}>
      <a className="skip-link" href="#content">
        {t("skip")}
      </a>
      <Header />
      {session.data?.demo && <div className="demo-flag">{t("demo")}</div>}
      {isElsewhere() && <div className="zone-flag">{t("zone")}</div>}
      {session.data?.signed_in && <TaskBar />}
      <Layout.Content id="content" tabIndex={-1} className="shell-content" style={{ color: token.colorText }}>
        {session.isPending ? <Loading /> : session.isError ? <Failed error={session.error} retry={() => void session.refetch()} /> : <Pages key={whoIs(session.data)} />}
      </Layout.Content>
    </Layout>
  );
}

function Header() {
  const { t } = useTranslation();
  const session = useSession().data;
  const signOut = useSignOut();
  const language = useLanguage();
  const dark = useDark();
  const wide = Grid.useBreakpoint().md ?? true;
  const [open, setOpen] = useState(false);
  const navigate = useNavigate();
  const area = useLocation().pathname.split("/")[1] ?? "";
  const { token } = theme.useToken();
  useEffect(() => setOpen(false), [area]);
  const items = areasOf(session?.role).map(({ path }) => ({ key: path, label: t(`area.${path}`) }));
  const menu = (mode: "horizontal" | "vertical") => (
    <Menu
      mode={mode}
      items={items}
      selectedKeys={[area]}
      onClick={({ key }) => void navigate(`/${key}`)}
      style={{ minWidth: 0, flex: mode === "horizontal" ? 1 : undefined, border: "none", background: "transparent" }}
    />
  );
  return (
    <Layout.Header
      className="shell-header"
      style={{ background: token.colorBgContainer, borderBottom: `1px solid ${token.colorBorderSecondary}` }}
    >
      {!wide && items.length > 0 && <Button aria-label={t("menu")} icon={<MenuOutlined />} type="text" onClick={() => setOpen(true)} />}
      <Link to="/" className="shell-brand" aria-label={t("name")} style={{ color: token.colorText }}>
        <img src={logo} alt="" />
        {(wide || items.length === 0) && <span className="shell-name">{t("name")}</span>}
      </Link>
      {wide && items.length > 0 ? menu("horizontal") : <span className="shell-space" />}
      {session?.signed_in && wide && <Tag>{t(`role.${session.role}`)}</Tag>}
      <Tooltip title={t(dark ? "light" : "dark")}>
        <Button type="text" aria-label={t(dark ? "light" : "dark")} icon={dark ? <SunOutlined /> : <MoonOutlined />} onClick={() => setDark(!dark)} />
      </Tooltip>
      <Button type="text" icon={<TranslationOutlined />} lang={language === "zh" ? "en" : "zh-CN"} onClick={() => changeLanguage(language === "zh" ? "en" : "zh")}>
        {t("language")}
      </Button>
      {session?.signed_in && (
        <Tooltip title={t("signOut")}>
          <Button type="text" aria-label={t("signOut")} icon={<LogoutOutlined />} onClick={() => signOut.mutate("here", { onSettled: () => void navigate("/") })} />
        </Tooltip>
      )}
      {session?.signed_in && (
        <Tooltip title={t("signOutEverywhere")}>
          <Button type="text" aria-label={t("signOutEverywhere")} icon={<PoweroffOutlined />} onClick={() => signOut.mutate("everywhere", { onSettled: () => void navigate("/") })} />
        </Tooltip>
      )}
      <Drawer open={open} placement="left" onClose={() => setOpen(false)} title={t("name")} extra={session?.signed_in && <Tag>{t(`role.${session.role}`)}</Tag>} size={280}>
        {menu("vertical")}
      </Drawer>
    </Layout.Header>
  );
}

function Pages() {
  const session = useSession().data;
  if (!session?.signed_in) return <SignIn />;
  const areas = areasOf(session.role);
  const first = areas[0];
  const lost = <NoSuchPage />;
  return (
    <Suspense fallback={<Loading />}>
      <Routes>
        <Route path="/" element={first ? <Navigate to={`/${first.path}`} replace /> : lost} />
        <Route path="/sign-in" element={<Navigate to="/" replace />} />
        {areas.map(({ path, page: Page }) => (
          <Route key={path} path={`/${path}/*`} element={<TaskGate><Page /></TaskGate>} />
        ))}
        <Route path="*" element={lost} />
      </Routes>
    </Suspense>
  );
}
