/** Emergency grants: asked for by one, approved by two others, worked under, stopped, reviewed. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, BASE, enter, launch, visitor } from "./browser.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const PATHS = { "cdc-tracer": "/control/grants", operator: "/operations/grants" };

async function as(role, options = {}) {
  const page = await visitor(browser, options);
  return enter(page, role, { path: PATHS[role] ?? "/audit/grants", ...(role === "cdc-tracer" && { caseReference: "CASE-2022-0001" }) });
}

async function sound(page) {
  assert.deepEqual(await axe(page), []);
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(beyond <= 0, `the page is ${beyond} px wider than the window`);
  assert.deepEqual(page.complaints, []);
}

/** Where the cases of the city are. */
const district = (page) =>
  page.evaluate(async () => {
    const headers = { "Isthmus-Console": "1", "Isthmus-Purpose": "PUBHLTH", "Isthmus-Case": "CASE-2022-0001" };
    return (await (await fetch("/v1/townships", { headers })).json()).townships[0].township.slice(0, 6);
  });

async function approve(role) {
  const page = await as(role);
  await page.locator("[data-grant=requested]").first().getByRole("button", { name: "Approve" }).click();
  await page.getByText("Approved.", { exact: true }).waitFor();
  await page.context().close();
}

test("a grant is asked for, approved by two, worked under, stopped and reviewed", async () => {
  const tracer = await as("cdc-tracer");
  await tracer.getByRole("button", { name: "Ask for a grant" }).click();
  await tracer.locator("[data-ask]").click();
  await tracer.getByText("A code that begins with the 6 digits").waitFor();
  await tracer.locator("#area").fill(await district(tracer));
  await tracer.locator("#reason").click();
  await tracer.locator(".ant-select-dropdown:visible").getByTitle("search for a person", { exact: true }).click();
  await sound(tracer);
  const asked = tracer.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/v1/grants"));
  await tracer.locator("[data-ask]").click();
  const body = (await asked).postDataJSON();
  assert.deepEqual(body.roles, ["cdc-tracer"]);
  assert.equal(body.minutes, 240);
  assert.ok(!body.groups.includes("payment"));
  await tracer.locator("[data-grant=requested]").first().waitFor();
  assert.equal(await tracer.locator("[data-grant=requested] [data-invoke]").count(), 0, "nothing opens before two others approved");

  await approve("cdc-lead");
  await approve("privacy-officer");

  await tracer.reload();
  await tracer.locator("[data-grant=active] [data-invoke]").first().click();
  await tracer.locator("[data-invoked]").waitFor();
  await tracer.goto(`${BASE}/control`);
  const call = tracer.waitForRequest((request) => /\/v1\/persons\/[0-9a-f-]{36}$/.test(request.url()));
  await tracer.locator('.ant-table-row a[href^="/persons/"]').first().click();
  assert.match((await (await call).allHeaders())["isthmus-grant"] ?? "", /^[0-9a-f-]{36}$/);
  await tracer.locator("[data-value]").first().waitFor();
  await tracer.getByRole("button", { name: "End its use" }).click();
  await tracer.locator("[data-invoked]").waitFor({ state: "detached" });
  assert.deepEqual(tracer.complaints, []);
  await tracer.context().close();

  const operator = await as("operator");
  await operator.locator("[data-grant=active]").first().getByRole("button", { name: "Stop" }).click();
  await operator.getByText("The grant is stopped.").waitFor();
  await sound(operator);
  await operator.context().close();

  const auditor = await as("auditor");
  const stopped = auditor.locator("[data-grant=stopped]").first();
  await stopped.getByText("Residents concerned and review").click();
  await stopped.getByRole("combobox", { name: "Verdict" }).click();
  await auditor.locator(".ant-select-dropdown:visible").getByTitle("justified", { exact: true }).click();
  await stopped.getByRole("button", { name: "Review" }).last().click();
  await auditor.locator("[data-grant=reviewed]").first().waitFor();
  await sound(auditor);
  await auditor.context().close();
});

test("asking for a grant works on a phone, in the dark, in Chinese", async () => {
  const page = await as("cdc-tracer", { locale: "zh-CN", width: 360, height: 740, colorScheme: "dark" });
  await page.getByRole("button", { name: "申请应急授权" }).click();
  await page.locator("[data-ask]").waitFor();
  await sound(page);
  await page.context().close();
});
