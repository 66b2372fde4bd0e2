/** Disease control, as its role, on the demo city: cases, an itinerary, contacts, townships, codes, what is printed. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BASE, axe, enter, launch, typeDay, visitor } from "./browser.mjs";

const CASE = "CASE-2022-0001";
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

async function tracer(path, options) {
  const page = await visitor(browser, options);
  await enter(page, "cdc-tracer", { path, caseReference: CASE });
  return page;
}

/** Follows the first case of the list. */
async function firstCase(page) {
  await page.locator('a[href^="/control/cases/"]').first().click();
  await page.locator("[data-part=person]").waitFor();
}

/** Addresses of all cases, closed ones, too. */
async function allCases(page) {
  const cases = page.locator('a[href^="/control/cases/"]');
  await cases.first().waitFor();
  await page.getByText(/^(All|全部)$/).first().click();
  await page.locator(".ant-skeleton").first().waitFor({ state: "detached" });
  await cases.first().waitFor();
  return cases.evaluateAll((links) => links.map((link) => link.getAttribute("href")));
}

/** Opens the contacts of the first case that met anybody. */
async function contactsOfSome(page) {
  for (const path of await allCases(page)) {
    await page.goto(`${BASE}${path}/contacts`);
    const evidence = page.getByRole("button", { name: /Evidence for|接触依据/ }).first();
    await evidence.or(page.locator(".ant-empty")).first().waitFor();
    if (await evidence.isVisible()) return;
    await page.getByText(/^(14 days|14天|近14天)$/).first().click();
    await page.locator(".ant-skeleton").first().waitFor({ state: "detached" });
    if (await evidence.isVisible()) return;
  }
  assert.fail("no case of the city met anybody");
}

/** What is right of every page: axe is content, nothing runs out to the side, the browser does not complain. */
async function sound(page) {
  assert.deepEqual(await axe(page), []);
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(beyond <= 0, `the page is ${beyond} px wider than the window`);
  assert.deepEqual(page.complaints, []);
}

/** Whether the hub has a route that pages live without. */
async function has(page, path) {
  const status = await page.evaluate(
    async ([path, reference]) => (await fetch(path, { headers: { "Isthmus-Console": "1", "Isthmus-Purpose": "PUBHLTH", "Isthmus-Case": reference } })).status,
    [path, CASE],
  );
  return status !== 404;
}

test("cases and clusters are told with their numbers, and each look is on record", async () => {
  const page = await tracer("/control");
  await page.locator('a[href^="/control/cases/"]').first().waitFor();
  const open = page.locator(".control-number", { hasText: "Open cases" }).locator("dd").first();
  await page.waitForFunction(() => /^\d/.test(document.querySelector(".control-number dd")?.textContent ?? ""));
  assert.ok(Number(await open.textContent()) > 0, "the demo has open cases");
  assert.equal(await page.locator("h1").count(), 1);
  assert.ok((await page.locator("[data-receipt]").count()) > 0);
  await page.getByText("Positive tests without a case").waitFor();
  await page.getByRole("button", { name: "Show its cases" }).first().click();
  assert.match(page.url(), /cluster=/);
  assert.ok((await page.locator('a[href^="/control/cases/"]').count()) > 1, "a cluster has two cases or more");
  await sound(page);
});

test("an itinerary is a line of time, a map and a list, and choosing in one shows it in the others", async () => {
  const page = await tracer("/control");
  await page.locator('a[href^="/control/cases/"]').first().waitFor();
  // Not every case has a phone that was seen: the one with shapes on its map is gone through.
  const paths = await allCases(page);
  let drawn = 0;
  for (const path of paths) {
    await page.goto(BASE + path);
    await page.locator("[data-part=timeline] canvas").waitFor();
    drawn = await page.locator("[data-part=map] path").count();
    if (drawn > 0) break;
  }
  assert.ok(drawn > 0, "some case was somewhere with a position");
  assert.match(await page.locator("[data-part=timeline] [role=img]").getAttribute("aria-label"), /Line of time/);
  await page.getByText("of the time accounted for").waitFor();
  await page.getByText("gap: where they stayed is not known").waitFor();

  const stay = page.locator(".control-item", { hasText: /^\s*Stay/ }).first();
  await stay.focus();
  await page.keyboard.press("Enter");
  const detail = page.locator("[data-part=detail]");
  await detail.getByText("How sure").waitFor();
  assert.equal(await page.locator(".control-selected").count(), 1);
  assert.ok(await page.locator('[data-part=map] path[stroke-width="3"]').count(), "its squares stand out on the map");

  // The other way round, with the mouse: a shape of the map chooses the lines.
  await page.locator("[data-part=map] path").last().click({ force: true });
  await detail.waitFor();
  assert.ok((await page.locator(".control-selected").count()) > 0);
  await detail.locator("summary").first().click();
  assert.match((await detail.locator(".control-events li").first().textContent()) ?? "", /[0-9a-f]{8}-/);
  await sound(page);
});

