import { ApiOutlined, AuditOutlined, BarChartOutlined, ControlOutlined, FileSearchOutlined, HomeOutlined, IdcardOutlined, LoginOutlined, MergeCellsOutlined, SafetyOutlined, SolutionOutlined, TeamOutlined } from "@ant-design/icons";
import { Alert, Button, Card, Col, Collapse, Divider, Flex, Form, Input, Row, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { addTexts } from "../text";
import { ProblemAlert } from "../parts/states";
import { useSession, useSignIn } from "./session";
import { en, zh } from "./text";

addTexts("session", en, zh);

const ICONS: Record<string, typeof HomeOutlined> = {
  "community-worker": HomeOutlined,
  "cdc-tracer": FileSearchOutlined,
  "data-steward": MergeCellsOutlined,
  auditor: AuditOutlined,
  department: ApiOutlined,
  resident: IdcardOutlined,
  operator: ControlOutlined,
  "cdc-lead": SolutionOutlined,
  "privacy-officer": SafetyOutlined,
  "cdc-analyst": BarChartOutlined,
  "cdc-analyst-second": TeamOutlined,
};
/** Roles that most visitors come for; the others are below them. */
const FIRST_ROLES = 7;

/** Signing in: at the provider, by a role of the demo, or with a token. */
export function SignIn() {
  const { t } = useTranslation("session");
  const session = useSession().data;
  const signIn = useSignIn();
  const roles = (session?.demo_roles ?? []).map(({ name }) => name).sort((a, b) => order(a) - order(b));
  return (
    <Flex vertical gap={16} style={{ maxWidth: 960, margin: "24px auto" }}>
      <div>
        <Typography.Title level={1} style={{ margin: 0, fontSize: 28 }}>
          {t("title")}
        </Typography.Title>
        <Typography.Paragraph type="secondary">{t("claim")}</Typography.Paragraph>
      </div>
      {session?.ended && !signIn.isError && <Alert type="info" showIcon title={t("ended")} />}
      {signIn.isError && <ProblemAlert error={signIn.error} />}
      {session?.has_provider && (
        <Button type="primary" size="large" icon={<LoginOutlined />} href={`/session/provider?to=${window.location.pathname}${window.location.search}`}>
          {t("provider")}
        </Button>
      )}
      {roles.length > 0 && (
        <>
          <Alert type="warning" showIcon title={t("demoTitle")} description={t("demoHelp")} />
          <Roles roles={roles.filter((role) => order(role) < FIRST_ROLES)} signIn={signIn} />
          {roles.some((role) => order(role) >= FIRST_ROLES) && (
            <>
              <Typography.Title level={2} style={{ margin: 0, fontSize: 16 }}>
                {t("more")}
              </Typography.Title>
              <Roles roles={roles.filter((role) => order(role) >= FIRST_ROLES)} signIn={signIn} />
            </>
          )}
          <Divider style={{ margin: 0 }} />
        </>
      )}
      <Collapse
        defaultActiveKey={roles.length > 0 || session?.has_provider ? [] : ["token"]}
        items={[
          {
            key: "token",
            label: t("withToken"),
            children: (
              <Form layout="vertical" onFinish={({ token }: { token: string }) => signIn.mutate({ token })}>
                <Form.Item name="token" label={t("token")} extra={t("tokenHelp")} rules={[{ required: true, message: t("tokenMissing") }]}>
                  <Input.Password autoComplete="off" />
                </Form.Item>
                <Button htmlType="submit" type="primary" loading={signIn.isPending}>
                  {t("signIn")}
                </Button>
              </Form>
            ),
          },
        ]}
      />
    </Flex>
  );
}

function Roles({ roles, signIn }: { roles: string[]; signIn: ReturnType<typeof useSignIn> }) {
  const { t } = useTranslation("session");
  return (
    <Row gutter={[16, 16]}>
      {roles.map((role) => {
        const Icon = ICONS[role] ?? HomeOutlined;
        return (
          <Col key={role} xs={24} sm={12} lg={8}>
            <Card style={{ height: "100%" }} styles={{ body: { height: "100%" } }} size="small">
              <Flex vertical gap={8} style={{ height: "100%" }}>
                <Typography.Text strong>
                  <Icon aria-hidden style={{ color: "var(--brand)", marginInlineEnd: 8 }} />
                  {t(`role.${role}`, { ns: "common" })}
                </Typography.Text>
                <Typography.Text type="secondary" style={{ flex: 1 }}>
                  {t(`does.${role}`)}
                </Typography.Text>
                <Button loading={signIn.isPending} onClick={() => signIn.mutate({ demo: role })} data-role={role}>
                  {t("enter", { role: t(`role.${role}`, { ns: "common" }) })}
                </Button>
              </Flex>
            </Card>
          </Col>
        );
      })}
    </Row>
  );
}

function order(role: string): number {
  const at = Object.keys(ICONS).indexOf(role);
  return at < 0 ? 99 : at;
}
