/**
 * Pictures of each page, in both languages and two sizes: `node screenshots.mjs BINARY FOLDER [--only NAME,NAME] [--readme]`.
 * `--readme` makes the four of the README instead, small, into `docs/pictures/`.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startDemo } from "./hub.mjs";

const [binary, folder, ...options] = process.argv.slice(2);
const only = options.includes("--only") ? options[options.indexOf("--only") + 1].split(",") : undefined;
const demo = process.env.CONSOLE_URL ? undefined : await startDemo(binary, { residents: 3000 });
process.env.CONSOLE_URL ??= demo.address;
const { BASE, enter, launch, visitor } = await import("./browser.mjs");

const CASE = "CASE-2022-0001";
const TRACER = { role: "cdc-tracer", caseReference: CASE };

/** Asks the hub as the visitor of a page does. */
const ask = (page, path, purpose, body) =>
  page.evaluate(
    async ([path, headers, body]) => {
      const init = body ? { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body } : { headers };
      return (await fetch(path, init)).json();
    },
    [path, { "Isthmus-Console": "1", "Isthmus-Purpose": purpose, "Isthmus-Case": CASE }, body && JSON.stringify(body)],
  );

/** The case that met most: there is something to see. */
const someCase = async (page) => {
  const { cases } = await ask(page, "/v1/cases?limit=10", "PUBHLTH");
  let [found, most] = [undefined, -1];
  for (const one of cases.filter(({ person_id }) => person_id)) {
    const end = new Date(one.isolated_time ?? one.confirmed_time).toISOString();
    const { total } = await ask(page, `/v1/persons/${one.person_id}/contacts?to=${end}&limit=1`, "PUBHLTH");
    if ((total ?? 0) > most) [found, most] = [one, total ?? 0];
  }
  return found;
};
const ofCase = (rest) => async (page) => `/control/cases/${(await someCase(page)).case}${rest}`;
const ofPerson = (rest) => async (page) => `/persons/${(await someCase(page)).person_id}${rest}`;
const firstFeed = async (page) => (await ask(page, "/session", "HOPERAT")).feeds.find((feed) => feed === "lab-results");
const ofFeed = (rest) => async (page) => `/feeds/${await firstFeed(page)}${rest}`;
const WORKER = { role: "community-worker" };
const pages = (who, list) => list.map(([name, path, act]) => ({ ...who, name, path, act }));

const PAGES = [
  { name: "sign-in", path: "/" },
  ...pages(WORKER, [["community", "/community"], ["residents", "/community/residents"], ["tasks", "/community/tasks"], ["reports", "/community/reports"]]),
  ...pages(TRACER, [
    ["cases", "/control"],
    ["case", ofCase(""), (page) => isReadme && page.locator("[data-part=timeline]").evaluate((part) => window.scrollTo(0, part.getBoundingClientRect().top + scrollY - 330))],
    ["contacts", ofCase("/contacts")],
    ["follow-ups", ofCase("/follow-ups")],
    ["print", ofCase("/print")],
    ["townships", "/control/townships"],
    ["appeals", "/control/appeals"],
    ["signals", "/control/signals"],
    ["ask-grant", "/control/grants"],
    ["find", "/persons"],
    ["person", ofPerson("")],
    ["records", ofPerson("/records")],
    ["links", ofPerson("/links")],
    ["timeline", ofPerson("/timeline")],
    ["lineage", ofPerson("/lineage")],
  ]),
  ...pages({ role: "data-steward" }, [["review", "/review"], ["decisions", "/review/decisions"], ["contests", "/review/contests"]]),
  ...pages({ role: "auditor" }, [
    ["unexplained", "/audit/unexplained"],
    ["log", "/audit/log"],
    ["figures", "/audit/figures"],
    ["case-files", "/audit/cases"],
    ["ledger", "/audit/ledger", (page) => page.locator('[data-own="new"]').click()],
  ]),
  ...pages({ role: "department" }, [["feeds", "/feeds"], ["feed", ofFeed("")], ["batches", ofFeed("/batches")], ["push", ofFeed("/push")], ["profile", ofFeed("/profile")]]),
  ...pages({ role: "resident" }, [["me", "/me"], ["looks", "/me/looks"], ["code", "/me/code"], ["itinerary", "/me/itinerary"], ["take", "/me/take"], ["sources", "/me/sources"], ["released", "/figures/released"]]),
  ...pages({ role: "cdc-analyst" }, [["drafts", "/figures/work"]]),
  ...pages({ role: "privacy-officer" }, [["names", "/audit/names"], ["marks", "/audit/marks"]]),
  ...pages({ role: "operator" }, [["operations", "/operations/overview"], ["quarantine", "/operations/quarantine"], ["linkage", "/operations/linkage"], ["models", "/operations/models"], ["grants", "/operations/grants"]]),
];

const README = new Set(["case", "links", "ledger", "community"]);
const isReadme = options.includes("--readme");
const SIZES = isReadme ? [["", 1100, 800]] : [["wide", 1280, 900], ["phone", 360, 740]];
const LANGUAGES = isReadme ? ["en-GB"] : ["en-GB", "zh-CN"];

const browser = await launch();
mkdirSync(folder, { recursive: true });
for (const locale of LANGUAGES) {
  for (const [size, width, height] of SIZES) {
    let page;
    let role;
    for (const shot of PAGES) {
      if (isReadme ? !README.has(shot.name) : (only && !only.includes(shot.name))) continue;
      if (shot.role !== role || !page) {
        await page?.context().close();
        page = await visitor(browser, { locale, width, height });
        role = shot.role;
        if (role) await enter(page, role, { caseReference: shot.caseReference });
      }
      const path = typeof shot.path === "string" ? shot.path : await shot.path(page);
      await page.goto(`${BASE}${path}`);
      await page.locator("h1").first().waitFor();
      await shot.act?.(page);
      // A busy machine takes a while; what is still empty then is a finding.
      await page.waitForFunction(() => !document.querySelector(".ant-skeleton, .ant-spin-spinning"), undefined, { timeout: 60_000 }).catch(() => console.log(`${shot.name}: still loading`));
      await page.waitForTimeout(600);
      const name = isReadme ? `${shot.name}.png` : `${shot.name}-${locale.slice(0, 2)}-${size}.png`;
      await page.screenshot({ path: join(folder, name), fullPage: !isReadme });
      if (page.complaints.length > 0) console.log(`${name}: ${page.complaints.splice(0).join("; ")}`);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (overflow > 0) console.log(`${name}: ${overflow} px too wide`);
    }
    await page?.context().close();
  }
}
await browser.close();
await demo?.stop();
