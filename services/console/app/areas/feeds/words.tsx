/** Words for what the hub says in codes. */
import { Popover, Tag, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { useLanguage } from "../../text";
import { BASIS_ZH } from "./basis.text";
import { useReasons, type FailedRow, type Feed } from "./model";

export { useFeedName } from "../../parts/feedNames";

/** The department that answers for a feed. */
export function useOwnerName(): (feed: Feed) => string {
  const { t } = useTranslation("feeds");
  const chinese = useLanguage() === "zh";
  return ({ feed, owner }) => (chinese ? t(`owner.${feed}`, { defaultValue: owner }) : owner);
}

/** The ground on which a feed is processed: Chinese where the profile says it, or where it is one that ships. */
export function useBasis(): (feed: Feed) => string {
  const chinese = useLanguage() === "zh";
  return ({ legal_basis: basis, legal_basis_zh }) => (chinese && (legal_basis_zh ?? BASIS_ZH[basis])) || basis;
}

export function useFieldName(): (field: string) => string {
  const { t } = useTranslation("feeds");
  return (field) => t(`field.${field}`, { defaultValue: field.replaceAll("_", " ") });
}

/** What is wrong with a row, in the visitor's language. */
export function useFailureText(): (row: FailedRow) => string {
  const chinese = useLanguage() === "zh";
  return (row) => (chinese && row.message_zh) || row.message;
}

/** What a reason code means, in the visitor's language; the code itself while that is not known. */
export function useMeaning(): (code: string) => string {
  const chinese = useLanguage() === "zh";
  const reasons = useReasons().data;
  return (code) => {
    const reason = reasons?.find((one) => one.code === code);
    return (reason && (chinese ? reason.meaning_zh : reason.meaning)) || code;
  };
}

/** A reason code; what it means and what to do about it are one step away. */
export function CodeTag({ code }: { code: string }) {
  const { t } = useTranslation("feeds");
  const chinese = useLanguage() === "zh";
  const reason = useReasons().data?.find((one) => one.code === code);
  const tag = (
    <Tag color="volcano" tabIndex={reason ? 0 : undefined} data-code={code}>
      {code}
    </Tag>
  );
  if (!reason) return tag;
  return (
    <Popover
      title={chinese ? reason.meaning_zh : reason.meaning}
      styles={{ root: { maxWidth: 420 } }}
      content={
        <Typography.Text>
          <strong>{t("reason.mend")}</strong> {chinese ? reason.mend_zh : reason.mend}
        </Typography.Text>
      }
      trigger={["hover", "focus"]}
    >
      {tag}
    </Popover>
  );
}

export function StateTag({ state }: { state: string }) {
  const { t } = useTranslation("feeds");
  const colours: Record<string, string> = { processing: "blue", done: "green", refused: "red", open: "orange", resent: "volcano", mended: "green", replayed: "cyan", discarded: "default" };
  return <Tag color={colours[state]} data-state={state}>{t(`state.${state}`, { defaultValue: state })}</Tag>;
}

/** The form of the rows, such as “delimited text, GB18030”. */
export function useFormatName(): (feed: Feed) => string {
  const { t } = useTranslation("feeds");
  return (feed) => `${t(`format.${feed.format}`, { defaultValue: feed.format })}, ${feed.encoding}`;
}
