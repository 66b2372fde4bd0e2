/** The department technician: feeds and their health, pushing and trying files, receipts, failed rows and mending them. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { axe, BASE, enter, launch, visitor } from "./browser.mjs";

const ROLE = "department";
let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

/** A file that no run before has pushed: one row that can be used, one whose day does not exist. */
function readings() {
  const stamp = String(Date.now()).slice(-9);
  const row = (value, time) => `H${stamp},32${stamp}0,云浦市测试路1号,正向有功总,${value},kWh,1,${time},实抄\n`;
  return Buffer.from(`户号,表号,地址,寄存器,示数,单位,倍率,抄表时间,质量\n${row("12.5", "2022-03-14 00:00:00")}${row("13.5", "2022-02-30 00:00:00")}`);
}

async function choose(page, buffer, name = "readings.csv") {
  await page.locator("input[type=file]").setInputFiles({ name, mimeType: "text/csv", buffer });
  await page.locator("[data-file]").waitFor();
}

const count = (page, outcome) => page.locator(`[data-outcome=${outcome}]`).first().getAttribute("data-count").then(Number);

/** The newest batch of a feed that has failed rows. */
async function openFailed(page, feed) {
  await page.goto(`${BASE}/feeds/${feed}/batches?outcome=quarantined`);
  await page.locator("[data-batch]").first().click();
  await page.locator("[data-failed]").first().waitFor();
}

test("all feeds of the department, each with its health", async () => {
  const page = await visitor(browser);
  await enter(page, ROLE);
  await page.locator("[data-feed]").first().waitFor();
  const { feeds } = await page.evaluate(async () => (await fetch("/session")).json());
  assert.deepEqual((await page.locator("[data-feed]").evaluateAll((links) => links.map((link) => link.dataset.feed))).sort(), [...feeds].sort());
  assert.deepEqual(await axe(page), []);
  await page.locator("[data-feed=meter-readings]").click();
  await page.locator("[data-figure=Rows]").waitFor();
  await page.locator(".chart canvas").first().waitFor();
  await page.getByText("Empty fields").waitFor();
  assert.deepEqual(await axe(page), []);
  await page.getByRole("link", { name: "Profile and codes" }).click();
  await page.getByText("Legal basis").waitFor();
  await page.getByText("抄表时间").first().waitFor();
  await page.getByLabel("Search the codes").fill("value-time");
  await page.getByRole("cell", { name: "value-time" }).waitFor();
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(page.complaints, []);
});

test("a feed of somebody else is not there", async () => {
  const page = await visitor(browser);
  await enter(page, ROLE, { path: "/feeds/somebody-elses" });
  await page.getByText("This feed does not belong to your account.").waitFor();
  assert.deepEqual(page.complaints, []);
});

test("a file is looked at, tried, pushed; its failed row is mended here and pushed again", async () => {
  const page = await visitor(browser);
  await enter(page, ROLE, { path: "/feeds/meter-readings/push" });
  await choose(page, readings());
  await page.getByText("9 of 9 columns known").waitFor();
  await page.locator("[data-try]").click();
  await page.locator("[data-tried='2']").waitFor();
  await page.getByText("nothing was stored and nothing published").waitFor();
  assert.deepEqual([await count(page, "accepted"), await count(page, "quarantined")], [1, 1]);
  await page.locator("[data-failed]").first().waitFor();
  assert.deepEqual(await axe(page), []);

  await page.locator("[data-push]").click();
  await page.locator("[data-receipt-state=done]").waitFor();
  assert.deepEqual([await count(page, "accepted"), await count(page, "quarantined")], [1, 1]);
  await page.getByText("Every row is accounted for").waitFor();
  await page.getByText("See the failed rows and mend them").click();

  await page.locator("[data-failed='2']").waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download in the original form" }).click()]);
  assert.match(await readFile(await download.path(), "utf8"), /isthmus_error[\s\S]*isthmus-mends:/);
  assert.deepEqual(await axe(page), []);

  await page.getByRole("button", { name: "Mend here" }).click();
  const wrong = page.locator("[data-cell=wrong]").first();
  assert.equal(await wrong.inputValue(), "2022-02-30 00:00:00");
  await wrong.fill("2022-02-31 00:00:00");
  await page.locator("[data-changed='1']").waitFor();
  await page.locator("[data-try]").click();
  await page.locator("[data-again=value-time]").waitFor();
  await wrong.fill("2022-03-13 00:00:00");
  assert.deepEqual(await axe(page), []);
  await page.locator("[data-push]").click();
  await page.locator("[data-receipt-state=done]").waitFor();
  assert.deepEqual([await count(page, "accepted"), await count(page, "quarantined")], [1, 0]);

  await page.getByText("Back to the batch").click();
  await page.getByText("No failed row is open").waitFor();
  await page.getByLabel("Also those that are settled").click();
  await page.locator("[data-state=mended]").waitFor();
  assert.deepEqual(page.complaints, []);
});

