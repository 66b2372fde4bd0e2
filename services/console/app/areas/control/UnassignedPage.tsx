import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { Page, ReceiptTag, Withheld } from "../../parts/Page";
import { Empty, Failed, Loading } from "../../parts/states";
import { FollowUpList } from "./case/FollowUpList";
import { isAbsent, useUnassigned } from "./questions";
import { NotThere } from "./words";

/** Contacts of all cases whom no community has: somebody must say who looks after them. */
export function UnassignedPage() {
  const { t } = useTranslation("control");
  const query = useUnassigned();
  const all = query.data?.pages.flatMap(({ follow_ups }) => follow_ups) ?? [];
  const first = query.data?.pages[0];
  return (
    <Page title={t("unassigned.title")} extra={<ReceiptTag receipt={first?.receipt} />}>
      {isAbsent(query.error) ? (
        <NotThere />
      ) : query.isPending ? (
        <Loading />
      ) : query.isError ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : all.length === 0 ? (
        <Empty>{t("unassigned.none")}</Empty>
      ) : (
        <>
          <p className="control-note">{t("unassigned.help")}</p>
          <Withheld of="read-follow-ups" groups={first?.withheld} />
          <FollowUpList all={all} />
          {query.hasNextPage && (
            <Button style={{ marginTop: 8 }} loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
              {t("more", { ns: "common" })}
            </Button>
          )}
        </>
      )}
    </Page>
  );
}
