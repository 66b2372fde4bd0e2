import { ExperimentOutlined, InboxOutlined, SendOutlined } from "@ant-design/icons";
import { Alert, Button, Card, Flex, Table, Tag, Typography, Upload } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../parts/format";
import { Page } from "../../parts/Page";
import { Scroll } from "../../parts/Scroll";
import { Asked } from "../../parts/states";
import { firstRows } from "./mend/file";
import { formOf, useFeed, type Feed } from "./model";
import { SendingCard } from "./SendingCard";
import { useSending } from "./useSending";
import { useFeedName, useFieldName, useFormatName } from "./words";

/** A file is chosen, looked at, tried, pushed. */
export function Push({ feed }: { feed: string }) {
  const { t } = useTranslation("feeds");
  const detail = useFeed(feed);
  const name = useFeedName();
  return (
    <Page title={t("push.title", { feed: name(feed, detail.data?.title) })}>
      <Asked query={detail}>{(answer) => <Desk feed={answer} />}</Asked>
    </Page>
  );
}

function Desk({ feed }: { feed: Feed }) {
  const { t } = useTranslation("feeds");
  const { bytes } = useFormat();
  const format = useFormatName();
  const [file, setFile] = useState<File>();
  const { start, clear, ...sending } = useSending(feed.feed);
  const choose = (chosen: File | undefined) => {
    clear();
    setFile(chosen);
  };
  return (
    <Flex vertical gap={16}>
      <Upload.Dragger
        maxCount={1}
        showUploadList={false}
        disabled={Boolean(sending.busy)}
        beforeUpload={(chosen) => {
          choose(chosen);
          return false;
        }}
      >
        <InboxOutlined aria-hidden style={{ fontSize: 32, color: "var(--brand)" }} />
        <div style={{ fontSize: 16 }}>{t("push.choose")}</div>
        <Typography.Text type="secondary">{t("push.chooseHelp", { format: format(feed) })}</Typography.Text>
      </Upload.Dragger>
      {file && (
        <Card size="small" data-file={file.size}>
          <Flex wrap gap={12} align="center">
            <span style={{ flex: "1 1 200px", overflowWrap: "anywhere" }}>
              <strong>{file.name}</strong> <Typography.Text type="secondary">{bytes(file.size)}</Typography.Text>
            </span>
            <Button icon={<ExperimentOutlined />} disabled={Boolean(sending.busy)} onClick={() => void start("try", file)} data-try>
              {t("push.try")}
            </Button>
            <Button type="primary" icon={<SendOutlined />} disabled={Boolean(sending.busy) || Boolean(sending.pushed)} onClick={() => void start("push", file)} data-push>
              {t("push.push")}
            </Button>
          </Flex>
        </Card>
      )}
      <SendingCard feed={feed.feed} sending={sending} stop={clear} />
      {file && <Preview feed={feed} file={file} />}
    </Flex>
  );
}

const SHOWN = 5;

/** The first rows as the profile reads them: which column becomes which field. Read here, sent nowhere. */
function Preview({ feed, file }: { feed: Feed; file: File }) {
  const { t } = useTranslation("feeds");
  const field = useFieldName();
  const [rows, setRows] = useState<string[][]>();
  const form = formOf(feed);
  const wanted = form.kind === "delimited" || form.kind === "ndjson";
  useEffect(() => {
    let gone = false;
    setRows(undefined);
    if (wanted) void firstRows(file, form, SHOWN + 1).then((read) => !gone && setRows(read));
    return () => {
      gone = true;
    };
  }, [file, feed]);
  if (!wanted || !rows || rows.length === 0) return null;
  const title = <h2 style={{ margin: 0, fontSize: 16 }}>{t("preview.title")}</h2>;
  if (form.kind === "ndjson") {
    return (
      <Card size="small" title={title}>
        {rows.slice(0, SHOWN).map((row, at) => (
          <Typography.Paragraph key={at} code ellipsis={{ rows: 2 }} style={{ marginBottom: 4 }}>{row[0]}</Typography.Paragraph>
        ))}
      </Card>
    );
  }
  const header = form.header ? (rows[0] ?? []) : (rows[0] ?? []).map((_, at) => `column ${at + 1}`);
  const body = form.header ? rows.slice(1) : rows;
  const meaning = new Map(feed.columns.flatMap((column) => column.names.map((name) => [name, column] as const)));
  const known = header.filter((name) => meaning.has(name.trim()));
  const missing = feed.columns.filter((column) => column.required && !column.names.some((name) => header.some((one) => one.trim() === name)));
  return (
    <Card size="small" title={title} extra={<Typography.Text type="secondary">{t("preview.known", { known: known.length, all: header.length })}</Typography.Text>}>
      {form.header && missing.length > 0 && <Alert type="warning" showIcon style={{ marginBottom: 12 }} title={t("preview.missing", { columns: missing.map((one) => one.names.join("/")).join(", ") })} />}
      <Scroll label={t("preview.title")} width="max-content">
        <Table
          aria-label={t("preview.title")}
          size="small"
          pagination={false}
          rowKey="at"
          dataSource={body.slice(0, SHOWN).map((cells, at) => ({ at, cells }))}
          columns={header.map((name, at) => {
            const column = meaning.get(name.trim());
            return {
              key: String(at),
              title: (
                <span>
                  {name}
                  <br />
                  {column ? <Typography.Text type="secondary" style={{ fontSize: 12, fontWeight: 400 }}>→ {field(column.field)}</Typography.Text> : <Tag>{t("preview.leftOut")}</Tag>}
                </span>
              ),
              render: (_: unknown, row: { at: number; cells: string[] }) => row.cells[at]?.trim() ?? "",
            };
          })}
        />
      </Scroll>
    </Card>
  );
}
