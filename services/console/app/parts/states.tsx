/** Loading, empty, failed, refused: the same everywhere, and never an accident. */
import { Alert, Button, Empty as AntEmpty, Flex, Result, Skeleton, Typography } from "antd";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Problem } from "../api/client";
import { useLanguage } from "../text";
import { PROBLEMS_ZH } from "./problems.text";

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

/** What went wrong, in the words of the hub: what it means, and what to do about it. */
export function ProblemAlert({ error, action }: { error: unknown; action?: ReactNode }) {
  const { t } = useTranslation();
  const { title, detail, code } = useWords(error);
  return (
    <Alert
      type="error"
      showIcon
      title={title}
      action={action}
      description={
        <Flex vertical>
          <span>{detail}</span>
          {code && <Typography.Text type="secondary" code copyable={{ text: code }} aria-label={t("failed")}>{code}</Typography.Text>}
        </Flex>
      }
    />
  );
}

/** A whole page or part that could not be had. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  const { title, detail, code, refused } = useWords(error);
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
      extra={retry && !refused && <Button onClick={retry}>{t("retry")}</Button>}
    />
  );
}

function useWords(error: unknown): { title: string; detail: string; code?: string; refused: boolean } {
  const { t } = useTranslation();
  const chinese = useLanguage() === "zh";
  if (!(error instanceof Problem)) return { title: t("failed"), detail: t("offline"), refused: false };
  const refused = error.status === 403 || error.status === 404;
  if (error.status === 401 && error.code === "token-invalid") return { title: t("failed"), detail: t("ended"), code: error.code, refused: false };
  const [title, detail] = (chinese && PROBLEMS_ZH[error.code]) || [];
  return {
    // A problem of a feed is explained in Chinese by the hub, its title is not.
    title: title ?? ((chinese && error.detailZh ? "" : error.title) || t("failed")),
    detail: (chinese && (error.detailZh ?? detail)) || error.detail,
    code: error.code,
    refused,
  };
}

/** The four states of a question, and what is shown when it is answered. */
export function Asked<T>({ query, children, empty }: { query: UseQueryResult<T>; children: (answer: T) => ReactNode; empty?: (answer: T) => boolean }) {
  if (query.isPending) return <Loading />;
  if (query.isError) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (empty?.(query.data)) return <Empty />;
  return children(query.data);
}
