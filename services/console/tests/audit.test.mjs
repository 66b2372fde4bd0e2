/** The audit: the log with filters and figures, doubted looks, and receipts that are verified in the browser. */
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { after, before, test } from "node:test";
import { axe, BASE, enter, launch, visitor } from "./browser.mjs";

let browser;
let routes;
before(async () => {
  browser = await launch();
  routes = (await (await fetch(`${BASE}/openapi.json`)).json()).paths;
});
after(() => browser?.close());

const sections = ["unexplained", "log", "figures", "cases", "names", "grants", "ledger"];
/** What a hub may not offer yet, by the section that asks for it. */
const needed = { unexplained: "/v1/ledger/unexplained", names: "/v1/ledger/names", grants: "/v1/grants", ledger: "/v1/ledger/key" };

/** A browser says in its console that an address is not there; nothing else is forgiven. */
function quiet(page) {
  const missing = Object.values(needed).some((route) => !routes[route]);
  return page.complaints.filter((text) => !(missing && text.includes("404")));
}

async function open(section, options = {}) {
  const page = await visitor(browser, options);
  await enter(page, "auditor", { path: `/audit/${section}` });
  await page.locator("h1").waitFor();
  await page.locator(".ant-skeleton").first().waitFor({ state: "detached" });
  return page;
}

/** Chooses in the list that is open. */
const choose = (page, name) => page.locator(".ant-select-dropdown:visible").getByTitle(name, { exact: true }).click();

test("an auditor begins with the looks that nothing explains", async () => {
  const page = await visitor(browser);
  await enter(page, "auditor");
  await page.waitForURL(/\/audit\/unexplained/);
  await page.getByRole("heading", { level: 1 }).waitFor();
  if (routes[needed.unexplained]) {
    await page.getByText("Looks weighed").waitFor();
    // The figures are the hub's, however few of the looks are on the page.
    await page.route("**/v1/ledger/unexplained?*", async (route) => {
      const answer = await (await route.fetch()).json();
      await route.fulfill({ json: { ...answer, weighed: 9_000, unexplained: 811, looks: answer.looks.slice(0, 3), next: 3 } });
    });
    await page.reload();
    const figures = page.locator(".ant-statistic");
    await figures.filter({ hasText: "Nothing explains it" }).getByText("811", { exact: true }).waitFor();
  } else await page.getByText("This hub does not offer it yet.").waitFor();
  assert.deepEqual(quiet(page), []);
  await page.context().close();
});

test("the log is searched by role and by outcome, and an entry says all that it holds", async () => {
  const page = await open("log");
  const rows = page.locator(".ant-table-row");
  await rows.first().waitFor();
  const all = await rows.count();
  assert.ok(all > 3);
  await page.locator("#role").click();
  await choose(page, "Disease control");
  const searched = page.waitForRequest((request) => request.url().endsWith("/v1/ledger/search"));
  await page.getByRole("button", { name: "Search" }).click();
  assert.equal((await searched).postDataJSON().role, "cdc-tracer");
  await page.waitForFunction(() => [...document.querySelectorAll(".ant-table-row")].every((row) => row.textContent.includes("Disease control")));
  await rows.first().click();
  const drawer = page.getByRole("dialog");
  await drawer.getByText("cdc-tracer").or(drawer.getByText("Disease control")).first().waitFor();
  await drawer.getByText("Kept back").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Reset" }).click();
  await page.locator("#outcome").click();
  await choose(page, "Refused");
  await page.getByRole("button", { name: "Search" }).click();
  await page.waitForFunction(() => [...document.querySelectorAll(".ant-table-row")].every((row) => row.textContent.includes("refused:")));
  assert.deepEqual(quiet(page), []);
  await page.context().close();
});

test("the log in figures counts by anything, and the counts add up", async () => {
  const page = await open("figures");
  await page.getByRole("img", { name: "Looks per day" }).waitFor();
  for (const by of ["role", "purpose", "refusal"]) {
    await page.locator(".ant-segmented-item", { hasText: new RegExp(`^${by}$`) }).click();
    const table = page.locator(".ant-table-wrapper", { has: page.locator(`table[aria-label="Looks by ${by}"]`) });
    await table.locator(".ant-table-row").first().waitFor();
    const counts = await table.locator(".ant-table-row").evaluateAll((rows) => rows.map((row) => Number(row.querySelectorAll(".ant-table-cell")[1].textContent.replaceAll(",", ""))));
    const said = await page.getByText(/^[\d,]+ looks$/).textContent();
    assert.equal(counts.reduce((sum, count) => sum + count, 0), Number(said.replace(/\D/g, "")));
  }
  assert.deepEqual(quiet(page), []);
  await page.context().close();
});

