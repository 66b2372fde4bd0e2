import { Alert, Button, Card, Flex, Grid, Input, Select, Table, Tag, Typography } from "antd";
import type { ColumnsType } from "antd/es/table";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag, Withheld } from "../../parts/Page";
import { Empty, Failed, Loading } from "../../parts/states";
import { useFollowUps, STATES, type FollowUp } from "./followUps";
import { useGroupName, useSexName } from "./names";
import { ResidentCard } from "./ResidentCard";
import { StateTag } from "./StateTag";
import { ageOn, householdsOf, phoneLink, phoneText, useResidents, useSummary, type Count, type Resident } from "./unit";

type HouseholdKind = "family" | "collective" | "registered-only" | "none";

interface Line {
  key: string;
  resident: Resident;
  age: number | undefined;
  followUps: FollowUp[];
}

/** Residents of the unit: loaded page by page; to filter, search and sort them takes all of them. */
export function Residents({ unit }: { unit: string }) {
  const { t } = useTranslation("community");
  const { number } = useFormat();
  const [address, setAddress] = useSearchParams();
  const group = address.get("group") ?? undefined;
  const [words, setWords] = useState("");
  const [state, setState] = useState<string>();
  const [household, setHousehold] = useState<HouseholdKind>();
  const [age, setAge] = useState<string>();
  const [isSorted, setSorted] = useState(false);
  const [open, setOpen] = useState<string>();
  const summary = useSummary(unit);
  const residents = useResidents(unit, group);
  const figures: Count | undefined = summary.data?.total;
  // Where nobody is followed up there is nothing to look at.
  const tasks = useFollowUps(unit, Boolean(figures?.follow_ups?.total));
  const pages = residents.data?.pages;
  const last = pages?.at(-1);
  const day = last?.day ?? "";
  const followUps = useMemo(() => byPerson(tasks.data?.follow_ups ?? []), [tasks.data]);
  const lines = useMemo(
    () => (pages ?? []).flatMap((page) => page.residents).map((resident): Line => ({ key: resident.person_id, resident, age: ageOn(day, resident.identity?.birth_date), followUps: followUps.get(resident.person_id) ?? [] })),
    [pages, day, followUps],
  );
  const shown = useMemo(() => lines.filter((line) => fits(line, { words, state, household, age })), [lines, words, state, household, age]);
  const showsHouseholds = last ? !last.withheld.includes("household") : false;
  const groups = summary.data?.total.key_groups ?? [];
  const name = useGroupName();
  const chosen = groups.find((one) => one.key_group === group);
  const total = group ? chosen?.members : summary.data?.total.residents;
  const someFilter = Boolean(words || state || household || age);
  // Who is looked for may be on any page.
  const wantsAll = someFilter || isSorted;
  const { hasNextPage, isFetchingNextPage, isError, fetchNextPage } = residents;
  useEffect(() => {
    if (wantsAll && hasNextPage && !isFetchingNextPage && !isError) void fetchNextPage();
  }, [wantsAll, hasNextPage, isFetchingNextPage, isError, fetchNextPage]);
  const chosenLine = lines.find((line) => line.key === open);
  return (
    <Page title={t("residents.title")} extra={<ReceiptTag receipt={last?.receipt} />}>
      <Withheld of="read-residents" groups={last?.withheld} />
      <Card size="small" style={{ marginBottom: 12 }}>
        <Flex wrap gap={8} align="center">
          <Input.Search allowClear aria-label={t("residents.search")} placeholder={t("residents.search")} value={words} onChange={(event) => setWords(event.target.value)} style={{ flex: "1 1 220px", maxWidth: 360 }} />
          {groups.length > 0 && (
            <Select allowClear aria-label={t("residents.group")} placeholder={t("residents.group")} value={group} style={{ flex: "1 1 180px", maxWidth: 260 }} onChange={(code?: string) => setAddress(code ? { group: code } : {}, { replace: true })} options={groups.map((one) => ({ value: one.key_group, label: `${name(one.key_group)} (${number(one.members)})` }))} />
          )}
          <Select allowClear aria-label={t("residents.age")} placeholder={t("residents.age")} value={age} style={{ flex: "1 1 110px", maxWidth: 160 }} onChange={setAge} options={["-17", "18-64", "65-", "80-"].map((value) => ({ value, label: t(`ages.${value}`) }))} />
          {showsHouseholds && (
            <Select allowClear aria-label={t("residents.household")} placeholder={t("residents.household")} value={household} style={{ flex: "1 1 150px", maxWidth: 220 }} onChange={setHousehold} options={(["family", "collective", "registered-only", "none"] as const).map((value) => ({ value, label: t(`kind.${value}`) }))} />
          )}
          {tasks.data && (
            <Select allowClear aria-label={t("residents.state")} placeholder={t("residents.state")} value={state} style={{ flex: "1 1 150px", maxWidth: 220 }} onChange={setState} options={[...STATES.map((value) => ({ value: value as string, label: t(`state.${value}`) })), { value: "none", label: t("residents.noTask") }]} />
          )}
        </Flex>
        {last && (
          <Flex wrap gap="4px 12px" align="center" style={{ marginTop: 8 }}>
            <Typography.Text role="status" data-loaded={lines.length} data-shown={shown.length}>
              {someFilter ? t("residents.filtered", { shown: number(shown.length), loaded: number(lines.length) }) : t("residents.loaded", { loaded: number(lines.length), total: number(total ?? lines.length) })}
            </Typography.Text>
            {residents.hasNextPage && (
              <>
                <Button size="small" loading={residents.isFetchingNextPage} onClick={() => void residents.fetchNextPage()}>
                  {t("residents.more")}
                </Button>
                {wantsAll && <Typography.Text type="secondary">{t("residents.loadsAll")}</Typography.Text>}
              </>
            )}
            {!showsHouseholds && <Typography.Text type="secondary" style={{ fontSize: 12 }}>{t("residents.householdHint")}</Typography.Text>}
          </Flex>
        )}
      </Card>
      {residents.isPending && <Loading />}
      {residents.isError && !last && <Failed error={residents.error} retry={() => void residents.refetch()} />}
      {residents.isError && last && <Alert type="error" showIcon style={{ marginBottom: 12 }} title={t("residents.moreFailed")} action={<Button size="small" onClick={() => void residents.fetchNextPage()}>{t("retry", { ns: "common" })}</Button>} />}
      {last && (shown.length > 0 ? <List lines={shown} open={setOpen} showsHouseholds={showsHouseholds} hasTasks={Boolean(tasks.data)} onSort={() => setSorted(true)} /> : hasNextPage && !isError ? <Loading rows={2} /> : <Empty>{someFilter ? t("residents.noneFits") : undefined}</Empty>)}
      <ResidentCard resident={chosenLine?.resident} followUps={chosenLine?.followUps ?? []} day={day} withheld={last?.withheld ?? []} close={() => setOpen(undefined)} />
    </Page>
  );
}

