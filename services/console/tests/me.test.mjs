/** A resident's own file: its values and sources, who looked and why, what to do about it, everything to take along. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { axe, BASE, enter, launch, typeDay, visitor } from "./browser.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

async function resident(path, options) {
  const page = await visitor(browser, options);
  await enter(page, "resident", { path });
  return page;
}

test("a resident reads the own file, and why each value is what it is", async () => {
  const page = await resident("/me");
  await page.locator("[data-value]").first().waitFor();
  assert.ok((await page.locator("[data-provenance]").count()) >= 5);
  assert.equal(await page.getByText("Withheld").count(), 0);
  await page.getByText("Is something wrong?").waitFor();
  assert.deepEqual(await axe(page), []);

  await page.getByRole("link", { name: "Where it comes from" }).click();
  await page.getByRole("table", { name: "What departments state about me" }).waitFor();
  await page.locator("[data-links] li").first().waitFor();
  await page.getByText(/^They agree in: /).first().waitFor();
  await page.getByText("See the numbers").first().click();
  await page.locator("[data-waterfall]").first().waitFor();
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(page.complaints, []);
});

/** Answers what a resident contested, as a data steward. */
async function answered(words, { verdict, reason, check }) {
  const page = await visitor(browser);
  await enter(page, "data-steward", { path: "/review/contests" });
  await page.locator("tr, li", { hasText: words }).getByRole("button", { name: "Decide" }).click();
  const drawer = page.locator(".ant-drawer");
  await drawer.locator("blockquote").getByText(words).waitFor();
  await check?.(drawer);
  assert.deepEqual(await axe(page), []);
  await drawer.getByText(verdict).click();
  await drawer.locator("#reason").click();
  await page.locator(".ant-select-dropdown:visible").getByTitle(reason, { exact: true }).click();
  await drawer.getByRole("button", { name: "Decide" }).click();
  await drawer.waitFor({ state: "detached" });
  assert.deepEqual(page.complaints, []);
  await page.context().close();
}

test("a resident contests a value, a steward passes it on, and the answer is seen", async () => {
  const words = "It was written wrongly.";
  const page = await resident("/me");
  const beside = page.locator("[data-contest-file=name]");
  await beside.first().waitFor();
  const before = await beside.count();
  await beside.first().click();
  const modal = page.locator(".ant-modal");
  await modal.getByRole("button", { name: "Send" }).click();
  await modal.getByText("Say what is wrong").waitFor();
  await modal.locator("#words").fill(words);
  assert.deepEqual(await axe(page), []);
  await modal.getByRole("button", { name: "Send" }).click();
  await page.locator("[data-contests]", { hasText: words }).locator("[data-state=open]").waitFor();
  assert.ok((await beside.count()) < before, "it is contested once");
  await answered(words, { verdict: "The resident is right", reason: "The department was told and mends it." });
  await page.reload();
  const mine = page.locator("[data-contests] li", { hasText: words });
  await mine.locator("[data-state=upheld]").waitFor();
  await mine.getByText("The department was told and mends it.").waitFor();
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(page.complaints, []);
});

test("a resident contests a record; a steward may decide on its pairs, and nothing is split by itself", async () => {
  const words = "I never had anything to do with them.";
  const page = await resident("/me/sources");
  const records = page.locator("[data-contest-file=link]");
  await records.first().waitFor();
  const before = await records.count();
  await records.first().click();
  await page.locator(".ant-modal #words").fill(words);
  assert.deepEqual(await axe(page), []);
  await page.locator(".ant-modal").getByRole("button", { name: "Send" }).click();
  await page.locator("[data-contests]", { hasText: words }).waitFor();
  const check = (drawer) => drawer.locator("[data-apart]").first().waitFor();
  await answered(words, { verdict: "It stays as it is", reason: "The record was checked: it is the resident’s.", check });
  await page.reload();
  await page.locator("[data-contests] li", { hasText: words }).locator("[data-state=rejected]").waitFor();
  assert.equal(await records.count(), before);
  assert.deepEqual(page.complaints, []);
});

test("a resident sees who looked and why, and doubts a look", async () => {
  // Somebody looks.
  const mine = await resident("/me/code");
  const person = await mine.evaluate(async () => (await (await fetch("/v1/me/health-code", { headers: { "Isthmus-Console": "1", "Isthmus-Purpose": "PATRQT" } })).json()).person_id);
  const other = await visitor(browser);
  await enter(other, "cdc-tracer", { path: `/persons/${person}`, caseReference: "CASE-2022-0001" });
  await other.locator("[data-value]").first().waitFor();
  await other.context().close();

  await mine.goto(`${BASE}/me/looks`);
  const looks = mine.locator("[data-looks]");
  await looks.waitFor();
  const others = Number(await looks.getAttribute("data-looks"));
  assert.ok(others >= 1);
  await mine.getByText("read your file").first().waitFor();
  await mine.getByText("Disease control").first().waitFor();
  assert.deepEqual(await axe(mine), []);
  await mine.getByLabel("Show my own looks too").click();
  await mine.getByText("You", { exact: true }).first().waitFor();
  assert.ok(Number(await looks.getAttribute("data-looks")) > others);
  await mine.getByLabel("Show my own looks too").click();

  const index = await mine.locator("[data-contest]").first().getAttribute("data-contest");
  await mine.locator(`[data-contest="${index}"]`).click();
  await mine.getByText("Why do you doubt this look?").waitFor();
  assert.deepEqual(await axe(mine), []);
  await mine.getByText("Another reason").click();
  await mine.getByRole("button", { name: "Send to the auditors" }).click();
  await mine.getByText("Sent. Auditors see it now.").waitFor();
  await mine.getByText("you doubt it; auditors have it").first().waitFor();
  assert.equal(await mine.locator(`[data-contest="${index}"]`).count(), 0);
  assert.deepEqual(mine.complaints, []);
});

