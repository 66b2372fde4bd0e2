/** Each page of the console, as the role that has it: what the pictures show, and what is walked through by axe and by keyboard. */

/** A case of every demo city, which a tracer may name when they sign in. */
export const CASE = "CASE-2022-0001";

/** Asks the hub as the visitor of a page does. */
const ask = (page, path, purpose = "HOPERAT", body = undefined) =>
  page.evaluate(
    async ([path, headers, body]) => {
      const init = body ? { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body } : { headers };
      return (await fetch(path, init)).json();
    },
    [path, { "Isthmus-Console": "1", "Isthmus-Purpose": purpose, ...(purpose === "PUBHLTH" && { "Isthmus-Case": CASE }) }, body && JSON.stringify(body)],
  );

const known = new Map();
/** Asked once: each question is a look, and the answer is the same for each picture. */
const once = (name, find) => async (page) => {
  if (!known.has(name)) known.set(name, await find(page));
  return known.get(name);
};

/** The case that met most: there is something to see. */
const someCase = once("case", async (page) => {
  const { cases } = await ask(page, "/v1/cases?limit=10", "PUBHLTH");
  let [found, most] = [undefined, -1];
  for (const one of cases.filter(({ person_id }) => person_id)) {
    const end = new Date(one.isolated_time ?? one.confirmed_time).toISOString();
    const { total } = await ask(page, `/v1/persons/${one.person_id}/contacts?to=${end}&limit=1`, "PUBHLTH");
    if ((total ?? 0) > most) [found, most] = [one, total ?? 0];
  }
  return found;
});

/** A follow-up of the grid; where there is none, the page says so. */
const someTask = once("task", async (page) => {
  await page.goto(new URL("/community/tasks", page.url()).href);
  await page.locator("[data-task], .ant-empty").first().waitFor();
  const link = page.locator("[data-task] a, a[data-task]").first();
  return (await link.count()) ? link.getAttribute("href") : "/community/tasks/00000000-0000-4000-8000-000000000000";
});

/** The newest batch of a feed with rows that can be mended. */
const failed = (feed) =>
  once(`failed-${feed}`, async (page) => {
    const { batches } = await ask(page, `/v1/feeds/${feed}/batches?outcome=quarantined&limit=20`);
    return batches[0]?.batch_id;
  });

const ofCase = (rest) => async (page) => `/control/cases/${(await someCase(page)).case}${rest}`;
const ofPerson = (rest) => async (page) => `/persons/${(await someCase(page)).person_id}${rest}`;
const ofFailed = (feed, rest) => async (page) => `/feeds/${feed}/batches/${await failed(feed)(page)}${rest}`;
const pages = (role, list) => list.map(([name, path, act]) => ({ role, name, path, act }));

export const PAGES = [
  { name: "sign-in", path: "/" },
  ...pages("community-worker", [
    ["community", "/community"],
    ["residents", "/community/residents"],
    ["tasks", "/community/tasks"],
    ["task", someTask],
    ["reports", "/community/reports"],
  ]),
  ...pages("cdc-tracer", [
    ["cases", "/control"],
    ["case", ofCase("")],
    ["contacts", ofCase("/contacts")],
    ["follow-ups", ofCase("/follow-ups")],
    ["case-code", ofCase("/code")],
    ["print", ofCase("/print")],
    ["townships", "/control/townships"],
    ["health-code", async (page) => `/control/health-codes/${(await someCase(page)).person_id}`],
    ["appeals", "/control/appeals"],
    ["unassigned", "/control/unassigned"],
    ["signals", "/control/signals"],
    ["find-contact", "/control/find"],
    ["ask-grant", "/control/grants"],
    ["find", "/persons"],
    ["person", ofPerson("")],
    ["records", ofPerson("/records")],
    ["links", ofPerson("/links")],
    ["timeline", ofPerson("/timeline")],
    ["lineage", ofPerson("/lineage")],
  ]),
  ...pages("data-steward", [["review", "/review"], ["decisions", "/review/decisions"], ["contests", "/review/contests"]]),
  ...pages("auditor", [
    ["unexplained", "/audit/unexplained"],
    ["log", "/audit/log"],
    ["figures", "/audit/figures"],
    ["case-files", "/audit/cases"],
    ["audit-names", "/audit/names"],
    ["audit-grants", "/audit/grants"],
    ["ledger", "/audit/ledger", (page) => page.locator('[data-own="new"]').click()],
  ]),
  ...pages("department", [
    ["feeds", "/feeds"],
    ["feed", "/feeds/lab-results"],
    ["batches", "/feeds/lab-results/batches"],
    ["batch", ofFailed("lab-results", "")],
    ["mend", ofFailed("meter-readings", "/mend")],
    ["mend-lines", ofFailed("gate-scans", "/mend")],
    ["push", "/feeds/lab-results/push"],
    ["profile", "/feeds/lab-results/profile"],
  ]),
  ...pages("resident", [
    ["me", "/me"],
    ["sources", "/me/sources"],
    ["looks", "/me/looks"],
    ["code", "/me/code"],
    ["itinerary", "/me/itinerary"],
    ["take", "/me/take"],
    ["released", "/figures/released"],
  ]),
  ...pages("cdc-analyst", [["drafts", "/figures/work"]]),
  ...pages("privacy-officer", [["names", "/audit/names"], ["marks", "/audit/marks"]]),
  ...pages("operator", [
    ["operations", "/operations/overview"],
    ["quarantine", "/operations/quarantine"],
    ["quarantine-rows", "/operations/quarantine/rows"],
    ["reprocess", "/operations/quarantine/reprocess"],
    ["linkage", "/operations/linkage"],
    ["models", "/operations/models"],
    ["grants", "/operations/grants"],
  ]),
];

/** The address of a page for the visitor who is on it. */
export const addressOf = (one, page) => (typeof one.path === "string" ? one.path : one.path(page));
