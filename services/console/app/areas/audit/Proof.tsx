import { ReloadOutlined } from "@ant-design/icons";
import { Button, Card, Col, Descriptions, Row, Statistic, Tag, Typography } from "antd";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { Problem } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Page } from "../../parts/Page";
import { Asked, Loading, ProblemAlert } from "../../parts/states";
import { useSignedIn } from "../../session/session";
import { countLog, readCheckpoint, readEntryProof, readKeys, useReceipts, type Kept, type Receipt } from "./ask";
import { fromBase64, readHead, toBase64, toHex } from "./proof";
import { Verifier, type Given } from "./Verifier";
import { Handle, NotOffered } from "./words";

/** The state of the ledger, and verifying a receipt without it. */
export function Proof() {
  const { t } = useTranslation("audit");
  const keys = useQuery({ queryKey: ["audit", "keys"], queryFn: readKeys });
  const [given, setGiven] = useState<Given>();
  const [asked, setAsked] = useSearchParams();
  const index = asked.get("entry");
  const number = index !== null && /^\d{1,10}$/.test(index) ? Number(index) : undefined;
  const proof = useQuery({ queryKey: ["audit", "proof", number], queryFn: () => readEntryProof(number ?? 0), enabled: number !== undefined, gcTime: 0 });
  useEffect(() => {
    if (!proof.data) return;
    setGiven({ receipt: JSON.stringify(proof.data.proof, undefined, 2), entry: { name: `${proof.data.proof.index}.entry`, bytes: fromBase64(proof.data.entry) ?? new Uint8Array() }, at: Date.now() });
    setAsked({}, { replace: true });
  }, [proof.data, setAsked]);
  const missing = proof.error instanceof Problem && proof.error.code === "route-unknown";
  return (
    <Page title={t("verify.title")}>
      <Typography.Paragraph type="secondary">{t("verify.lead")}</Typography.Paragraph>
      {missing ? <div style={{ marginBottom: 16 }}><NotOffered /></div> : proof.isError && <ProblemAlert error={proof.error} />}
      <Row gutter={[16, 16]}>
        <Col xs={24} xl={15} order={1}>{keys.isPending ? <Loading /> : <Verifier hubKeys={keys.data ?? ""} given={given} />}</Col>
        <Col xs={24} xl={9} order={2}>
          <Own verify={(receipt) => setGiven({ receipt: JSON.stringify(receipt, undefined, 2), at: Date.now() })} />
          <State />
        </Col>
      </Row>
    </Page>
  );
}

function Own({ verify }: { verify: (receipt: Receipt) => void }) {
  const { t } = useTranslation("audit");
  const format = useFormat();
  const receipts = useReceipts();
  const isAuditor = useSignedIn().role === "auditor";
  const ask = useMutation({ mutationFn: () => countLog("role"), onSuccess: ({ receipt }) => verify(receipt) });
  return (
    <Card size="small" title={<h2 style={{ fontSize: 16, margin: 0 }}>{t("verify.own")}</h2>} style={{ marginBottom: 16 }}>
      <Typography.Paragraph type="secondary">{t(receipts.length ? "verify.ownHelp" : "verify.ownNone")}</Typography.Paragraph>
      {receipts.length === 0 && isAuditor && <Button loading={ask.isPending} onClick={() => ask.mutate()} data-own="new">{t("verify.ownAsk")}</Button>}
      {ask.isError && <ProblemAlert error={ask.error} />}
      <ul className="plain-list">
        {receipts.map(({ asked, at, receipt }: Kept) => (
          <li key={receipt.id}>
            <span>{t(`verify.asked.${asked}`)} <Typography.Text type="secondary">{t("verify.ofEntry", { index: receipt.index })} · {format.time(at)}</Typography.Text></span>
            <Button size="small" aria-label={t("verify.verifyOwn", { index: receipt.index })} data-own={receipt.index} onClick={() => verify(receipt)}>{t("verify.button")}</Button>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function State() {
  const { t } = useTranslation("audit");
  const format = useFormat();
  const query = useQuery({ queryKey: ["audit", "checkpoint"], queryFn: readCheckpoint });
  return (
    <Card
      size="small"
      title={<h2 style={{ fontSize: 16, margin: 0 }}>{t("verify.state")}</h2>}
      extra={<Button size="small" type="text" icon={<ReloadOutlined />} loading={query.isFetching} onClick={() => void query.refetch()}>{t("verify.refresh")}</Button>}
    >
      <Asked query={query}>
        {(note) => {
          const head = readHead(note);
          const own = head?.signatures.filter((signature) => signature.name === head.origin) ?? [];
          const others = head?.signatures.filter((signature) => signature.name !== head.origin) ?? [];
          return (
            <>
              <Statistic title={t("verify.size")} value={format.number(head?.size)} />
              <Descriptions
                column={1}
                size="small"
                layout="vertical"
                style={{ marginTop: 8 }}
                items={[
                  { key: "origin", label: t("verify.origin"), children: head?.origin ?? "–" },
                  { key: "root", label: t("verify.root"), children: head ? <Handle text={toBase64(head.root)} /> : "–" },
                  { key: "signed", label: t("verify.signedBy"), children: own.map(({ name, id }) => <Tag key={toHex(id)}>{name} · {toHex(id)}</Tag>) },
                  { key: "witnesses", label: t("verify.witnesses"), children: others.length ? others.map(({ name, id }) => <Tag key={name + toHex(id)} color="green">{name}</Tag>) : <Typography.Text type="secondary">{t("verify.noWitness")}</Typography.Text> },
                ]}
              />
              <Typography.Paragraph type="secondary" style={{ margin: "8px 0" }}>{t("verify.keep")}</Typography.Paragraph>
              <pre className="proof-text" tabIndex={0} aria-label={t("verify.note")}>{note}</pre>
            </>
          );
        }}
      </Asked>
    </Card>
  );
}
