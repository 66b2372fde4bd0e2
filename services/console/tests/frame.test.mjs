/** The frame of the console: signing in, what a role sees, languages, safety of the page. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { after, before, test } from "node:test";
import { axe, BASE, enter, launch, visitor } from "./browser.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

test("a visitor chooses a role of the demo, sees what is its own, and signs out", async () => {
  const page = await visitor(browser);
  await enter(page, "auditor");
  assert.match(page.url(), /\/audit/);
  await page.goto(`${BASE}/control`);
  await page.getByText("There is no such page.").waitFor();
  await page.getByLabel("Sign out", { exact: true }).click();
  await page.getByText("This is a demo").waitFor();
  await page.goto(`${BASE}/audit`);
  await page.getByText("This is a demo").waitFor();
  assert.deepEqual(page.complaints, []);
});

test("an address with nothing behind it, or with a number in it, is answered with the console around it", async () => {
  const page = await visitor(browser);
  await enter(page, "auditor");
  const lost = await page.goto(`${BASE}/nowhere/at-all`);
  assert.equal(lost.status(), 404);
  await page.getByText("There is no such page.").waitFor();
  const numbered = await page.goto(`${BASE}/persons/13812345678`);
  assert.equal(numbered.status(), 400);
  assert.doesNotMatch(await numbered.text(), /13812345678/);
  await page.getByText("There is no such page.").waitFor();
  // A program is answered as ever.
  const problem = await page.evaluate(async () => (await (await fetch("/nowhere")).json()).code);
  assert.equal(problem, "route-unknown");
});

test("purpose and case are asked once, shown all the time, and go with each call", async () => {
  const page = await visitor(browser);
  await enter(page, "cdc-tracer", { caseReference: "CASE-2022-0001" });
  await page.locator(".task-bar").getByText("CASE-2022-0001").waitFor();
  const call = page.waitForRequest((request) => request.url().includes("/v1/"));
  await page.goto(`${BASE}/control`);
  const headers = await (await call).allHeaders();
  assert.equal(headers["isthmus-purpose"], "PUBHLTH");
  assert.equal(headers["isthmus-case"], "CASE-2022-0001");
  assert.equal(headers.authorization, undefined);
  await page.locator(".task-bar").getByText("CASE-2022-0001").waitFor();
});

test("a case that could be a person's number is refused before anything is asked", async () => {
  const page = await visitor(browser);
  await page.goto(`${BASE}/`);
  await page.locator('[data-role="cdc-tracer"]').click();
  await page.locator("input#caseReference").fill("13812345678");
  await page.locator("form button[type=submit]").click();
  await page.getByText("no number of 11 digits").first().waitFor();
});

test("no script can read the session, and no token is in any storage", async () => {
  const page = await visitor(browser);
  await enter(page, "cdc-tracer", { caseReference: "CASE-2022-0001" });
  const seen = await page.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]));
  assert.doesNotMatch(seen, /isthmus-session|isthmus-feed-|[0-9a-f]{40}/);
  const cookies = await page.context().cookies();
  const session = cookies.find(({ name }) => name === "isthmus-session");
  assert.equal(session?.httpOnly, true);
  assert.equal(session?.sameSite, "Strict");
});

test("another site's form gets nowhere with the cookie", async () => {
  const page = await visitor(browser);
  await enter(page, "auditor");
  const status = await page.evaluate(async () => (await fetch("/v1/ledger/statistics", { headers: { "Isthmus-Purpose": "HOPERAT" } })).status);
  assert.equal(status, 403);
});

test("the page allows no inline script and no address but its own", async () => {
  const page = await visitor(browser);
  const response = await page.goto(`${BASE}/`);
  const policy = response.headers()["content-security-policy"];
  assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self' 'nonce-[\w-]{22}'/);
  assert.doesNotMatch(policy, /unsafe|http|\*/);
  const again = await page.goto(`${BASE}/`);
  assert.notEqual(again.headers()["content-security-policy"], policy, "each answer has a nonce of its own");
});

test("the language is that of the browser, can be changed, and stays", async () => {
  const page = await visitor(browser, { locale: "zh-CN" });
  await page.goto(`${BASE}/`);
  await page.getByText("这是演示环境").waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN");
  await page.getByRole("button", { name: "English" }).click();
  await page.getByText("This is a demo").waitFor();
  await page.reload();
  await page.getByText("This is a demo").waitFor();
});

for (const [name, options] of [
  ["a wide screen", {}],
  ["a phone of 360 px", { width: 360, height: 740 }],
  ["the dark", { colorScheme: "dark" }],
]) {
  test(`axe finds nothing serious on the first page, on ${name}`, async () => {
    const page = await visitor(browser, options);
    await page.goto(`${BASE}/`);
    await page.getByText("This is a demo").waitFor();
    assert.deepEqual(await axe(page), []);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overflow <= 0, `the page is ${overflow} px too wide`);
  });
}