test("a doubted look becomes a case file, and is decided with a reason", async () => {
  const page = await open("log");
  await page.locator("#role").click();
  await choose(page, "Disease control");
  await page.getByRole("button", { name: "Search" }).click();
  await page.waitForFunction(() => [...document.querySelectorAll(".ant-table-row")].every((row) => row.textContent.includes("Disease control")));
  const first = page.locator(".ant-table-row").first();
  const index = await first.locator("button").first().textContent();
  await first.click();
  await page.getByRole("button", { name: "Open a case file" }).click();
  await page.getByText(`The case file of entry ${index} is open.`).waitFor();
  await page.goto(`${BASE}/audit/cases`);
  const file = page.locator(`[data-case="${index}"]`);
  await file.getByText("No relation to the person").first().waitFor();
  await file.getByRole("combobox", { name: "Verdict" }).click();
  await choose(page, "justified");
  await file.getByRole("button", { name: "Put on record" }).click();
  await page.getByText("Put on record: justified").waitFor();
  await page.getByText("Decided", { exact: true }).click();
  await page.locator(`[data-case="${index}"]`).getByRole("list").getByText("The unit confirms the duty").waitFor();
  assert.deepEqual(quiet(page), []);
  await page.context().close();
});

/** A log of its own, made without any code of the product: entries, their tree (RFC 6962), a signed head, a proof. */
function ownLog(count, index) {
  const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest();
  const text = (value) => Buffer.concat([value.length < 24 ? Buffer.of(0x60 | value.length) : Buffer.of(0x78, value.length), Buffer.from(value)]);
  const bytes = (value) => Buffer.concat([value.length < 24 ? Buffer.of(0x40 | value.length) : Buffer.of(0x58, value.length), value]);
  const key = (number) => (number < 24 ? Buffer.of(number) : Buffer.of(0x18, number));
  const entry = (number) => {
    const pairs = [
      [0, Buffer.of(1)], [1, Buffer.of(0x1b, 0, 0, 1, 0x7f, 0, 0, 0, number)], [2, bytes(Buffer.alloc(16, 1))], [3, Buffer.of(7)], [4, text("tester")], [5, text("unit")],
      [6, text("cdc-tracer")], [7, text("read-person")], [8, text("PUBHLTH")], [10, Buffer.concat([Buffer.of(0x81), bytes(Buffer.alloc(16, number))])], [11, Buffer.concat([Buffer.of(0x81), text("identity")])],
      [12, Buffer.of(0x80)], [13, Buffer.of(1)], [15, bytes(Buffer.alloc(32, 3))], [16, bytes(Buffer.alloc(16, 4))], [17, bytes(Buffer.alloc(16, 5))],
    ];
    return Buffer.concat([Buffer.of(0xa0 | pairs.length), ...pairs.flatMap(([number, value]) => [key(number), value])]);
  };
  const entries = Array.from({ length: count }, (_, number) => entry(number));
  const leaves = entries.map((entry) => sha256([0], entry));
  const split = (n) => 2 ** Math.floor(Math.log2(n - 1));
  const root = (of) => (of.length === 1 ? of[0] : sha256([1], root(of.slice(0, split(of.length))), root(of.slice(split(of.length)))));
  const path = (of, at) => {
    if (of.length === 1) return [];
    const k = split(of.length);
    return at < k ? [...path(of.slice(0, k), at), root(of.slice(k))] : [...path(of.slice(k), at - k), root(of.slice(0, k))];
  };
  const origin = "log.example/test";
  const head = `${origin}\n${count}\n${root(leaves).toString("base64")}\n`;
  const signer = (name, kind) => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
    const id = sha256(Buffer.from(`${name}\n`), [kind], raw).subarray(0, 4);
    const line = (stamp, message) => `— ${name} ${Buffer.concat([id, stamp, sign(null, Buffer.from(message), privateKey)]).toString("base64")}\n`;
    return { line, vkey: `${name}+${id.toString("hex")}+${Buffer.concat([Buffer.of(kind), raw]).toString("base64")}` };
  };
  const log = signer(origin, 1);
  const witness = signer("witness.example", 4);
  const seconds = Buffer.alloc(8);
  seconds.writeBigUInt64BE(1_650_000_000n);
  const checkpoint = `${head}\n${log.line(Buffer.alloc(0), head)}${witness.line(seconds, `cosignature/v1\ntime 1650000000\n${head}`)}`;
  const proof = path(leaves, index);
  const lines = proof.map((hash) => `${hash.toString("base64")}\n`).join("");
  const leaf = leaves[index];
  return {
    entry: entries[index],
    tlogProof: `c2sp.org/tlog-proof@v1\nindex ${index}\n${lines}\n${checkpoint}`,
    answer: { receipt: { id: `${index}-${leaf.subarray(0, 8).toString("hex")}`, index, leaf_hash: leaf.toString("base64"), proof: proof.map((hash) => hash.toString("base64")), checkpoint } },
    vkey: log.vkey,
    witness: witness.vkey,
  };
}

