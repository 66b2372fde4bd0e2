/** Figures for the public: drafted, verified, edited and released by three people, and read by everybody. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { axe, BASE, enter, launch, visitor } from "./browser.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const TITLE = "Residents of the districts";

async function as(role, path = "/figures/work", options = {}) {
  const page = await visitor(browser, options);
  const isTracer = role === "cdc-tracer";
  return enter(page, role, { path, ...(isTracer && { caseReference: "CASE-2022-0001" }) });
}

/** What is right of every page: axe is content, nothing runs out to the side, the browser does not complain. */
async function sound(page) {
  assert.deepEqual(await axe(page), []);
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(beyond <= 0, `the page is ${beyond} px wider than the window`);
  assert.deepEqual(page.complaints, []);
}

/** The townships of the city that have cases. */
async function townships() {
  const page = await as("cdc-tracer", "/control/townships");
  await page.locator("[data-township]").first().waitFor();
  const codes = await page.locator("[data-township]").evaluateAll((tiles) => tiles.map((tile) => tile.getAttribute("data-township")));
  await page.context().close();
  return codes.filter((code) => /^\d{9}$/.test(code)).slice(0, 3);
}

test("a figure passes through three people before everybody reads it", async () => {
  const rows = await townships();
  const analyst = await as("cdc-analyst");
  await analyst.getByRole("button", { name: "Draft a figure" }).click();
  await analyst.getByRole("button", { name: "Draft", exact: true }).click();
  await analyst.getByText("One division at least").waitFor();
  await analyst.locator("#rows").fill(`${rows.join(",")},`);
  await analyst.getByRole("button", { name: "Draft", exact: true }).click();
  const draft = analyst.locator("[data-figure=drafted]").first();
  await draft.waitFor();
  await draft.getByText("you had a part in it").waitFor();
  assert.equal(await draft.locator("[data-rows]").getAttribute("data-rows"), String(rows.length), "what it would count");
  assert.equal(await draft.locator("table").count(), 0, "nobody sees a number before somebody else has verified it");
  await sound(analyst);

  const second = await as("cdc-analyst-second");
  await second.locator("[data-figure=drafted] [data-step=verify]").first().click();
  await second.locator(".ant-popconfirm, .ant-popover").getByRole("button", { name: "Verify" }).click();
  await second.getByText("Verified.", { exact: true }).waitFor();
  await second.context().close();

  await analyst.goto(`${BASE}/figures/work`);
  const verified = analyst.locator("[data-figure=verified]").first();
  await verified.waitFor();
  assert.equal(await verified.locator("tbody tr").count(), rows.length + 1, "each division and the totals");
  await analyst.locator("[data-figure=verified] #title").fill(TITLE);
  await analyst.locator("[data-step=edit]").click();
  await analyst.locator("[data-figure=edited]").first().waitFor();
  await analyst.context().close();

  const lead = await as("cdc-lead");
  await lead.locator("[data-figure=edited] [data-step=release]").first().click();
  await lead.locator(".ant-popconfirm, .ant-popover").getByRole("button", { name: "Release" }).click();
  await lead.locator("[data-figure=released]").first().waitFor();
  await sound(lead);
  await lead.context().close();

  const anybody = await as("resident", "/figures");
  const released = anybody.locator("[data-released]", { hasText: TITLE }).first();
  await released.waitFor();
  const cells = await released.locator("tbody td").allInnerTexts();
  assert.ok(cells.every((cell) => cell === "–" || Number(cell.replaceAll(",", "")) % 5 === 0), cells.join());
  assert.equal(await anybody.locator("nav.sections").count(), 0, "residents have no drafts");
  const saved = anybody.waitForEvent("download");
  await released.getByRole("button", { name: "CSV" }).click();
  const csv = readFileSync(await (await saved).path(), "utf8");
  assert.ok(rows.every((row) => csv.includes(`${row},`)));
  await sound(anybody);
  await anybody.context().close();
});

test("released figures read well on a phone, in the dark, in Chinese", async () => {
  const page = await as("resident", "/figures/released", { locale: "zh-CN", width: 360, height: 740, colorScheme: "dark" });
  await page.locator("[data-released], .ant-empty").first().waitFor();
  await sound(page);
  await page.context().close();
});