test("the same file twice gives the same receipt", async () => {
  const page = await visitor(browser);
  await enter(page, ROLE, { path: "/feeds/meter-readings/push" });
  const file = readings();
  for (const repeated of [false, true]) {
    await choose(page, file);
    await page.locator("[data-push]").click();
    await page.locator("[data-receipt-state=done]").waitFor();
    assert.equal(await page.getByText("The same file came before").isVisible(), repeated);
  }
  assert.deepEqual(page.complaints, []);
});

test("a file that does not fit its profile is refused, and told why", async () => {
  const page = await visitor(browser, { locale: "zh-CN" });
  await enter(page, ROLE, { path: "/feeds/meter-readings/push" });
  await choose(page, Buffer.from("a,b\n1,2\n"));
  await page.getByText("缺少必需的列").waitFor();
  await page.locator("[data-try]").click();
  await page.getByText("header-mismatch").waitFor();
  await page.getByText("不是数据源 meter-readings 的表头").waitFor();
  assert.deepEqual(page.complaints.filter((complaint) => !complaint.includes("422")), []);
});

test("rows in an encoding that browsers do not write are mended, too", async () => {
  const page = await visitor(browser);
  await enter(page, ROLE);
  await openFailed(page, "household-register");
  await page.getByRole("button", { name: "Mend here" }).click();
  await page.locator("[data-row]").first().waitFor();
  const folded = page.locator("[data-row]").filter({ has: page.getByText(/Show \d+ other field/) }).first();
  const card = page.locator(`[data-row="${await folded.getAttribute("data-row")}"]`);
  await card.getByText(/Show \d+ other field/).click();
  await card.getByLabel("姓名").fill("𠮷㐀䶮");
  const [request] = await Promise.all([page.waitForRequest((asked) => asked.url().includes("dry_run=true")), page.locator("[data-try]").click()]);
  assert.match(request.url(), /mends=[0-9a-f-]{36}/);
  await page.locator("[data-tried='1']").waitFor();
  // Whatever else is wrong with the row, its bytes are text of the feed's encoding.
  assert.equal(await page.locator("[data-again=encoding]").count(), 0);
  assert.deepEqual(page.complaints, []);
});

