/** Operations: the state of the hub, its throughput, the quarantine desk, linkage, grants; and the metrics that dashboards name. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { axe, BASE, enter, launch, visitor } from "./browser.mjs";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
let browser;
let routes;
before(async () => {
  browser = await launch();
  routes = (await (await fetch(`${BASE}/openapi.json`)).json()).paths;
});
after(() => browser?.close());

const sections = ["overview", "quarantine", "linkage", "models", "grants"];
const needed = { overview: "/v1/system/status", grants: "/v1/grants" };

/** A browser says in its console that an address is not there; nothing else is forgiven. */
function quiet(page) {
  const missing = Object.values(needed).some((route) => !routes[route]);
  return page.complaints.filter((text) => !(missing && text.includes("404")));
}

async function open(section, options = {}) {
  const page = await visitor(browser, options);
  await enter(page, "operator", { path: `/operations/${section}` });
  await page.locator("h1").waitFor();
  await page.locator(".ant-skeleton").first().waitFor({ state: "detached" });
  return page;
}

const number = (text) => Number(text.replace(/\D/g, ""));
const card = (page, title) => page.locator(".ant-card", { has: page.getByText(title, { exact: true }) }).first();
const choose = (page, name) => page.locator(".ant-select-dropdown:visible").getByTitle(name).first().click();

test("an operator sees first whether the hub is ready and keeps up", async () => {
  const page = await visitor(browser);
  await enter(page, "operator");
  await page.waitForURL(/\/operations\/overview/);
  await card(page, "State").getByText("Ready", { exact: true }).waitFor();
  await page.getByText("The views are of now").waitFor();
  await page.getByRole("img", { name: "Rows taken in per minute over time" }).waitFor();
  await page.getByRole("heading", { name: "Feeds" }).waitFor();
  if (routes[needed.overview]) {
    await card(page, "Topics of the event log").getByText("Gate passes").waitFor();
    assert.ok(number(await card(page, "Persons").locator(".ant-statistic-content").first().textContent()) > 100);
  }
  assert.deepEqual(quiet(page), []);
  await page.context().close();
});

test("throughput is measured while the page is open", async () => {
  const page = await open("overview");
  await page.waitForRequest((request) => request.url().endsWith("/metrics"));
  const again = await page.waitForRequest((request) => request.url().endsWith("/metrics"), { timeout: 12_000 });
  assert.ok(again);
  assert.match(await card(page, "Answers per minute").locator(".ant-statistic-content").first().textContent(), /\d/);
  await page.context().close();
});

test("the desk of the quarantine counts by feed and reason, and the counts add up", async () => {
  const page = await open("quarantine");
  const total = number(await page.locator(".page-head .ant-tag").textContent());
  const feeds = await page.locator(".ant-card h2 .ant-tag").allTextContents();
  assert.ok(total > 0 && feeds.length > 1);
  assert.equal(feeds.map(number).reduce((sum, rows) => sum + rows, 0), total);
  assert.deepEqual(quiet(page), []);
  await page.context().close();
});

test("a row is looked at on record, read again and given up, each with its outcome", async () => {
  const page = await open("quarantine");
  await page.locator(".ant-card .ant-table-row .ant-btn-link").first().click();
  const look = page.getByRole("button", { name: /^Look at row/ }).last();
  await look.click();
  const drawer = page.getByRole("dialog");
  await drawer.getByText("How to mend it").waitFor();
  await drawer.getByRole("button", { name: "Show the row as it was sent" }).click();
  await drawer.locator(".raw-row").waitFor();
  await drawer.locator("[data-receipt]").waitFor();
  for (const [act, outcome] of [["Read again", /rows could be used/], ["Give up", /1 rows are given up/]]) {
    await page.locator(".ant-drawer").getByRole("button", { name: act }).click();
    const modal = page.locator(".ant-modal");
    await modal.getByLabel("Reason").fill("tried by a test of the console");
    await modal.getByRole("button", { name: act }).click();
    await modal.getByText(outcome).waitFor();
    await modal.locator("[data-receipt]").waitFor();
    await modal.getByRole("button", { name: "Done" }).click();
    await modal.waitFor({ state: "detached" });
    if (act === "Read again") {
      await page.getByRole("button", { name: /^Look at row/ }).last().click();
      await page.locator(".ant-drawer").getByText("How to mend it").waitFor();
    }
  }
  assert.deepEqual(quiet(page), []);
  await page.context().close();
});

test("what is wrong with a row is said in the language of the page", async () => {
  const messages = {};
  for (const locale of ["en-GB", "zh-CN"]) {
    const page = await visitor(browser, { locale });
    await enter(page, "operator", { path: "/operations/quarantine/rows" });
    await page.locator(".ant-table-row").first().waitFor();
    messages[locale] = await page.locator(".ant-table-row span[title]").evaluateAll((words) => words.map((one) => one.textContent));
    await page.context().close();
  }
  assert.ok(messages["en-GB"].length > 3 && messages["en-GB"].every((text) => /[a-z]{3} /.test(text)), messages["en-GB"].join("; "));
  assert.ok(messages["zh-CN"].length > 3 && messages["zh-CN"].every((text) => /\p{Script=Han}.*。$/u.test(text)), messages["zh-CN"].join("; "));
});