test("whoever asks for no motion gets none", async () => {
  const moving = async (reducedMotion) => {
    const page = await visitor(browser, { reducedMotion });
    await page.goto(`${BASE}/`);
    const label = page.getByText("Sign in with a token");
    await label.waitFor();
    return label.evaluate(async (element) => {
      element.click();
      let seen = 0;
      for (let frame = 0; frame < 5; frame++) {
        await new Promise((next) => requestAnimationFrame(next));
        seen += document.getAnimations().filter(({ effect }) => effect.getComputedTiming().duration > 1).length;
      }
      return seen;
    });
  };
  assert.equal(await moving("reduce"), 0);
  assert.notEqual(await moving("no-preference"), 0, "otherwise this shows nothing");
});

test("a wrong token opens nothing and says what to do", async () => {
  const page = await visitor(browser);
  await page.goto(`${BASE}/`);
  await page.getByText("Sign in with a token").click();
  await page.locator("input#token").fill("no-such-token");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByText("sign-in-refused").waitFor();
});

test("the client is made from the document that the hub serves", async () => {
  const served = await (await fetch(`${BASE}/openapi.json`)).json();
  const kept = JSON.parse(readFileSync(new URL("../../../schemas/openapi.json", import.meta.url), "utf8"));
  assert.deepEqual(kept, served, "run `make openapi`");
});

test("what the first view loads is under 500 kB, compressed", () => {
  const assets = new URL("../dist/assets/", import.meta.url);
  const html = readFileSync(new URL("../dist/index.html", import.meta.url), "utf8");
  const first = readdirSync(assets).filter((name) => html.includes(name.replace(/\.gz$/, "")) && /\.(js|css)\.gz$/.test(name));
  const bytes = first.reduce((sum, name) => sum + statSync(new URL(name, assets)).size, 0);
  assert.ok(first.length > 0 && bytes < 500_000, `${first.join(", ")}: ${bytes} bytes`);
});

test("a session that ended leads to the sign-in, and from there back to the page", async () => {
  const page = await visitor(browser);
  await enter(page, "cdc-tracer", { path: "/control/find", caseReference: "CASE-2022-0001" });
  await page.context().clearCookies();
  await page.getByRole("link", { name: "Appeals", exact: true }).click();
  await page.getByText("Your session has ended. Sign in again; you come back to the page you were on.").waitFor();
  await page.locator('[data-role="cdc-tracer"]').click();
  await page.locator("form input#caseReference").fill("CASE-2022-0001");
  await page.locator("form button[type=submit]").click();
  await page.getByRole("heading", { level: 1, name: "Appeals against health codes" }).waitFor();
});

test("who signs in as somebody else in a second tab is somebody else in the first one, too", async () => {
  const page = await visitor(browser);
  await enter(page, "cdc-tracer", { path: "/control/find", caseReference: "CASE-2022-0001" });
  const other = await page.context().newPage();
  await other.goto(`${BASE}/`);
  await other.getByLabel("Sign out", { exact: true }).click();
  await enter(other, "operator");
  await page.getByRole("link", { name: "Appeals", exact: true }).click();
  await page.locator(".shell-header .ant-tag", { hasText: "Operator" }).waitFor();
  assert.equal(await page.getByText("Appeals against health codes").count(), 0);
});

test("the case that a role of the demo works on comes from the hub", async () => {
  const page = await visitor(browser);
  const { demo_roles: roles } = await (await fetch(`${BASE}/session`)).json();
  assert.deepEqual(roles.filter((role) => role.case).map(({ name }) => name), ["cdc-tracer"]);
  const known = roles.find(({ name }) => name === "cdc-tracer").case;
  await page.goto(`${BASE}/`);
  await page.locator('[data-role="cdc-tracer"]').click();
  assert.equal(await page.locator("input#caseReference").inputValue(), known);
  await page.context().close();
  const other = await visitor(browser);
  await other.route("**/session", async (route) => {
    const response = await route.fetch();
    const text = (await response.text()).replaceAll(known, "CASE-OF-ANOTHER-CITY");
    await route.fulfill({ response, body: text });
  });
  await other.goto(`${BASE}/`);
  await other.locator('[data-role="cdc-tracer"]').click();
  assert.equal(await other.locator("input#caseReference").inputValue(), "CASE-OF-ANOTHER-CITY");
});

test("the first view needs the page, one script, its styles and who is signed in; nothing stands in the page itself", async () => {
  const page = await visitor(browser);
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  const response = await page.goto(`${BASE}/`);
  await page.getByText("This is a demo").waitFor();
  const kinds = asked.filter((path) => !/^\/assets\/.*\.svg$/.test(path)).map((path) => path.replace(/^\/assets\/.*\./, "."));
  assert.deepEqual([...new Set(kinds)].sort(), [".css", ".js", "/", "/session"]);
  assert.equal(kinds.filter((kind) => kind === ".js").length, 1, asked.join());
  const html = await response.text();
  assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\son[a-z]+=|javascript:/i);
});