test("contacts and sub-contacts are tables and a graph, each with its evidence", async () => {
  const page = await tracer("/control");
  await contactsOfSome(page);
  const evidence = page.getByRole("button", { name: /Evidence for/ }).first();
  await evidence.click();
  const drawer = page.locator(".ant-drawer-content, .ant-drawer-section").last();
  await drawer.locator("[data-part=encounter]").first().waitFor();
  const text = await drawer.innerText();
  assert.match(text, /How sure/);
  assert.match(text, /\d+ facts? places? the case there/);
  await sound(page);
  await drawer.getByRole("button", { name: /Who is it/ }).click();
  await drawer.locator("[data-part=person]").waitFor();
  await page.keyboard.press("Escape");

  await page.getByText("Sub-contacts", { exact: true }).first().click();
  await page.getByRole("columnheader", { name: "Through" }).or(page.getByText("The contacts met nobody")).first().waitFor();
  await page.getByText("Graph", { exact: true }).click();
  await page.locator("[data-part=graph] canvas").waitFor();
  assert.match(await page.locator("[data-part=graph] [role=img]").getAttribute("aria-label"), /[1-9]\d* contacts/);
  await sound(page);
});

test("names of a page are asked for in one look on record, and stand in tables and in the graph", async () => {
  const page = await tracer("/control");
  await page.locator('a[href^="/control/cases/"]').first().waitFor();
  // Suggested cases are a list of their own.
  const persons = page.locator(".ant-table").first().locator('a[href^="/persons/"]');
  assert.match(await persons.first().innerText(), /^Person [0-9a-f]{8}$/, "a list begins with ids: a name is a look");
  const looks = [];
  page.on("request", (request) => /\/v1\/persons\//.test(request.url()) && looks.push(new URL(request.url()).pathname));
  await page.locator("[data-names]").first().click();
  await page.waitForFunction(() => [...document.querySelector(".ant-table").querySelectorAll('a[href^="/persons/"]')].slice(0, 5).every((link) => !/^Person /.test(link.textContent)));
  assert.deepEqual(looks, ["/v1/persons/cards"]);
  await sound(page);
  await page.goto(`${BASE}/control`);
  await contactsOfSome(page);
  await page.locator("[data-names]").click();
  const looked = page.locator('.ant-table-row a[href^="/persons/"]').first();
  await page.waitForFunction(() => !/^Person /.test(document.querySelector('.ant-table-row a[href^="/persons/"]')?.textContent ?? "Person "));
  assert.ok((await looked.innerText()).length > 1);
  await sound(page);
});

test("a health code is told with its reasons", async () => {
  const page = await tracer("/control");
  await firstCase(page);
  await page.getByRole("link", { name: "Health code", exact: true }).click();
  await page.locator("[data-colour=RED]").waitFor();
  await page.getByText("is a case").waitFor();
  await sound(page);
});

test("a code of which not all is kept says that it may lack reasons", async () => {
  const page = await tracer("/control");
  await firstCase(page);
  let complete = false;
  await page.route("**/health-code?*", async (route) => {
    const answer = await (await route.fetch()).json();
    await route.fulfill({ json: { ...answer, complete } });
  });
  await page.getByRole("link", { name: "Health code", exact: true }).click();
  await page.locator("[data-incomplete]").getByText("may lack reasons").waitFor();
  await sound(page);
  complete = true;
  await page.reload();
  await page.locator("[data-colour]").waitFor();
  assert.equal(await page.locator("[data-incomplete]").count(), 0);
});

test("a stay that is partly assumed counts among the doubtful, and how long it is stands there", async () => {
  const page = await tracer("/control");
  let stays = 0;
  await page.route("**/itinerary?*", async (route) => {
    const answer = await (await route.fetch()).json();
    const features = answer.features.map((one) => (one.properties.kind === "stay" ? { ...one, properties: { ...one.properties, silent: true, silences: [{ from: one.properties.from, to: one.properties.to }] } } : one));
    stays = features.filter(({ properties }) => properties.silent).length;
    await route.fulfill({ json: { ...answer, features } });
  });
  for (const path of await allCases(page)) {
    await page.goto(BASE + path);
    await page.locator("[data-part=timeline] canvas").or(page.locator("main .ant-empty")).first().waitFor();
    if (stays > 0) break;
  }
  assert.ok(stays > 0, "some case stayed somewhere");
  const figure = page.locator(".control-number", { hasText: "Doubtful entries" });
  await figure.getByText("assumed for").waitFor();
  assert.ok(Number(await figure.locator("dd").first().textContent()) >= stays);
  await sound(page);
});

test("an address that leads to no case and to no person offers the way on, and nothing to print", async () => {
  const page = await tracer("/control");
  await page.goto(`${BASE}/control/cases/00000000-0000-4000-8000-000000000000`);
  const cases = page.getByRole("button", { name: "To the cases" });
  await cases.waitFor();
  assert.equal(await page.getByRole("button", { name: /Print|As known now/ }).count(), 0);
  await cases.click();
  await page.getByRole("heading", { level: 1, name: "Cases and clusters" }).waitFor();
  await page.goto(`${BASE}/persons/nobody`);
  await page.getByRole("button", { name: "Find another person" }).click();
  await page.waitForURL(/\/persons$/);
});

test("a code with hundreds of reasons is told page by page, and the browser keeps up", async () => {
  const page = await tracer("/control/find");
  const reason = (at) => ({ colour: "YELLOW", until: "2022-03-22T01:00:00Z", cause: "sub-contact", events: Array.from({ length: 40 }, (_, of) => `00000000-0000-4000-8000-${String(at * 100 + of).padStart(12, "0")}`) });
  await page.route("**/health-code?*", async (route) => {
    const answer = await (await route.fetch()).json();
    await route.fulfill({ json: { ...answer, reasons: Array.from({ length: 1_600 }, (_, at) => reason(at)) } });
  });
  await page.goto(`${BASE}/control`);
  await firstCase(page);
  await page.getByRole("link", { name: "Health code", exact: true }).click();
  await page.getByText("1,600 reasons").waitFor();
  assert.ok((await page.locator(".ant-table-row").count()) <= 20);
  await page.getByText("40 facts say so").first().click();
  await page.locator(".control-events li").first().waitFor();
  assert.equal(await page.locator(".control-events li").count(), 40, "those of the one that was opened");
  await sound(page);
});

test("case, itinerary and contacts are shown as they were known earlier, which is said plainly", async () => {
  const page = await tracer("/control");
  await firstCase(page);
  await page.getByRole("button", { name: "As known now" }).click();
  const input = page.getByLabel("As known at");
  const minute = await page.evaluate(() => new Date(Date.now() - 60_000 - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 16).replace("T", " "));
  await typeDay(input, minute);
  await page.getByText(/^As known at .*: the person, the case/).waitFor();
  await typeDay(input, "2022-01-01 00:00");
  await page.getByText("Nothing was known of this case then.").waitFor();
  await page.getByRole("button", { name: "Back to now" }).click();
  await page.locator("[data-part=person]").waitFor();
});

test("townships have levels in words, and a history of 14 days", async () => {
  const page = await tracer("/control/townships");
  await page.locator("[data-township]").first().waitFor();
  assert.match(await page.locator("[data-township]").first().innerText(), /(High|Medium|Low) risk/);
  await page.locator("table.control-days td").first().waitFor();
  assert.equal(await page.locator("table.control-days tbody tr").first().locator("td").count(), 14);
  assert.match(await page.locator("table.control-days td").first().innerText(), /^[HML] \d/);
  await sound(page);
});

test("a person is found by name and birth date, and nothing typed is in an address", async () => {
  const page = await tracer("/control");
  await firstCase(page);
  const strip = page.locator("[data-part=person]");
  const name = (await strip.locator("strong").first().innerText()).trim();
  const file = await strip.locator('a[href^="/persons/"]').getAttribute("href");
  const born = await page.evaluate(
    async ([id, reference]) => {
      const answer = await fetch(`/v1${id}`, { headers: { "Isthmus-Console": "1", "Isthmus-Purpose": "PUBHLTH", "Isthmus-Case": reference } });
      return (await answer.json()).identity.birth_date.value;
    },
    [file, CASE],
  );
  await page.getByRole("link", { name: "Find a person" }).click();
  await page.getByText("By name and birth date").click();
  await page.locator("input#name").fill(name);
  await page.locator("input#birth_date").fill(born);
  await page.getByRole("button", { name: "Search" }).click();
  await page.locator(`[data-person="${file.split("/").pop()}"]`).waitFor();
  assert.ok(!decodeURIComponent(page.url()).includes(name));
  await sound(page);
  await page.getByText("By a number").click();
  await page.locator("input#value").fill("110105194912310021");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("identifier-malformed").waitFor();
});

test("communities are notified once, and every contact has a follow-up", async (t) => {
  const page = await tracer("/control");
  await firstCase(page);
  const id = page.url().split("/").pop();
  if (!(await has(page, `/v1/cases/${id}/follow-ups`))) return t.skip("this hub has no follow-ups");
  page.complaints.length = 0;
  // So many are asked for a second time.
  await page.route("**/follow-ups?*", async (route) => {
    const answer = await (await route.fetch()).json();
    await route.fulfill({ json: { ...answer, contacts_without: 1_075 } });
  });
  await page.getByRole("link", { name: "Follow-up", exact: true }).click();
  await page.getByText("Contacts that nobody follows up yet: 1,075").waitFor();
  await page.getByRole("button", { name: "Notify communities" }).click();
  const asked = page.locator(".ant-popconfirm, .ant-popover");
  await asked.getByText("1,075 contacts have no follow-up yet.").waitFor();
  await asked.getByRole("button", { name: "Notify communities" }).click();
  await page.getByRole("button", { name: "Notify all 1,075" }).click();
  await page.locator(".ant-modal-confirm").waitFor({ state: "detached" });
  await page.unroute("**/follow-ups?*");
  await page.getByText(/new follow-ups/).waitFor();
  await page.getByRole("button", { name: "Show", exact: true }).first().click();
  await page.locator(".ant-timeline").waitFor();
  await sound(page);
});

test("appeals and signals are listed, or the page says that the hub has none", async (t) => {
  const page = await tracer("/control");
  for (const [path, route, title] of [
    ["/control/appeals", "/v1/appeals", "Appeals against health codes"],
    ["/control/signals", "/v1/signals", "Signals"],
  ]) {
    const isThere = await has(page, route);
    page.complaints.length = 0;
    await page.goto(BASE + path);
    await page.getByRole("heading", { level: 1, name: title }).waitFor();
    if (isThere) {
      // Signals of a whole city are looked for when they are asked for.
      await page.locator(".ant-table").first().waitFor({ timeout: 120_000 });
      await sound(page);
    } else {
      t.diagnostic(`this hub has no ${route}`);
      await page.getByText("This hub does not have this part yet.").waitFor();
    }
  }
});

test("a case is printed with its receipts and who printed it", async () => {
  const page = await tracer("/control");
  await firstCase(page);
  await page.getByRole("button", { name: "Print" }).click();
  await page.locator(".control-print footer").waitFor();
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator(".shell-header").isVisible(), false);
  assert.match(await page.locator(".control-watermark").getAttribute("data-mark"), /tracer/);
  assert.ok(await page.locator(".control-watermark img").first().isVisible());
  const receipts = (await page.locator(".control-print footer .control-id").innerText()).split(" · ");
  assert.ok(receipts.length >= 4 && receipts.every((id) => /^\d+-[0-9a-f]+$/.test(id)), receipts.join());
  await page.emulateMedia({ media: "screen" });
  await sound(page);
});