test("what reading a feed again would change is shown before anything is done", async () => {
  const page = await open("quarantine");
  await page.getByRole("link", { name: "Read a feed again" }).click();
  await page.getByRole("combobox", { name: "Feed" }).last().click();
  await choose(page, /Household|Laboratory|Wallet/);
  const asked = page.waitForRequest((request) => request.url().endsWith("/v1/quarantine/reprocess"));
  await page.getByRole("button", { name: "Preview" }).click();
  assert.equal((await asked).postDataJSON().preview, true);
  await page.getByText("What would change").waitFor();
  await page.getByText("Nothing would say anything else.").waitFor();
  assert.deepEqual(quiet(page), []);
  await page.context().close();
});

test("linkage shows its model and what it has decided", async () => {
  const page = await open("linkage");
  const persons = number(await card(page, "Persons").locator(".ant-statistic-content").textContent());
  const records = number(await card(page, "Records").locator(".ant-statistic-content").textContent());
  const links = number(await card(page, "Links").locator(".ant-statistic-content").textContent());
  assert.equal(persons + links, records, "each link joins two parts");
  await page.getByText(/From \d+: one person/).waitFor();
  assert.deepEqual(quiet(page), []);
  await page.context().close();
});

test("a linkage model is tried, activated with a reason, and taken back", async () => {
  const page = await open("models");
  const decides = (await page.locator("[data-decides]").textContent()).trim();
  await page.locator("[data-preview]").click();
  await page.locator("[data-outcome]").getByText("It is the model that decides already").waitFor({ timeout: 60_000 });
  assert.equal(await page.locator("[data-activate]").count(), 0, "there is nothing to activate");
  await page.getByRole("combobox", { name: "Model" }).click();
  await choose(page, /Latin/);
  await page.locator("[data-preview]").click();
  await page.getByText("Persons that come apart").waitFor({ timeout: 60_000 });
  await page.locator("[data-receipt]").first().waitFor();
  assert.deepEqual(await axe(page), []);
  await page.getByLabel("Reason").first().fill("tried by a test of the console");
  await page.locator("[data-activate]").click();
  await page.locator(".ant-popconfirm, .ant-popover").getByRole("button", { name: "Let it decide" }).click();
  await page.locator("[data-changed]").waitFor({ timeout: 120_000 });
  await page.waitForFunction((before) => document.querySelector("[data-decides]").textContent.trim() !== before, decides);
  await page.getByLabel("Reason").last().fill("the test is over");
  await page.locator("[data-back]").click();
  await page.waitForFunction((before) => document.querySelector("[data-decides]").textContent.trim() === before, decides, { timeout: 120_000 });
  await page.getByText("taken back").first().waitFor();
  assert.deepEqual(quiet(page), []);
  await page.context().close();
});

test("emergency grants are listed, or it is said that there are none", async () => {
  const page = await open("grants");
  await page.getByText(/No emergency grant was ever asked for|This hub does not offer emergency grants yet/).or(page.locator("[data-grant]")).first().waitFor();
  assert.deepEqual(quiet(page), []);
  await page.context().close();
});

for (const [name, options] of [
  ["a wide screen", {}],
  ["a phone of 360 px", { width: 360, height: 740 }],
  ["a phone of 360 px, in Chinese", { width: 360, height: 740, locale: "zh-CN" }],
  ["the dark", { colorScheme: "dark" }],
]) {
  test(`axe finds nothing serious in operations, on ${name}`, async () => {
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

test("every metric that the dashboard and the alerts name exists", async () => {
  const files = ["docs/grafana/isthmus-dashboard.json", "docs/grafana/alerts.yaml"].map((name) => readFileSync(join(ROOT, name), "utf8"));
  JSON.parse(files[0]);
  const exposed = await (await fetch(`${BASE}/metrics`)).text();
  const known = new Set([...exposed.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name));
  for (const folder of ["crates", "services"]) {
    for (const { name, parentPath } of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
      if (!name.endsWith(".rs") || parentPath.includes("node_modules") || parentPath.includes("target")) continue;
      const code = readFileSync(join(parentPath, name), "utf8");
      for (const [, metric] of code.matchAll(/(?:counter|gauge|histogram)!\(\s*"(\w+)"/g)) known.add(metric);
    }
  }
  const named = new Set(files.flatMap((text) => [...text.matchAll(/\bisthmus_\w+/g)].map(([name]) => name)));
  assert.ok(named.size > 15);
  const missing = [...named].filter((name) => !known.has(name) && !known.has(name.replace(/_(bucket|sum|count)$/, "")));
  assert.deepEqual(missing, []);
});
