import { Alert, Button, Card, Flex, Form, Tag, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { beginOf, DAY, dayOf, iso } from "../../parts/city";
import { DayInput } from "../../parts/DayInput";
import { Page, ReceiptTag, Withheld } from "../../parts/Page";
import { Asked, Empty, Failed, Loading } from "../../parts/states";
import { Doubt, FactLine, useFactText, usePlaceText } from "../../parts/person/facts";
import { firstStretch, type PersonFile, type Schemas } from "../../parts/person/questions";
import { usePersonWords } from "../../parts/person/words";
import "./me.css";
import { useMyFile, useMyItinerary } from "./questions";

type Itinerary = Schemas["Receipted_ItineraryAnswer"];
type Item = Schemas["ItemView"];

/** Where the resident was, as departments reported it. */
export function ItineraryPage() {
  const { t } = useTranslation("me");
  const { code, file } = useMyFile();
  const mine = file.data && "file" in file.data ? file.data.file : undefined;
  return (
    <Page title={t("itinerary.title")}>
      <Typography.Paragraph className="measure" type="secondary">
        {t("itinerary.lead")}
      </Typography.Paragraph>
      {code.isError || file.isError ? <Failed error={code.error ?? file.error} retry={() => void (code.isError ? code.refetch() : file.refetch())} /> : mine ? <Days file={mine} /> : <Loading />}
    </Page>
  );
}

function Days({ file }: { file: PersonFile }) {
  const { t } = useTranslation("me");
  const [form] = Form.useForm<{ from: string; to: string }>();
  const [stretch, setStretch] = useState(() => firstStretch(file));
  const itinerary = useMyItinerary(stretch.from, stretch.to);
  const show = (from: number, to: number) => {
    setStretch({ from: iso(from), to: iso(to) });
    form.setFieldsValue({ from: dayOf(from), to: dayOf(to - 1) });
  };
  const move = (days: number) => show(Date.parse(stretch.from) + days * DAY, Date.parse(stretch.to) + days * DAY);
  return (
    <>
      <Form
        form={form}
        layout="inline"
        style={{ rowGap: 8, marginBottom: 16 }}
        initialValues={{ from: dayOf(Date.parse(stretch.from)), to: dayOf(Date.parse(stretch.to) - 1) }}
        onFinish={({ from, to }) => show(beginOf(from), beginOf(to) + DAY)}
      >
        <Form.Item name="from" label={t("itinerary.from")} rules={[{ required: true, message: t("itinerary.range") }]}>
          <DayInput />
        </Form.Item>
        <Form.Item
          name="to"
          label={t("itinerary.to")}
          rules={[
            { required: true, message: t("itinerary.range") },
            ({ getFieldValue }) => ({ validator: (_, to: string) => (to >= getFieldValue("from") ? Promise.resolve() : Promise.reject(new Error(t("itinerary.range")))) }),
          ]}
        >
          <DayInput />
        </Form.Item>
        <Flex gap={8} wrap>
          <Button htmlType="submit" loading={itinerary.isFetching}>
            {t("itinerary.show")}
          </Button>
          <Button onClick={() => move(-14)}>{t("itinerary.earlier")}</Button>
          <Button onClick={() => move(14)}>{t("itinerary.later")}</Button>
        </Flex>
      </Form>
      <Asked query={itinerary}>{(answer) => <Items answer={answer} />}</Asked>
    </>
  );
}

function Items({ answer }: { answer: Itinerary }) {
  const { t } = useTranslation("me");
  const { format } = usePersonWords();
  const doubtful = new Set(answer.contradictions.flatMap(({ one, other }) => [one, other]));
  const items = answer.items.map((item, at) => ({ item, at }));
  const days = new Map<string, { item: Item; at: number }[]>();
  for (const one of items) {
    const day = format.day(one.item.from);
    days.set(day, [...(days.get(day) ?? []), one]);
  }
  return (
    <>
      <Flex gap={12} wrap align="center" style={{ marginBottom: 8 }}>
        <ReceiptTag receipt={answer.receipt} />
      </Flex>
      <Withheld of="read-itinerary" groups={answer.withheld} />
      {answer.contradictions.length > 0 && <Alert type="warning" showIcon title={t("itinerary.contradictions", { count: answer.contradictions.length })} style={{ marginBottom: 12 }} />}
      {answer.items.every((item) => item.kind === "gap") ? (
        <Empty>{t("itinerary.none")}</Empty>
      ) : (
        <Card size="small" data-itinerary>
          {[...days].map(([day, ones]) => (
            <section key={day} aria-label={day}>
              <h2 className="day-head">{day}</h2>
              {ones.map(({ item, at }) => (
                <Line key={at} item={item} contradicts={doubtful.has(at)} />
              ))}
            </section>
          ))}
        </Card>
      )}
      {answer.unplaced > 0 && <Typography.Text type="secondary">{t("itinerary.unplaced", { count: answer.unplaced })}</Typography.Text>}
    </>
  );
}

function Line({ item, contradicts }: { item: Item; contradicts: boolean }) {
  const { t } = useTranslation("me");
  const { t: words, format, source } = usePersonWords();
  const text = useFactText();
  const placeOf = usePlaceText();
  if (item.kind === "gap") return <div className="day-gap">{t("itinerary.gap", { from: format.instant(item.from), to: format.instant(item.to) })}</div>;
  const place = placeOf(item.place) || words("someWhere");
  const said = item.what ? text(item.what) : { first: place, second: item.silent ? words("silent") : "" };
  const sameDay = format.day(item.from) === format.day(item.to);
  const sources = [...new Set((item.facts ?? []).map((fact) => source(fact.source)))];
  return (
    <div className="day-item">
      <time dateTime={item.from}>
        {format.time(item.from)}
        {item.to !== item.from && ` – ${sameDay ? format.time(item.to) : format.instant(item.to)}`}
      </time>
      <FactLine first={said.first} second={[said.second, sources.length > 0 && t("itinerary.reported", { source: format.list(sources) })].filter(Boolean).join(" · ")}>
        <Tag variant="filled">{words(`fact.${item.kind}`, { defaultValue: item.kind })}</Tag>
        <Doubt of={item.doubtful} />
        {contradicts && <Tag color="orange">{t("itinerary.contradicts")}</Tag>}
      </FactLine>
    </div>
  );
}