async function verdict(page, { receipt, key, files }) {
  if (files) await page.setInputFiles("input[type=file]", files);
  if (receipt !== undefined) await page.getByTestId("receipt").fill(receipt);
  if (key !== undefined) await page.getByTestId("key").fill(key);
  await page.getByRole("button", { name: "Verify", exact: true }).and(page.locator(".ant-btn-primary")).click();
  const shown = page.locator("[data-verdict]");
  await shown.waitFor();
  return [await shown.getAttribute("data-verdict"), await shown.getAttribute("data-at")];
}

test("a receipt is verified from the proof alone, and nothing is asked meanwhile", async () => {
  const page = await open("ledger");
  const log = ownLog(11, 6);
  const asked = [];
  page.on("request", (request) => !request.url().startsWith("data:") && asked.push(request.url()));
  const files = [
    { name: "6.tlog-proof", mimeType: "text/plain", buffer: Buffer.from(log.tlogProof) },
    { name: "6.entry", mimeType: "application/octet-stream", buffer: log.entry },
  ];
  assert.deepEqual(await verdict(page, { files, key: log.vkey }), ["verified", null]);
  const steps = await page.locator("[data-step]").evaluateAll((steps) => steps.map(({ dataset }) => `${dataset.step} ${dataset.state}`));
  assert.deepEqual(steps, ["form ok", "leaf ok", "path ok", "root ok", "key ok", "signature ok", "witnesses open", "entry ok"]);
  await page.locator(".proof-entry").getByText("tester").waitFor();
  assert.deepEqual(await verdict(page, { key: `${log.vkey}\n${log.witness}` }), ["verified", null]);
  assert.equal(await page.locator('[data-step="witnesses"]').getAttribute("data-state"), "ok");
  assert.deepEqual(asked, []);
  assert.deepEqual(quiet(page), []);
  await page.context().close();
});