function List({ lines, open, showsHouseholds, hasTasks, onSort }: { lines: Line[]; open: (id: string) => void; showsHouseholds: boolean; hasTasks: boolean; onSort: () => void }) {
  const { t } = useTranslation("community");
  const { day } = useFormat();
  const group = useGroupName();
  const sex = useSexName();
  const wide = Grid.useBreakpoint().md ?? true;
  const nameOf = ({ resident }: Line) => (
    <Button type="link" size="small" style={{ padding: 0 }} onClick={() => open(resident.person_id)} data-person>
      {resident.identity?.name ?? t("residents.noName")}
    </Button>
  );
  const tags = (line: Line) => (
    <>
      {line.followUps.map((one) => <StateTag key={one.follow_up_id} state={one.state} overdue={one.overdue} />)}
      {(line.resident.care?.key_groups ?? []).map((code) => <Tag key={code} color="gold">{group(code)}</Tag>)}
    </>
  );
  const phone = ({ resident }: Line) => (resident.contact?.phone ? <a className="numbers" href={phoneLink(resident.contact.phone)}>{phoneText(resident.contact.phone)}</a> : "–");
  const columns: ColumnsType<Line> = wide
    ? [
        { key: "name", title: t("column.name"), width: 130, fixed: "start", render: (_, line) => nameOf(line), sorter: (a, b) => (a.resident.identity?.name ?? "").localeCompare(b.resident.identity?.name ?? "", "zh") },
        { key: "sex", title: t("column.sex"), width: 90, render: (_, { resident }) => sex(resident.identity?.sex) },
        { key: "age", title: t("column.age"), width: 80, align: "end", render: (_, { age, resident }) => <span className="numbers" title={day(resident.identity?.birth_date)}>{age ?? "–"}</span>, sorter: (a, b) => (a.age ?? -1) - (b.age ?? -1) },
        { key: "tags", title: t(hasTasks ? "column.careAndTasks" : "column.care"), width: 230, render: (_, line) => tags(line) },
        { key: "phone", title: t("column.phone"), width: 150, render: (_, line) => phone(line) },
        ...(showsHouseholds ? [{ key: "household", title: t("column.household"), width: 240, render: (_: unknown, { resident }: Line) => <Households resident={resident} /> }] : []),
        { key: "address", title: t("column.address"), width: 340, ellipsis: true, render: (_, { resident }) => resident.address ?? "–", sorter: (a, b) => (a.resident.address ?? "").localeCompare(b.resident.address ?? "", "zh", { numeric: true }) },
      ]
    : [
        {
          key: "all",
          title: t("residents.title"),
          render: (_, line) => (
            <Flex vertical gap={2}>
              <Flex gap={8} wrap align="center">
                <strong>{nameOf(line)}</strong>
                <Typography.Text type="secondary">{[sex(line.resident.identity?.sex), line.age !== undefined && t("residents.years", { count: line.age })].filter(Boolean).join(" · ")}</Typography.Text>
                {phone(line)}
              </Flex>
              <Typography.Text type="secondary" ellipsis>{line.resident.address ?? "–"}</Typography.Text>
              <div>{tags(line)}{showsHouseholds && <Households resident={line.resident} />}</div>
            </Flex>
          ),
        },
      ];
  const width = columns.reduce((sum, column) => sum + (typeof column.width === "number" ? column.width : 0), 0);
  return (
    <Table<Line>
      virtual
      aria-label={t("residents.title")}
      size="small"
      columns={columns}
      dataSource={lines}
      pagination={false}
      showHeader={wide}
      onChange={(_page, _filters, _order, { action }) => action === "sort" && onSort()}
      scroll={{ x: wide ? width : 300, y: Math.max(320, window.innerHeight - (wide ? 400 : 330)) }}
    />
  );
}

