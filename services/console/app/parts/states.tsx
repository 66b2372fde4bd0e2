/** Loading, empty, failed, refused: the same everywhere, and never an accident. */
import { Alert, Button, Empty as AntEmpty, Flex, Result, Skeleton, Typography } from "antd";
import type { UseQueryResult } from "@tanstack/react-query";
import { useEffect, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { hasSessionEnded, Problem } from "../api/client";
import { useSignOut } from "../session/session";
import { useLanguage } from "../text";
import { PROBLEMS } from "./problems.text";

export function Loading({ rows = 6 }: { rows?: number }) {
  const { t } = useTranslation();
  return (
    <div role="status" aria-label={t("loading")}>
      <Skeleton active paragraph={{ rows }} />
    </div>
  );
}

export function Empty({ children }: { children?: ReactNode }) {
  const { t } = useTranslation();
  return <AntEmpty image={AntEmpty.PRESENTED_IMAGE_SIMPLE} description={children ?? t("empty")} />;
}

/** What went wrong: what it means, and what to do about it. */
export function ProblemAlert({ error, action, retry }: { error: unknown; action?: ReactNode; retry?: () => void }) {
  const { t } = useTranslation();
  const { title, detail, code, canRetry } = useWords(error);
  return (
    <Alert
      type="error"
      showIcon
      title={title}
      action={action ?? (retry && canRetry && <Button size="small" onClick={retry}>{t("retry")}</Button>)}
      description={
        <Flex vertical>
          <span>{detail}</span>
          {code && <Typography.Text type="secondary" code copyable={{ text: code }} aria-label={t("failed")}>{code}</Typography.Text>}
        </Flex>
      }
    />
  );
}

/** A whole page or part that could not be had, with the way to where it can be looked for. */
export function Failed({ error, retry, way }: { error: unknown; retry?: () => void; way?: ReactNode }) {
  const { t } = useTranslation();
  const { title, detail, code, refused, hasEnded, canRetry } = useWords(error);
  const signOut = useSignOut();
  return (
    <Result
      status={refused ? "403" : "warning"}
      title={title}
      subTitle={
        <Flex vertical align="center">
          <span>{detail}</span>
          {code && <Typography.Text type="secondary" code>{code}</Typography.Text>}
        </Flex>
      }
      extra={
        hasEnded ? (
          <Button type="primary" onClick={() => signOut.mutate("here")}>{t("signInAgain")}</Button>
        ) : (
          <Flex justify="center" wrap gap={8}>
            {retry && canRetry && <Button onClick={retry}>{t("retry")}</Button>}
            {way}
          </Flex>
        )
      }
    />
  );
}

interface Said {
  title: string;
  detail: string;
  code?: string;
  refused: boolean;
  hasEnded: boolean;
  /** Whether asking the same again may be answered otherwise. */
  canRetry: boolean;
}

function useWords(error: unknown): Said {
  const { t } = useTranslation();
  const language = useLanguage();
  if (!(error instanceof Problem)) return { title: t("failed"), detail: t("offline"), refused: false, hasEnded: false, canRetry: true };
  const { status, code, detailZh } = error;
  const [title, detail] = PROBLEMS[language][code] ?? [];
  // A problem of a feed is explained by the hub in both languages, with what it is about.
  const own = detailZh ? (language === "zh" ? detailZh : error.detail) : undefined;
  return {
    title: title ?? ((language === "zh" && detailZh ? "" : error.title) || t("failed")),
    detail: own || detail || error.detail,
    code,
    refused: status === 403 || status === 404,
    hasEnded: hasSessionEnded(error),
    canRetry: status >= 500 || status === 429,
  };
}

/** An address that leads nowhere; below the heading of another page it has none of its own. */
export function NoSuchPage({ to = "/", label, isPart = false }: { to?: string; label?: string; isPart?: boolean }) {
  const { t } = useTranslation();
  useEffect(() => {
    if (!isPart) document.title = `${t("notFound")} · ${t("name")}`;
  }, [isPart, t]);
  const title = isPart ? t("notFound") : <h1 style={{ font: "inherit", margin: 0 }}>{t("notFound")}</h1>;
  return <Result status="404" title={title} extra={<Link to={to}>{label ?? t("home")}</Link>} />;
}

/** The four states of a question, and what is shown when it is answered. */
export function Asked<T>({ query, children, empty, way }: { query: UseQueryResult<T>; children: (answer: T) => ReactNode; empty?: (answer: T) => boolean; way?: ReactNode }) {
  if (query.isPending) return <Loading />;
  if (query.isError) return <Failed error={query.error} retry={() => void query.refetch()} way={way} />;
  if (empty?.(query.data)) return <Empty />;
  return children(query.data);
}
