/** The community worker: the grid at a glance, residents, tasks, forms. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { axe, BASE, enter, launch, visitor } from "./browser.mjs";

const ROLE = "community-worker";
let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

/** Asks as the signed-in visitor of a page. */
function ask(page, path, { method = "GET", purpose = "PUBHLTH", caseReference, body } = {}) {
  return page.evaluate(
    async ([path, method, purpose, caseReference, body]) => {
      const headers = { "Isthmus-Console": "1", "Isthmus-Purpose": purpose, "Content-Type": "application/json" };
      if (caseReference) headers["Isthmus-Case"] = caseReference;
      const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
      return { status: response.status, body: await response.json().catch(() => null) };
    },
    [path, method, purpose, caseReference, body],
  );
}

async function unitOf(page) {
  return (await ask(page, "/session")).body.unit;
}

/** Chooses another purpose in the bar. */
async function work(page, purpose) {
  await page.locator(".task-bar button").click();
  await page.locator(".ant-modal .ant-select").click();
  await page.locator(".ant-select-item-option", { hasText: purpose }).click();
  await page.locator(".ant-modal button[type=submit]").click();
  await page.locator(".task-bar").getByText(purpose).waitFor();
}

const digits = (text) => Number(text.replaceAll(/\D/g, ""));

test("the grid at a glance: the figures of the unit, and how they add up", async () => {
  const page = await visitor(browser);
  await enter(page, ROLE);
  await page.locator("[data-agrees=true]").waitFor();
  const { body } = await ask(page, `/v1/units/${await unitOf(page)}/summary`);
  const shown = await page.locator("[data-figure=Residents]").innerText();
  assert.equal(digits(shown), body.total.residents);
  assert.equal(digits(await page.locator("[data-sum=residents]").innerText()), body.total.residents);
  assert.equal(body.below.reduce((sum, unit) => sum + unit.residents, 0), body.total.residents);
  assert.ok(body.total.residents > 0 && body.total.key_groups.length > 0);
  await page.getByText("Who needs special care").waitFor();
  await page.locator("[data-receipt]").waitFor();
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(page.complaints, []);
});

test("residents: loaded page by page, searched, filtered by key group, and a card of each", async () => {
  const page = await visitor(browser);
  await enter(page, ROLE, { path: "/community/residents" });
  await page.locator("[data-loaded]").waitFor();
  // The purpose that opens the group is one of the caller's own, as the hub decides it.
  await page.getByText("Not shown for the purpose “Public health”: household. The purpose “Operations” opens it").waitFor();
  const total = (await ask(page, `/v1/units/${await unitOf(page)}/summary`)).body.total;
  const loaded = async () => Number(await page.locator("[data-loaded]").getAttribute("data-loaded"));
  assert.equal(await loaded(), Math.min(200, total.residents));
  for (let pages = 1; (await loaded()) < total.residents && pages < 10; pages++) {
    const before = await loaded();
    await page.getByRole("button", { name: "Load more" }).click();
    await page.waitForFunction((before) => Number(document.querySelector("[data-loaded]")?.getAttribute("data-loaded")) > before, before);
  }
  assert.equal(await loaded(), total.residents);
  const rows = await page.locator("[data-person]").count();
  assert.ok(rows < 80, `only what can be seen is drawn: ${rows} rows`);

  const name = await page.locator("[data-person]").first().innerText();
  await page.getByLabel("Name, address or phone").first().fill(name);
  await page.waitForFunction(() => Number(document.querySelector("[data-loaded]")?.getAttribute("data-shown")) < 60);
  for (const found of await page.locator("[data-person]").allInnerTexts()) assert.ok(found.includes(name));
  assert.deepEqual(await axe(page), []);

  await page.locator("[data-person]").first().click();
  const card = page.getByRole("dialog");
  await card.getByText("Key groups", { exact: true }).waitFor();
  await card.getByText("Address", { exact: true }).waitFor();
  assert.match(await card.getByRole("link", { name: "Open the whole file" }).getAttribute("href"), /^\/persons\/[0-9a-f-]{36}$/);
  assert.doesNotMatch(decodeURIComponent(page.url()), new RegExp(name));
  assert.deepEqual(page.complaints, []);
});