function Households({ resident }: { resident: Resident }) {
  const { t } = useTranslation("community");
  const found = householdsOf(resident);
  if (found.length === 0) return <>–</>;
  return found.map((one) => (
    <span key={one.household_id} style={{ marginInlineEnd: 8 }}>
      {[one.household_id, one.relation_to_head].filter(Boolean).join(" · ")} {one.collective && <Tag color="purple">{t("kind.collective")}</Tag>}
      {!one.lives_there && <Tag>{t("kind.registered-only")}</Tag>}
    </span>
  ));
}

function byPerson(followUps: FollowUp[]): Map<string, FollowUp[]> {
  const found = new Map<string, FollowUp[]>();
  for (const one of followUps) {
    if (one.person_id) found.set(one.person_id, [...(found.get(one.person_id) ?? []), one]);
  }
  return found;
}

interface Filter {
  words: string;
  state?: string;
  household?: HouseholdKind;
  age?: string;
}

function fits({ resident, age, followUps }: Line, filter: Filter): boolean {
  const words = filter.words.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length > 0) {
    const text = [resident.identity?.name, resident.address, resident.contact?.phone, ...(resident.households ?? []).map((one) => one.household_id)].join(" ").toLowerCase();
    if (!words.every((word) => text.includes(word))) return false;
  }
  if (filter.state === "none" ? followUps.length > 0 : filter.state && !followUps.some((one) => one.state === filter.state)) return false;
  if (filter.age) {
    const [from, to] = filter.age.split("-");
    if (age === undefined || (from && age < Number(from)) || (to && age > Number(to))) return false;
  }
  const homes = householdsOf(resident);
  switch (filter.household) {
    case "family":
      return homes.some((one) => !one.collective && one.lives_there);
    case "collective":
      return homes.some((one) => one.collective);
    case "registered-only":
      return homes.length > 0 && homes.every((one) => !one.lives_there);
    case "none":
      return homes.length === 0;
    default:
      return true;
  }
}
