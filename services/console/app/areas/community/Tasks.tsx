import { Card, Flex, Grid, Segmented, Select, Table, Typography } from "antd";
import type { ColumnsType } from "antd/es/table";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag, Withheld } from "../../parts/Page";
import { Asked, Empty } from "../../parts/states";
import { useTask } from "../../session/task";
import { STATES, useFollowUps, type Counts, type FollowUp, type State } from "./followUps";
import { StateTag } from "./StateTag";
import { phoneLink, phoneText } from "./unit";
import { WrongPurpose } from "./WrongPurpose";
import { useUnitName } from "../../parts/unit";

const OPEN: State[] = ["to_notify", "not_reached", "refused", "notified", "quarantined"];

/** Follow-ups of the unit, the most urgent first. */
export function Tasks({ unit }: { unit: string }) {
  const { t } = useTranslation("community");
  const [address, setAddress] = useSearchParams();
  const show = address.get("show") ?? "open";
  const tasks = useFollowUps(unit);
  if (useTask()?.purpose !== "PUBHLTH") return <WrongPurpose title={t("tasks.title")} />;
  return (
    <Page title={t("tasks.title")} extra={<ReceiptTag receipt={tasks.data?.receipt} />}>
      <Asked query={tasks}>
        {(answer) => {
          const shown = answer.follow_ups.filter((one) => fits(one, show));
          return (
            <>
              <Withheld of="read-follow-ups" groups={answer.withheld} />
              <Choice show={show} counts={answer.counts} choose={(value) => setAddress(value === "open" ? {} : { show: value }, { replace: true })} />
              <List tasks={shown} />
              {answer.next && <Typography.Paragraph type="warning">{t("tasks.cut", { count: answer.follow_ups.length })}</Typography.Paragraph>}
              <CountsLine counts={answer.counts} />
            </>
          );
        }}
      </Asked>
    </Page>
  );
}

function fits(one: FollowUp, show: string): boolean {
  if (show === "all") return true;
  if (show === "open") return OPEN.includes(one.state) || Boolean(one.offered_to);
  if (show === "overdue") return one.overdue;
  if (show === "offered") return Boolean(one.offered_to);
  return one.state === show;
}

function Choice({ show, counts, choose }: { show: string; counts: Counts; choose: (value: string) => void }) {
  const { t } = useTranslation("community");
  const { number } = useFormat();
  const wide = Grid.useBreakpoint().lg ?? true;
  const open = OPEN.reduce((sum, state) => sum + counts[state], 0);
  const options = [
    { value: "open", label: `${t("tasks.open")} ${number(open)}` },
    { value: "overdue", label: `${t("task.overdue")} ${number(counts.overdue)}` },
    { value: "to_notify", label: `${t("state.to_notify")} ${number(counts.to_notify)}` },
    { value: "not_reached", label: `${t("state.not_reached")} ${number(counts.not_reached)}` },
    { value: "quarantined", label: `${t("state.quarantined")} ${number(counts.quarantined)}` },
    { value: "offered", label: `${t("tasks.offered")} ${number(counts.offered)}` },
    { value: "all", label: `${t("all", { ns: "common" })} ${number(counts.total)}` },
  ];
  const known = options.some((option) => option.value === show) ? options : [...options, { value: show, label: t(`state.${show}`, { defaultValue: show }) }];
  return (
    <div style={{ marginBottom: 12 }}>
      {wide ? <Segmented aria-label={t("tasks.show")} value={show} options={known} onChange={(value) => choose(String(value))} /> : <Select aria-label={t("tasks.show")} value={show} options={known} onChange={choose} style={{ width: "100%" }} />}
    </div>
  );
}