test("who is looked for is looked for among all residents, whatever page they are on", async () => {
  const page = await visitor(browser);
  await enter(page, ROLE, { path: "/community/residents" });
  await page.locator("[data-loaded]").waitFor();
  const total = (await ask(page, `/v1/units/${await unitOf(page)}/summary`)).body.total.residents;
  await page.getByLabel("Name, address or phone").first().fill("nobody of this name");
  await page.locator(`[data-loaded="${total}"][data-shown="0"]`).waitFor();
  await page.getByRole("button", { name: "Load more" }).waitFor({ state: "detached" });
});

test("a key group leads from the figure to its members", async () => {
  const page = await visitor(browser);
  await enter(page, ROLE);
  await page.locator("[data-agrees]").waitFor();
  const groups = (await ask(page, `/v1/units/${await unitOf(page)}/summary`)).body.total.key_groups;
  const group = groups.find(({ members }) => members > 0);
  if (!group) return;
  await page.locator(`a[href="/community/residents?group=${group.key_group}"]`).click();
  await page.locator(`[data-loaded="${Math.min(200, group.members)}"]`).waitFor();
  assert.deepEqual(page.complaints, []);
});

test("households belong to another purpose, and their kinds are filtered there", async () => {
  const page = await visitor(browser);
  await enter(page, ROLE, { path: "/community/residents" });
  await page.locator("[data-loaded]").waitFor();
  await work(page, "Operations");
  await page.getByText(/Not shown for the purpose .*: care/).waitFor();
  await page.getByLabel("Household", { exact: true }).first().click();
  await page.locator(".ant-select-item-option", { hasText: "Family household" }).click();
  await page.waitForFunction(() => document.querySelector("[data-loaded]")?.textContent?.includes("fit"));
  await page.getByRole("link", { name: "Tasks" }).click();
  await page.getByText("Follow-up is public health").waitFor();
  assert.deepEqual(page.complaints, []);
});

test("a form comes filled, in the headings that it was asked for", async () => {
  const page = await visitor(browser);
  await enter(page, ROLE, { path: "/community/reports" });
  await page.locator("[data-template=own], label:has([value=own])").first().click();
  await page.getByLabel("Headings of your form").fill("姓名\t年龄\t现住址");
  await page.getByText("CSV", { exact: true }).click();
  assert.deepEqual(await axe(page), []);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Fill and download" }).click()]);
  const lines = (await readFile(await download.path(), "utf8")).trimEnd().split("\n");
  assert.equal(lines[0], "\ufeff姓名,年龄,现住址");
  const { body } = await ask(page, `/v1/units/${await unitOf(page)}/summary`);
  assert.equal(lines.length - 1, body.total.residents);
  await page.locator("[data-done]").waitFor();
  await page.locator("[data-receipt]").waitFor();

  // The form itself: what stands above its headings comes back, too.
  await page.getByLabel("Or the form itself").setInputFiles({ name: "form.csv", mimeType: "text/csv", buffer: Buffer.from("登记表\n序号,姓名\n") });
  const [own] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Fill and download" }).click()]);
  const filled = (await readFile(await own.path(), "utf8")).trimEnd().split("\n");
  assert.deepEqual([filled[0], filled[1], filled.length - 2], ["\ufeff登记表", "序号,姓名", body.total.residents]);

  await page.getByText("Households", { exact: true }).click();
  await page.getByText("This form needs the purpose “Operations”").waitFor();
  await page.getByLabel("Headings of your form").waitFor({ state: "detached" });
  assert.deepEqual(page.complaints, []);
});

