/** The review: pairs side by side, by keys; decided with a reason, and undone. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, BASE, enter, launch, visitor } from "./browser.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

async function steward(options) {
  const page = await visitor(browser, options);
  await enter(page, "data-steward", { path: "/review" });
  await page.locator("[data-review]").waitFor();
  return page;
}

const shown = (page) => page.locator("[data-review]").getAttribute("data-review");

test("two records stand side by side, with what the machine made of them", async () => {
  const page = await steward();
  await page.getByRole("table", { name: "The two records side by side" }).waitFor();
  await page.locator("[data-waterfall]").waitFor();
  await page.getByText(/^1 of \d+/).waitFor();
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(page.complaints, []);
});

test("keys go through the queue; a pair that is only passed by is not looked at", async () => {
  const page = await steward();
  const first = await shown(page);
  const looked = [];
  page.on("request", (request) => /\/v1\/reviews\/[0-9a-f-]{36}$/.test(request.url()) && looked.push(request.url()));
  for (let times = 0; times < 3; times++) await page.keyboard.press("j");
  await page.getByText(/^4 of /).waitFor();
  await page.waitForFunction((first) => document.querySelector("[data-review]") && document.querySelector("[data-review]").dataset.review !== first, first);
  assert.equal(looked.length, 1);
  for (let times = 0; times < 3; times++) await page.keyboard.press("k");
  await page.locator(`[data-review="${first}"]`).waitFor();

  await page.keyboard.press("?");
  await page.getByText("Keys of this page").waitFor();
  assert.deepEqual(await axe(page), []);
  await page.keyboard.press("Escape");
  await page.getByText("Keys of this page").waitFor({ state: "hidden" });
  await page.keyboard.press("u");
  await page.getByText("There is no decision of this sitting to undo.").waitFor();
  assert.deepEqual(page.complaints, []);
});

test("a decision has a reason, stands in the list, and is undone by a key", async () => {
  const page = await steward();
  const task = await shown(page);
  await page.keyboard.press("d");
  await page.locator("[data-reasons=DIFFERENT]").waitFor();
  assert.deepEqual(await axe(page), []);
  await page.keyboard.press("Enter");
  await page.getByText("Choose a reason").waitFor();
  await page.keyboard.press("7");
  assert.ok(await page.getByRole("radio", { name: "Another reason" }).isChecked());
  await page.getByLabel("Note for the next reviewer").fill("A test of the console; taken back at once.");
  await page.getByRole("button", { name: "Decide: two persons" }).click();
  await page.getByText("Decided: two persons.").waitFor();
  await page.locator(`[data-review="${task}"]`).waitFor({ state: "detached" });
  await page.locator(".ant-modal-mask").waitFor({ state: "hidden" });
  assert.equal(await page.locator(`[data-task="${task}"]`).count(), 0);

  await page.getByRole("link", { name: "Decisions" }).click();
  await page.locator(`[data-undo="${task}"]`).first().waitFor();
  await page.getByText("A test of the console; taken back at once.").first().waitFor();
  assert.deepEqual(await axe(page), []);

  await page.getByRole("link", { name: "Queue" }).click();
  await page.locator("[data-review]").waitFor();
  await page.keyboard.press("u");
  await page.locator("[data-reasons=undo]").waitFor();
  assert.ok(await page.getByRole("radio", { name: "The decision was a mistake" }).isChecked());
  await page.keyboard.press("Enter");
  await page.getByText("Taken back.").waitFor();
  await page.locator(`[data-task="${task}"]`).waitFor();

  await page.getByRole("link", { name: "Decisions" }).click();
  await page.locator("[data-state=ended]").first().waitFor();
  assert.deepEqual(page.complaints, []);
});

test("only pairs of one kind are listed", async () => {
  const page = await steward();
  await page.getByLabel("Why they are asked").click();
  const asked = page.waitForResponse((response) => response.url().includes("kind=band"));
  await page.getByTitle("Unsure").click();
  await asked;
  await page.getByText("The weight lies between the thresholds").waitFor();
  assert.deepEqual(page.complaints, []);
});

test("the review fits on a phone, in the dark, in Chinese", async () => {
  const page = await steward({ locale: "zh-CN", width: 360, colorScheme: "dark" });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 360, `${width} px`);
  await page.getByRole("button", { name: "同一人", exact: true }).waitFor();
  assert.deepEqual(await axe(page), []);
  await page.getByText("列表", { exact: true }).click();
  await page.locator(".ant-drawer [data-task]").first().waitFor();
  assert.deepEqual(page.complaints, []);
});

test("on a phone the two records stand below each other, field by field", async () => {
  for (const locale of ["en-GB", "zh-CN"]) {
    const page = await steward({ locale, width: 360, height: 740 });
    const pair = page.locator("[data-pair]");
    await pair.waitFor();
    assert.equal(await pair.locator("table").count(), 0);
    const wide = await pair.evaluate((part) => [part, ...part.querySelectorAll("*")].filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== "visible").map((one) => one.className));
    assert.deepEqual(wide, []);
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(beyond <= 0, `${beyond} px too wide`);
    for (const section of await pair.locator("section").all()) assert.equal(await section.locator("dt").count(), 2);
    assert.deepEqual(await axe(page), []);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  }
});