test("one flipped character is found, and the step that finds it is named", async () => {
  const page = await open("ledger");
  const log = ownLog(11, 6);
  const flip = (text, at) => text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
  const { receipt } = log.answer;
  const changed = [
    ["leaf", { ...receipt, id: flip(receipt.id, receipt.id.length - 3) }],
    ["leaf", { ...receipt, leaf_hash: flip(receipt.leaf_hash, 5) }],
    ["root", { ...receipt, leaf_hash: flip(receipt.leaf_hash, 42) }],
    ["root", { ...receipt, proof: [flip(receipt.proof[0], 3), ...receipt.proof.slice(1)] }],
    ["path", { ...receipt, proof: receipt.proof.slice(1) }],
    ["leaf", { ...receipt, index: 7 }],
    ["root", { ...receipt, checkpoint: receipt.checkpoint.replace(/(\n.{10})./, (all, begin) => begin + (all.at(-1) === "A" ? "B" : "A")) }],
    ["signature", { ...receipt, checkpoint: flip(receipt.checkpoint, receipt.checkpoint.indexOf("— ") + 40) }],
    ["key", { ...receipt, checkpoint: flip(receipt.checkpoint, 0) }],
  ];
  assert.deepEqual(await verdict(page, { receipt: JSON.stringify(log.answer), key: log.vkey }), ["verified", null]);
  for (const [step, wrong] of changed) {
    const [said, at] = await verdict(page, { receipt: JSON.stringify(wrong) });
    // A character more or less in base 64 is found by its form already.
    assert.equal(said, "failed", `${step}: ${JSON.stringify(wrong)}`);
    assert.ok(at === step || at === "form", `${step} was expected, ${at} failed`);
    await page.getByText("Not verified:").waitFor();
  }
  const entry = Buffer.from(log.entry);
  entry[40] ^= 1;
  const files = [{ name: "6.entry", mimeType: "application/octet-stream", buffer: entry }];
  assert.deepEqual(await verdict(page, { receipt: log.tlogProof, files }), ["failed", "root"]);
  assert.deepEqual(await verdict(page, { receipt: JSON.stringify(log.answer) }), ["failed", "leaf"]);
  await page.getByRole("button", { name: "Take the entry away" }).click();
  assert.deepEqual(await verdict(page, { receipt: JSON.stringify(log.answer), key: flip(log.vkey, log.vkey.length - 9) }), ["failed", "key"]);
  assert.deepEqual(await verdict(page, { receipt: JSON.stringify(log.answer), key: ownLog(3, 1).vkey }), ["failed", "signature"]);
  assert.deepEqual(await verdict(page, { receipt: "no receipt", key: log.vkey }), ["failed", "form"]);
  assert.deepEqual(quiet(page), []);
  await page.context().close();
});

test("the receipt of an own answer is verified with one click", async () => {
  const page = await open("ledger");
  await page.locator('[data-own="new"]').click();
  const shown = page.locator("[data-verdict]");
  await shown.waitFor();
  const steps = Object.fromEntries(await page.locator("[data-step]").evaluateAll((steps) => steps.map(({ dataset }) => [dataset.step, dataset.state])));
  assert.deepEqual([steps.form, steps.leaf, steps.path, steps.root], ["ok", "ok", "ok", "ok"]);
  // Without a key nothing is called verified.
  assert.equal(await shown.getAttribute("data-verdict"), routes[needed.ledger] ? "verified" : "open");
  if (!routes[needed.ledger]) assert.equal(await shown.getAttribute("data-at"), "key");
  assert.deepEqual(quiet(page), []);
  await page.context().close();
});

test("an entry of the log is verified from its page, and its file bears its number", async () => {
  const page = await open("log");
  const first = page.locator(".ant-table-row").first();
  const index = await first.locator("button").first().textContent();
  await first.click();
  await page.getByRole("button", { name: "Verify this entry" }).click();
  await page.locator('[data-verdict="verified"]').waitFor();
  const said = await page.getByText(/^Entry: /).first().textContent();
  assert.match(said, /^Entry: \d+\.entry \(/);
  assert.equal(said.match(/\d+/)[0], index.replace(/\D/g, ""));
  assert.deepEqual(quiet(page), []);
  await page.context().close();
});

test("the state of the ledger says its size and its signer", async () => {
  const page = await open("ledger");
  const state = page.locator(".ant-card", { hasText: "State of the ledger" }).last();
  const note = await page.getByLabel("The signed head (C2SP checkpoint)").textContent();
  assert.equal((await state.locator(".ant-statistic-content").textContent()).replace(/\D/g, ""), note.split("\n")[1]);
  await state.getByText("Witnesses").first().waitFor();
  assert.deepEqual(quiet(page), []);
  await page.context().close();
});

for (const [name, options] of [
  ["a wide screen", {}],
  ["a phone of 360 px", { width: 360, height: 740 }],
  ["a phone of 360 px, in Chinese", { width: 360, height: 740, locale: "zh-CN" }],
  ["the dark", { colorScheme: "dark" }],
]) {
  test(`axe finds nothing serious in the audit, on ${name}`, async () => {
    for (const section of sections) {
      const page = await open(section, options);
      await page.waitForTimeout(300);
      assert.deepEqual(await axe(page), [], section);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(overflow <= 0, `${section} is ${overflow} px too wide`);
      assert.deepEqual(quiet(page), [], section);
      await page.context().close();
    }
  });
}