test("a resident reads the health code and its reasons", async () => {
  const page = await resident("/me/code");
  const card = page.locator("[data-colour]");
  await card.waitFor();
  const colour = await card.getAttribute("data-colour");
  assert.ok(["GREEN", "YELLOW", "RED"].includes(colour));
  if (colour === "GREEN") await page.getByText("There is no reason for another colour.").waitFor();
  else await page.locator("[data-cause]").first().waitFor();
  assert.deepEqual(await axe(page), []);
  await typeDay(page.getByLabel("Another day"), "2022-03-12");
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByText("12 Mar 2022", { exact: false }).first().waitFor();
  assert.deepEqual(page.complaints, []);
});

test("a resident appeals against the code, and disease control decides", async (t) => {
  const words = "The test was not mine.";
  const page = await resident("/me/code");
  await page.locator("[data-colour]").waitFor();
  if (await page.locator("[data-colour=GREEN]").isVisible()) {
    await page.getByText("There is nothing to appeal against now.").waitFor();
    return t.skip("the resident of this city has recovered");
  }
  await page.getByLabel("What is wrong").fill(words);
  await page.getByRole("button", { name: "Send the appeal" }).click();
  await page.locator("[data-appeals]").getByText(words).waitFor();
  assert.deepEqual(await axe(page), []);

  const tracer = await visitor(browser);
  await enter(tracer, "cdc-tracer", { path: "/control/appeals", caseReference: "CASE-2022-0001" });
  await tracer.locator(".ant-table-row", { hasText: words }).getByRole("button", { name: "Decide" }).click();
  const drawer = tracer.locator(".ant-drawer");
  await drawer.locator("blockquote").getByText(words).waitFor();
  await drawer.getByText("The code stays as it is").click();
  await drawer.locator("#reason").click();
  await tracer.locator(".ant-select-dropdown:visible").getByTitle("the fact is confirmed", { exact: true }).click();
  await drawer.getByRole("button", { name: "Decide" }).click();
  await drawer.waitFor({ state: "detached" });
  assert.deepEqual(tracer.complaints, []);
  await tracer.context().close();

  await page.reload();
  await page.locator("[data-appeals]").getByText("rejected").waitFor();
  assert.deepEqual(page.complaints, []);
});

test("a resident sees where they were, as departments reported it", async () => {
  const page = await resident("/me/itinerary");
  await page.locator("[data-itinerary], .ant-empty").first().waitFor();
  assert.deepEqual(await axe(page), []);
  const asked = page.waitForResponse((response) => response.url().includes("/v1/me/itinerary?"));
  await page.getByRole("button", { name: "The 14 days before" }).click();
  await asked;
  assert.deepEqual(page.complaints, []);
});

test("a resident takes everything along in one file", async () => {
  const page = await resident("/me/take");
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Put the file together" }).click();
  const download = await saved;
  assert.match(download.suggestedFilename(), /^isthmus-my-file-\d{4}-\d\d-\d\d\.json$/);
  const file = JSON.parse(readFileSync(await download.path(), "utf8"));
  for (const part of ["code", "file", "records", "links", "lineage", "timeline", "itinerary", "contests", "looks"]) {
    assert.ok(Array.isArray(file[part]) && file[part][0].receipt.id, part);
  }
  assert.ok(file.file[0].identity.name.value);
  assert.ok(file.timeline[0].facts.length > 0);
  await page.locator("[data-ready]").waitFor();
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(page.complaints, []);
});

for (const locale of ["zh-CN", "en-GB"]) test(`the own file reads well on a phone, in the dark (${locale})`, async () => {
  const page = await resident("/me", { locale, width: 360, colorScheme: "dark" });
  for (const path of ["/me", "/me/sources", "/me/looks", "/me/code", "/me/itinerary", "/me/take"]) {
    await page.goto(`${BASE}${path}`);
    await page.locator("[data-value], .record-stack, [data-looks], [data-colour], [data-itinerary], [data-part]").first().waitFor();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 360, `${path} is ${width} px wide`);
    assert.deepEqual(await axe(page), [], path);
  }
  assert.deepEqual(page.complaints, []);
});