test("a row that is an object is mended field by field, and what was not touched goes back as it came", async () => {
  const page = await visitor(browser);
  await enter(page, ROLE, { path: "/feeds/gate-scans/push" });
  const stamp = String(Date.now()).slice(-9);
  const line = (seq, time, rest) => `{"record_id":"T${stamp}-${seq}", "gate_id":"T${stamp}", "seq":${seq}, "scan_time":"${time}", "direction":"in", "decision":"pass", "code":"green", "temp":36.50, "card":"C-${stamp}", "name":"王小明"${rest}}\n`;
  await choose(page, Buffer.from(line(1, "2022-03-14 08:00:00", ', "phone":"13812345678"') + line(2, "2022-02-30 08:00:00", "") + line(3, "yesterday", ', "phone":"13812345678"')), "scans.ndjson");
  await page.locator("[data-push]").click();
  await page.locator("[data-receipt-state=done]").waitFor();
  await page.getByText("See the failed rows and mend them").click();
  await page.getByRole("button", { name: "Mend here" }).click();
  const row = page.locator("[data-row='2']");
  const wrong = row.locator("[data-cell=wrong]");
  assert.equal(await wrong.inputValue(), "2022-02-30 08:00:00");
  await wrong.fill("2022-02-28 08:00:00");
  await row.getByText(/Show \d+ other field/).click();
  // A member that only the other row has can be given to this one; a text stays a text, and a number a number.
  await row.getByLabel("phone").fill("13912345678");
  await row.getByLabel("temp").fill("36.7");
  assert.deepEqual(await axe(page), []);
  // The browser tells nobody what a file holds that it sends.
  await page.evaluate(() => {
    const send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (body) {
      if (body instanceof Blob) void body.text().then((text) => (globalThis.sentText = text));
      return send.call(this, body);
    };
  });
  await page.locator("[data-push]").click();
  const sent = (await (await page.waitForFunction(() => globalThis.sentText)).jsonValue()).trim().split("\n");
  assert.equal(sent.length, 1, "only the row that was changed");
  const object = JSON.parse(sent[0]);
  assert.deepEqual([object.scan_time, object.temp, object.phone, object.name], ["2022-02-28 08:00:00", 36.7, "13912345678", "王小明"]);
  assert.match(sent[0], /"direction":"in", "decision":"pass"/, "the spaces between stay");
  await page.locator("[data-receipt-state=done]").waitFor();
  assert.deepEqual([await count(page, "accepted"), await count(page, "quarantined")], [1, 0]);
  assert.deepEqual(page.complaints, []);
});

for (const [language, locale, words, basis] of [
  ["Chinese", "zh-CN", /[\u4e00-\u9fff]/, "《中华人民共和国传染病防治法》，社区防控"],
  ["English", "en-GB", /[a-z]/, "Law on the Prevention and Treatment of Infectious Diseases, community control"],
]) test(`failed rows say in ${language} what is wrong, on a phone and in the dark`, async () => {
  const page = await visitor(browser, { locale, width: 360, height: 740, colorScheme: "dark" });
  await enter(page, ROLE);
  await openFailed(page, "meter-readings");
  assert.match(await page.locator("[data-failed]").first().innerText(), words);
  for (const path of ["", "/meter-readings", "/meter-readings/batches", "/meter-readings/push", "/meter-readings/profile"]) {
    await page.goto(`${BASE}/feeds${path}`);
    await page.locator("h1").waitFor();
    await page.waitForTimeout(1_000);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${path} is ${overflow} px too wide`);
    assert.deepEqual(await axe(page), [], path);
  }
  await page.getByText(basis).waitFor();
  assert.deepEqual(page.complaints, []);
});

test("a large file goes in pieces", async () => {
  const page = await visitor(browser);
  await enter(page, ROLE, { path: "/feeds/meter-readings/push" });
  const stamp = String(Date.now()).slice(-9);
  // Playwright hands over 50 MB at most; the page makes the file itself, of rows that are all the same but the last.
  await page.locator("input[type=file]").evaluate((input, stamp) => {
    const head = "户号,表号,地址,寄存器,示数,单位,倍率,抄表时间,质量\n";
    const wide = `H${stamp},32${stamp}0,${"云".repeat(20_000)},正向有功总,1,kWh,1,2022-02-30 00:00:00,实抄\n`;
    const file = new File([head, wide.repeat(1_150)], "large.csv");
    const chosen = new DataTransfer();
    chosen.items.add(file);
    input.files = chosen.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }, stamp);
  await page.locator("[data-file]").waitFor();
  assert.ok(Number(await page.locator("[data-file]").getAttribute("data-file")) > 64 << 20);
  const pieces = [];
  page.on("request", (request) => request.method() === "PATCH" && pieces.push(request.headers()["upload-offset"]));
  await page.locator("[data-push]").click();
  await page.locator("[data-pushed]").waitFor({ timeout: 60_000 });
  assert.ok(pieces.length > 5, `${pieces.length} pieces`);
  await page.locator("[data-receipt-state=done]").waitFor({ timeout: 60_000 });
  assert.deepEqual(page.complaints, []);
});
