import { ArrowLeftOutlined } from "@ant-design/icons";
import { Alert, Button, Card, Col, Descriptions, Empty, Flex, Row, Tag, Timeline, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag, Withheld } from "../../parts/Page";
import { Asked } from "../../parts/states";
import { useFollowUp, type Detail, type Step, type StepName } from "./followUps";
import { useSexName } from "./names";
import { StateTag } from "./StateTag";
import { StepForm } from "./StepForm";
import { Due } from "./Tasks";
import { phoneLink, phoneText } from "./unit";
import { useUnitName } from "../../parts/unit";

/** A task's life: who it is about, what was done, what may be done now. */
export function Task() {
  const { t } = useTranslation("community");
  const id = useParams().id ?? "";
  const task = useFollowUp(id);
  return (
    <Page
      title={t("task.title")}
      extra={
        <>
          <ReceiptTag receipt={task.data?.receipt} />
          <Link to="/community/tasks" style={{ marginInlineStart: "auto" }}>
            <ArrowLeftOutlined aria-hidden /> {t("tasks.title")}
          </Link>
        </>
      }
    >
      <Asked query={task}>
        {(answer) => (
          <>
            <Withheld of="read-follow-ups" groups={answer.withheld} />
            <Row gutter={[16, 16]}>
              <Col xs={24} lg={13}>
                <Flex vertical gap={16}>
                  <Now task={answer} />
                  <About task={answer} />
                </Flex>
              </Col>
              <Col xs={24} lg={11}>
                <History steps={answer.history} />
              </Col>
            </Row>
          </>
        )}
      </Asked>
    </Page>
  );
}

/** Steps that end or hand on come last and look less inviting. */
const FIRST: StepName[] = ["notified", "accepted", "quarantined", "released", "not_reached", "refused"];

function Now({ task }: { task: Detail }) {
  const { t } = useTranslation("community");
  const unitName = useUnitName();
  const { day } = useFormat();
  const [step, setStep] = useState<StepName>();
  const [waiting, setWaiting] = useState(false);
  const steps = [...task.steps].sort((a, b) => rank(a) - rank(b));
  return (
    <Card size="small" title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("task.now")}</h2>} extra={<StateTag state={task.state} overdue={task.overdue} />}>
      <Flex vertical gap={12}>
        <Due task={task} />
        {task.until && <Typography.Text>{t("task.until", { day: day(task.until) })}</Typography.Text>}
        {task.attempts > 0 && <Typography.Text type="secondary">{t("task.attempts", { count: task.attempts })}</Typography.Text>}
        {task.offered_to && <Alert type="info" showIcon title={t("task.offeredTo", { unit: unitName(task.offered_to) })} />}
        {task.referral && (
          <Alert type="info" showIcon title={t(`referral.${task.referral.stage}`)} description={[task.referral.place, task.referral.outcome && t(`outcome.${task.referral.outcome}`, { defaultValue: task.referral.outcome }), day(task.referral.since)].filter(Boolean).join(" · ")} />
        )}
        {waiting && <Alert type="success" showIcon title={t("task.waiting")} />}
        {steps.length > 0 ? (
          <Flex wrap gap={8} role="group" aria-label={t("task.steps")}>
            {steps.map((one, at) => (
              <Button key={one} type={at === 0 && FIRST.includes(one) ? "primary" : "default"} onClick={() => setStep(one)} data-step={one}>
                {t(`step.${one}`)}
              </Button>
            ))}
          </Flex>
        ) : (
          <Typography.Text type="secondary">{t("task.noSteps")}</Typography.Text>
        )}
      </Flex>
      {step && <StepForm task={task} step={step} close={() => setStep(undefined)} done={(applied) => setWaiting(!applied)} />}
    </Card>
  );
}

function rank(step: StepName): number {
  const at = FIRST.indexOf(step);
  return at < 0 ? FIRST.length : at;
}

function About({ task }: { task: Detail }) {
  const { t } = useTranslation("community");
  const unitName = useUnitName();
  const { day } = useFormat();
  const sex = useSexName();
  const items = [
    ...(task.identity ? [{ key: "sex", label: t("column.sex"), children: sex(task.identity.sex) }, { key: "born", label: t("card.born"), children: day(task.identity.birth_date) }] : []),
    ...(task.contact ? [{ key: "phone", label: t("column.phone"), children: task.contact.phone ? <a href={phoneLink(task.contact.phone)}>{phoneText(task.contact.phone)}</a> : "–" }] : []),
    { key: "address", label: t("column.address"), children: task.address ?? "–" },
    { key: "unit", label: t("sum.unit"), children: task.unit ? unitName(task.unit) : t("task.unassigned") },
  ];
  return (
    <Card
      size="small"
      title={<h2 style={{ margin: 0, fontSize: 16 }}>{task.identity?.name ?? t(task.person_id ? "residents.noName" : "task.nobody")}</h2>}
      extra={task.person_id && <Link to={`/persons/${task.person_id}`}>{t("card.file")}</Link>}
    >
      <Descriptions column={1} size="small" items={items} styles={{ label: { width: 120 } }} />
    </Card>
  );
}

function History({ steps }: { steps: Step[] }) {
  const { t } = useTranslation("community");
  const unitName = useUnitName();
  const { instant, day } = useFormat();
  const detail = (one: Step) =>
    [
      one.offered_to && t("task.offeredTo", { unit: unitName(one.offered_to) }),
      one.until && t("task.until", { day: day(one.until) }),
      one.referral?.place,
      one.referral?.outcome && t(`outcome.${one.referral.outcome}`, { defaultValue: one.referral.outcome }),
    ].filter(Boolean);
  return (
    <Card size="small" title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("task.history")}</h2>}>
      {steps.length === 0 && <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} />}
      <Timeline
        style={{ marginTop: 12 }}
        items={[...steps].reverse().map((one) => ({
          key: one.version,
          content: (
            <div data-history={one.step}>
              <strong>{t(`step.${one.step}`, { defaultValue: one.step })}</strong> <Tag>{t(`state.${one.state}`)}</Tag>
              <div>
                <Typography.Text type="secondary" className="numbers">{[instant(one.at), one.by].filter(Boolean).join(" · ")}</Typography.Text>
              </div>
              {detail(one).length > 0 && <div>{detail(one).join(" · ")}</div>}
              {one.note && <div>“{one.note}”</div>}
            </div>
          ),
        }))}
      />
    </Card>
  );
}
