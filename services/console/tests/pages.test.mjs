/** Every page that the application has: axe in both themes, no page wider than the screen, and the keyboard alone leads there. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { axe, BASE, enter, launch, visitor } from "./browser.mjs";
import { addressOf, CASE, PAGES } from "./pages.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

/** The visits of each role, in the order of the list. */
const byRole = new Map();
for (const one of PAGES) byRole.set(one.role, [...(byRole.get(one.role) ?? []), one]);

async function visitorAs(role, options) {
  const page = await visitor(browser, options);
  if (role) await enter(page, role, { caseReference: role === "cdc-tracer" ? CASE : undefined });
  return page;
}

async function open(page, one) {
  const address = await addressOf(one, page);
  await page.goto(`${BASE}${address}`);
  await page.locator("h1").first().waitFor();
  await page.waitForFunction(() => !document.querySelector(".ant-skeleton, .ant-spin-spinning"), undefined, { timeout: 60_000 });
  return address;
}

/** The addresses that the router of an area has, as patterns. */
function routes() {
  const areas = new URL("../app/areas/", import.meta.url);
  return readdirSync(areas).flatMap((area) => {
    const text = readFileSync(new URL(`${area}/index.tsx`, areas), "utf8");
    const paths = [...text.matchAll(/<Route path="([^"*]+)"/g)].map(([, path]) => path);
    assert.ok(paths.length > 0, `${area} has routes`);
    return ["", ...paths].map((path) => {
      const parts = path.split("/").filter(Boolean).map((part) => (part.endsWith("?") ? "(/[^/]+)?" : `/${part.startsWith(":") ? "[^/]+" : part}`));
      return { name: `/${area} ${path}`, pattern: new RegExp(`^/${area}(/[^/]+)?${parts.join("")}$`) };
    });
  });
}

const visited = new Set();

for (const [name, options] of [
  ["in the light, on a wide screen, in English", { locale: "en-GB", colorScheme: "light" }],
  ["in the dark, on a phone, in Chinese", { locale: "zh-CN", colorScheme: "dark", width: 360, height: 740 }],
]) {
  for (const [role, list] of byRole) {
    test(`axe finds nothing serious on any page of ${role ?? "a stranger"}, ${name}`, async () => {
      const page = await visitorAs(role, options);
      const found = [];
      for (const one of list) {
        visited.add(await open(page, one));
        found.push(...(await axe(page)).map((what) => `${one.name}: ${what}`));
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (beyond > 0) found.push(`${one.name} is ${beyond} px too wide`);
        found.push(...page.complaints.splice(0).map((what) => `${one.name}: ${what}`));
      }
      await page.context().close();
      assert.deepEqual(found, []);
    });
  }
}

test("every page that the router of the application has was visited", () => {
  const missing = routes().filter(({ pattern }) => ![...visited].some((address) => pattern.test(address)));
  assert.deepEqual(missing.map((route) => route.name), []);
});

/** What has the focus: its text, and whether that can be seen. */
const focused = (page) =>
  page.evaluate(() => {
    const one = document.activeElement;
    const style = getComputedStyle(one);
    const around = getComputedStyle(one.closest(".ant-segmented-item, .ant-select, .ant-input-affix-wrapper, .ant-input-number, .ant-picker, .ant-checkbox, .ant-checkbox-wrapper, .ant-radio, .ant-switch") ?? one);
    const shows = (of) => (of.outlineStyle !== "none" && parseFloat(of.outlineWidth) > 0) || of.boxShadow !== "none";
    return { tag: one.tagName, text: (one.getAttribute("aria-label") ?? one.textContent ?? "").trim().slice(0, 40), id: one.id, href: one.getAttribute("href"), isSeen: shows(style) || shows(around) || (one.firstElementChild !== null && shows(getComputedStyle(one.firstElementChild))) };
  });

for (const [role, list] of byRole) {
  test(`the pages of ${role ?? "a stranger"} are gone through by keyboard, and what has the focus is seen`, async () => {
    const page = await visitorAs(role);
    const found = [];
    for (const one of list) {
      await open(page, one);
      // The first key leads past the menu, into the page.
      await page.keyboard.press("Tab");
      const skip = await focused(page);
      if (skip.href !== "#content" || !skip.isSeen) found.push(`${one.name}: begins with ${JSON.stringify(skip)}`);
      await page.keyboard.press("Enter");
      const reached = new Set();
      for (let keys = 0; keys < 25; keys++) {
        await page.keyboard.press("Tab");
        const at = await focused(page);
        if (at.tag === "BODY") break;
        reached.add(`${at.tag} ${at.text}`);
        if (!at.isSeen) found.push(`${one.name}: the focus is not seen on ${at.tag} “${at.text}” ${at.id}`);
      }
      if (reached.size === 0) found.push(`${one.name}: nothing of the page is reached`);
    }
    await page.context().close();
    assert.deepEqual([...new Set(found)], []);
  });
}

/** What opens something beside the page, wherever a page has it: role, address, and the key to it. */
const OPENERS = [
  ["auditor", "/audit/log", ".ant-table-row button"],
  ["community-worker", "/community/residents", ".ant-table-row button"],
  ["cdc-tracer", async (page) => addressOf(PAGES.find(({ name }) => name === "contacts"), page), ".ant-table-row button"],
  ["operator", "/operations/quarantine/rows", ".ant-table-row button"],
  ["data-steward", "/review", ".page-head .ant-btn-default:not([aria-label])", { width: 360, height: 740 }],
  ["auditor", "/audit/log", ".shell-header [aria-label=Menu]", { width: 360, height: 740 }],
];

for (const [role, path, selector, options] of OPENERS) {
  test(`what ${role} opens beside ${typeof path === "string" ? path : "contacts"} gives the focus back to what opened it`, async () => {
    const page = await visitorAs(role, options);
    await page.goto(`${BASE}${typeof path === "string" ? path : await path(page)}`);
    const opener = page.locator(selector).first();
    await opener.focus();
    await opener.evaluate((one) => (one.dataset.opener = "this"));
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.waitForFunction(() => document.activeElement?.closest("[role=dialog], .ant-drawer"));
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    await page.waitForFunction(() => document.activeElement?.dataset.opener === "this");
    await page.context().close();
  });
}

test("dialogs are opened and closed by keyboard, and give the focus back", async () => {
  const page = await visitorAs("cdc-tracer");
  const change = page.locator(".task-bar").getByRole("button", { name: "Change" });
  await change.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.waitForFunction(() => document.activeElement?.closest(".task-bar"));
  await page.context().close();
});