test("a task's life: found by urgency, a step is taken, the history tells of it", async (context) => {
  const tracer = await visitor(browser);
  await enter(tracer, "cdc-tracer", { caseReference: "CASE-2022-0001" });
  const asTracer = { caseReference: "CASE-2022-0001" };
  const cases = (await ask(tracer, "/v1/cases?limit=20", asTracer)).body.cases ?? [];
  for (const one of cases.slice(0, 10)) await ask(tracer, `/v1/cases/${one.case ?? one.case_id}/contacts/notify`, { ...asTracer, method: "POST", body: {} });
  const page = await visitor(browser);
  await enter(page, ROLE);
  await page.locator("[data-agrees]").waitFor();
  const total = (await ask(page, `/v1/units/${await unitOf(page)}/summary`)).body.total;
  if (!total.follow_ups?.open) return context.skip("no contact of a case lives in this grid");
  assert.equal(digits(await page.locator("[data-figure='To be notified']").innerText()), total.follow_ups.to_notify);
  await page.goto(`${BASE}/community/tasks`);
  await page.locator("[data-agrees=true]").waitFor();
  assert.deepEqual(await axe(page), []);
  await page.locator("[data-task]").first().click();
  await page.getByText("What was done").waitFor();
  const before = await page.locator("[data-history]").count();
  assert.ok(before > 0);
  assert.deepEqual(await axe(page), []);
  await page.locator("[data-step=not_reached], [data-step=notified]").last().click();
  await page.getByLabel("Note").fill("13812345678");
  await page.locator("[data-confirm]").click();
  await page.getByText("A note holds no phone or identity number").waitFor();
  await page.getByLabel("Note").fill("");
  await page.locator("[data-confirm]").click();
  await page.waitForFunction((before) => document.querySelectorAll("[data-history]").length > before, before);
  assert.deepEqual(page.complaints, []);
});

test("who is handed over goes to a unit that exists: it is chosen, not known by heart", async (context) => {
  const page = await visitor(browser);
  await enter(page, ROLE, { path: "/community/tasks" });
  const own = await unitOf(page);
  const tasks = page.locator("[data-task]");
  await page.locator("[data-agrees]").waitFor();
  const offer = page.locator("[data-step=offered]");
  for (let at = 0; at < Math.min(await tasks.count(), 5); at++) {
    await tasks.nth(at).click();
    await page.getByText("What was done").waitFor();
    if (await offer.count()) break;
    await page.goto(`${BASE}/community/tasks`);
    await page.locator("[data-agrees]").waitFor();
  }
  if (!(await offer.count())) return context.skip("no task of this grid can be handed over");
  await offer.click();
  await page.locator("#to").click();
  const choices = page.locator(".ant-select-dropdown:visible .ant-select-item");
  await choices.first().waitFor();
  const texts = await choices.allInnerTexts();
  assert.ok(texts.every((text) => /^\d{12}/.test(text) && !text.startsWith(`${own} `)), `others than the own unit: ${texts}`);
  assert.deepEqual(await axe(page), []);
  await choices.first().click();
  await page.locator("[data-confirm]").click();
  await page.locator("[data-step=taken_back]").waitFor();
  assert.deepEqual(page.complaints, []);
});

for (const [locale, groups] of [["zh-CN", "重点关爱人群"], ["en-GB", "Who needs special care"]]) test(`on a phone, in the dark, everything is there and can be read (${locale})`, async () => {
  const page = await visitor(browser, { locale, width: 360, height: 740, colorScheme: "dark" });
  await enter(page, ROLE);
  await page.locator("[data-agrees=true]").waitFor();
  await page.getByText(groups).waitFor();
  assert.deepEqual(await axe(page), []);
  for (const path of ["residents", "tasks", "reports"]) {
    await page.goto(`${BASE}/community/${path}`);
    await page.locator("h1").waitFor();
    await page.waitForTimeout(800);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${path} is ${overflow} px too wide`);
    assert.deepEqual(await axe(page), [], path);
  }
  assert.deepEqual(page.complaints, []);
});
