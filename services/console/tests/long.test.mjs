/** Long lists are virtual: the page holds the rows that are seen, however many there are. The hub's answers are made up here. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { enter, launch, visitor } from "./browser.mjs";

const ROWS = 100_000;
/** Rows of a virtual list that the page may hold at once. */
const HELD_MAX = 200;

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const uuid = (number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;

/** Scrolls to the end of a list as a hand does: far, then to where the list has grown to. */
async function toTheEnd(page, holder) {
  await page.waitForFunction(
    (selector) => {
      const place = document.querySelector(selector);
      if (!place) return false;
      place.scrollTop = place.scrollHeight;
      return Math.abs(place.scrollHeight - place.clientHeight - place.scrollTop) < 2;
    },
    holder,
    { polling: 100 },
  );
}

test("100,000 residents scroll, and the last one is reached", async () => {
  const page = await visitor(browser);
  const residents = Array.from({ length: ROWS }, (_, number) => ({
    person_id: uuid(number),
    identity: { name: `居民${number}`, sex: number % 2 ? "MALE" : "FEMALE", birth_date: "1970-01-01" },
    contact: { phone: `8613${String(number).padStart(9, "0")}` },
    address: `${number} 号`,
    care: { key_groups: [] },
  }));
  await page.route(/\/v1\/units\/[^/]+\/residents/, (route) =>
    route.fulfill({ json: { unit: "310101", day: "2022-03-15", key_group_rules: "1", residents, withheld: [], receipt: { id: "1-00" } } }),
  );
  await enter(page, "community-worker", { path: "/community/residents" });
  await page.locator("[data-person]").first().waitFor();
  assert.equal(await page.locator("[data-loaded]").getAttribute("data-loaded"), String(ROWS));
  const held = () => page.locator(".ant-table-row").count();
  assert.ok((await held()) < HELD_MAX, `${await held()} rows are in the page`);
  await toTheEnd(page, ".ant-table-tbody-virtual-holder");
  await page.getByText(`居民${ROWS - 1}`, { exact: true }).waitFor();
  assert.ok((await held()) < HELD_MAX, `${await held()} rows are in the page`);
  // What is searched is all of them, not those in the page.
  await page.getByRole("searchbox").fill("居民77777");
  await page.locator("[data-shown='1']").waitFor();
  await page.getByText("居民77777", { exact: true }).waitFor();
  await page.context().close();
});

test("100,000 looks of the log scroll, and the last one is reached", async () => {
  const page = await visitor(browser);
  const entries = Array.from({ length: ROWS }, (_, at) => ({
    index: ROWS - at,
    time: "2022-03-15T08:00:00Z",
    actor: "tracer",
    unit: "CDC-01",
    role: "cdc-tracer",
    action: "read-person",
    purpose: "PUBHLTH",
    subjects: [],
    released: ["identity"],
    withheld: [],
    count: 1,
    policy: "0",
    request: uuid(at),
  }));
  await page.route(/\/v1\/ledger\/search/, (route) => route.fulfill({ json: { entries, receipt: { id: "1-00" } } }));
  await enter(page, "auditor", { path: "/audit/log" });
  const rows = page.locator(".ant-table-row");
  await rows.first().waitFor();
  assert.ok((await rows.count()) < HELD_MAX, `${await rows.count()} rows are in the page`);
  await toTheEnd(page, ".ant-table-tbody-virtual-holder");
  await page.locator(".ant-table-row button", { hasText: /^1$/ }).first().waitFor();
  assert.ok((await rows.count()) < HELD_MAX, `${await rows.count()} rows are in the page`);
  await page.context().close();
});