function List({ tasks }: { tasks: FollowUp[] }) {
  const { t } = useTranslation("community");
  const wide = Grid.useBreakpoint().md ?? true;
  const name = (one: FollowUp) => (
    <Link to={`/community/tasks/${one.follow_up_id}`} data-task={one.follow_up_id}>
      {one.identity?.name ?? t(one.person_id ? "residents.noName" : "task.nobody")}
    </Link>
  );
  const phone = (one: FollowUp) => (one.contact?.phone ? <a className="numbers" href={phoneLink(one.contact.phone)}>{phoneText(one.contact.phone)}</a> : "–");
  const columns: ColumnsType<FollowUp> = wide
    ? [
        { key: "due", title: t("tasks.due"), width: 190, render: (_, one) => <Due task={one} /> },
        { key: "name", title: t("column.name"), width: 130, render: (_, one) => name(one) },
        { key: "state", title: t("tasks.state"), width: 220, render: (_, one) => <Standing task={one} /> },
        { key: "phone", title: t("column.phone"), width: 150, render: (_, one) => phone(one) },
        { key: "address", title: t("column.address"), width: 320, ellipsis: true, render: (_, one) => one.address ?? "–" },
      ]
    : [
        {
          key: "all",
          render: (_, one) => (
            <Flex vertical gap={2}>
              <Flex wrap gap={8}>
                <strong>{name(one)}</strong> {phone(one)}
              </Flex>
              <Due task={one} />
              <Typography.Text type="secondary" ellipsis>{one.address ?? "–"}</Typography.Text>
              <div><Standing task={one} /></div>
            </Flex>
          ),
        },
      ];
  return (
    <Table<FollowUp>
      virtual
      aria-label={t("tasks.title")}
      rowKey="follow_up_id"
      size="small"
      columns={columns}
      dataSource={tasks}
      pagination={false}
      showHeader={wide}
      locale={{ emptyText: <Empty>{t("tasks.none")}</Empty> }}
      scroll={{ x: wide ? 1010 : 300, y: Math.max(280, window.innerHeight - 380) }}
    />
  );
}

function Standing({ task }: { task: FollowUp }) {
  const { t } = useTranslation("community");
  const unitName = useUnitName();
  return (
    <>
      <StateTag state={task.state} />
      {task.attempts > 0 && <Typography.Text type="secondary" style={{ fontSize: 12 }}>{t("task.attempts", { count: task.attempts })}</Typography.Text>}
      {task.offered_to && <Typography.Text type="secondary" style={{ fontSize: 12 }}> {t("task.offeredTo", { unit: unitName(task.offered_to) })}</Typography.Text>}
    </>
  );
}

/** What is to be done, and by when. Late is said in words. */
export function Due({ task }: { task: FollowUp }) {
  const { t } = useTranslation("community");
  const { instant } = useFormat();
  if (!task.due) return <Typography.Text type="secondary">{t("task.ended")}</Typography.Text>;
  return (
    <span>
      <Typography.Text strong type={task.overdue ? "danger" : undefined}>{t(`dueFor.${task.due_for}`, { defaultValue: task.due_for ?? "" })}</Typography.Text>
      <br />
      <Typography.Text type={task.overdue ? "danger" : "secondary"} className="numbers" style={{ fontSize: 12 }}>
        {t(task.overdue ? "task.wasDue" : "task.isDue", { at: instant(task.due) })}
      </Typography.Text>
    </span>
  );
}

/** The eight states add up to all tasks. */
function CountsLine({ counts }: { counts: Counts }) {
  const { t } = useTranslation("community");
  const { number } = useFormat();
  const sum = STATES.reduce((added, state) => added + counts[state], 0);
  return (
    <Card size="small" style={{ marginTop: 12 }} title={<h2 style={{ margin: 0, fontSize: 15 }}>{t("tasks.counts")}</h2>}>
      <Flex wrap gap="4px 16px" align="center" data-agrees={sum === counts.total}>
        {STATES.map((state) => (
          <span key={state}>
            <StateTag state={state} /> <strong className="numbers">{number(counts[state])}</strong>
          </span>
        ))}
        <strong className="numbers">= {number(sum)}</strong>
        {sum !== counts.total && <Typography.Text type="danger">{t("sum.differs")}</Typography.Text>}
      </Flex>
    </Card>
  );
}