for (const [name, locale, colorScheme, title] of [
  ["in Chinese, in the dark", "zh-CN", "dark", "病例与聚集性疫情"],
  ["in English", "en-GB", "light", "Cases and clusters"],
]) {
  test(`it works on a phone, ${name}`, async () => {
    const page = await tracer("/control", { locale, width: 360, height: 740, colorScheme });
    await page.getByRole("heading", { level: 1, name: title }).waitFor();
    await sound(page);
    await firstCase(page);
    await page.locator("[data-part=timeline] canvas").waitFor();
    await sound(page);
    const address = page.url();
    for (const part of ["follow-ups", "code", "print"]) {
      await page.goto(`${address}/${part}`);
      await page.locator("h1").waitFor();
      await page.locator(".ant-skeleton").first().waitFor({ state: "detached" });
      await sound(page);
    }
    await page.goto(`${BASE}/control`);
    await contactsOfSome(page);
    await sound(page);
    await page.goto(`${BASE}/control/townships`);
    await page.locator("table.control-days td").first().waitFor();
    await sound(page);
    for (const path of ["signals", "appeals", "unassigned", "find"]) {
      await page.goto(`${BASE}/control/${path}`);
      await page.locator("h1").waitFor();
      await page.locator(".ant-skeleton").first().waitFor({ state: "detached" });
      await sound(page);
    }
  });
}

test("the days of a case are those of the city, wherever the browser stands", async () => {
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "America/New_York" });
  const page = await context.newPage();
  await enter(page, "cdc-tracer", { path: "/control", caseReference: CASE });
  const asked = page.waitForResponse((response) => /\/v1\/cases\/[0-9a-f-]+$/.test(response.url()));
  await firstCase(page);
  const { onset } = await (await asked).json();
  await page.getByText("All times are those of the city").waitFor();
  const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" }).format(new Date(onset));
  assert.equal(await page.locator(".control-facts dd").first().textContent(), day);
  await context.close();
});

test("a part of the page that failed says so, and is asked again", async () => {
  const page = await tracer("/control/find");
  await page.route("**/v1/townships?*", (route) => route.fulfill({ status: 500, contentType: "application/problem+json", body: JSON.stringify({ code: "internal", title: "Broken", detail: "" }) }));
  await page.goto(`${BASE}/control`);
  await page.getByText("Something broke inside of the hub").waitFor();
  await page.unroute("**/v1/townships?*");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.locator(".control-number").first().waitFor();
});
