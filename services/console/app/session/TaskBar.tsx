import { Button, Card, Flex, Form, Input, Modal, Select, Tag, Tooltip, Typography, theme } from "antd";
import { useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useSignedIn } from "./session";
import { CASE_FORM, GRANT_FORM, MAY_INVOKE, NEEDS_CASE, PURPOSES, setTask, useTask, type Task } from "./task";

/** Begins a task: what was asked for another one is asked anew for this one. */
export function useBegin() {
  const queries = useQueryClient();
  return (task: Task) => {
    setTask(task);
    queries.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
  };
}

/** Purpose and case, shown all the time. */
export function TaskBar() {
  const { t } = useTranslation();
  const task = useTask();
  const session = useSignedIn();
  const { token } = theme.useToken();
  const begin = useBegin();
  const [open, setOpen] = useState(false);
  if (!task) return null;
  const canChange = (PURPOSES[session.role ?? ""]?.length ?? 0) > 1 || NEEDS_CASE.has(session.role ?? "");
  return (
    <div className="task-bar" style={{ background: token.colorFillQuaternary, borderBottom: `1px solid ${token.colorBorderSecondary}` }}>
      <span className="task-part">
        <Typography.Text type="secondary">{t("task.purpose")}:</Typography.Text>
        <Tag color="cyan">{t(`purpose.${task.purpose}`)}</Tag>
      </span>
      {(task.caseReference || NEEDS_CASE.has(session.role ?? "")) && (
        <span className="task-part">
          <Typography.Text type="secondary">{t("task.case")}:</Typography.Text>
          <Tag color="cyan">{task.caseReference ?? t("task.none")}</Tag>
        </span>
      )}
      {task.grant && (
        <>
          <Typography.Text type="secondary">{t("task.grant")}:</Typography.Text>
          <Tooltip title={t("task.grantHelp")}>
            <Tag color="red" tabIndex={0} data-invoked>{task.grant.slice(0, 8)}</Tag>
          </Tooltip>
          <Button size="small" type="link" onClick={() => begin({ ...task, grant: undefined })}>
            {t("task.grantEnd")}
          </Button>
        </>
      )}
      {canChange && (
        <Button size="small" type="link" onClick={() => setOpen(true)}>
          {t("task.change")}
        </Button>
      )}
      <Modal open={open} title={t("task.title")} footer={null} onCancel={() => setOpen(false)} destroyOnHidden>
        <TaskForm initial={task} done={() => setOpen(false)} />
      </Modal>
    </div>
  );
}

/** Asks for purpose and case before a page that needs them. */
export function TaskGate({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const task = useTask();
  const session = useSignedIn();
  if (task || (PURPOSES[session.role ?? ""] ?? []).length === 0) return children;
  return (
    <Card title={<h1 style={{ margin: 0, fontSize: 18 }}>{t("task.title")}</h1>} style={{ maxWidth: 560, margin: "24px auto" }}>
      <TaskForm />
    </Card>
  );
}

function TaskForm({ initial, done }: { initial?: Task; done?: () => void }) {
  const { t } = useTranslation();
  const session = useSignedIn();
  const beginTask = useBegin();
  const purposes = PURPOSES[session.role ?? ""] ?? [];
  const needsCase = NEEDS_CASE.has(session.role ?? "");
  const demoCase = session.demo_roles.find(({ name }) => name === session.demo)?.case;
  const begin = ({ purpose, caseReference, grant }: Task) => {
    beginTask({ purpose, caseReference: caseReference?.trim() || undefined, grant: grant?.trim() || undefined });
    done?.();
  };
  return (
    <Form layout="vertical" onFinish={begin} initialValues={initial ?? { purpose: purposes[0], ...(demoCase && { caseReference: demoCase }) }}>
      <Typography.Paragraph type="secondary">{t("task.why")}</Typography.Paragraph>
      <Form.Item name="purpose" label={t("task.purpose")} rules={[{ required: true }]}>
        <Select options={purposes.map((purpose) => ({ value: purpose, label: t(`purpose.${purpose}`) }))} />
      </Form.Item>
      {needsCase && (
        <Form.Item
          name="caseReference"
          label={t("task.case")}
          extra={t("task.caseHelp")}
          rules={[{ required: needsCase, pattern: CASE_FORM, message: t("task.invalid") }]}
        >
          <Input autoComplete="off" maxLength={64} />
        </Form.Item>
      )}
      {done && MAY_INVOKE.has(session.role ?? "") && (
        <Form.Item name="grant" label={t("task.grantAsk")} extra={t("task.grantAskHelp")} rules={[{ pattern: GRANT_FORM, message: t("task.grantWrong") }]}>
          <Input autoComplete="off" maxLength={36} />
        </Form.Item>
      )}
      <Flex gap={8}>
        <Button type="primary" htmlType="submit">
          {t("task.begin")}
        </Button>
        {done && <Button onClick={done}>{t("cancel")}</Button>}
      </Flex>
    </Form>
  );
}
