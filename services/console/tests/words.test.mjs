/** The words for codes of the log, compared with the codes that the hub writes: a code without words is one that nobody understands. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { transformSync } from "esbuild";

const file = (path) => readFileSync(fileURLToPath(new URL(path, import.meta.url)), "utf8");

/** A table of words, which imports nothing but types. */
async function table(path) {
  const { code } = transformSync(file(path), { loader: "ts" });
  return import(`data:text/javascript,${encodeURIComponent(code)}`);
}

/** The sources below a folder, without their tests. */
function sources(folder) {
  const root = fileURLToPath(new URL(folder, import.meta.url));
  const paths = readdirSync(root, { recursive: true }).filter((path) => path.endsWith(".rs") && !/(^|\/)tests?(\.rs|\/)/.test(path));
  return paths.map((path) => readFileSync(`${root}/${path}`, "utf8")).join("\n");
}

const all = (text, pattern) => [...text.matchAll(pattern)].map(([, code]) => code);

/** The codes of one closed list. */
function closedList(text, name) {
  const [list] = new RegExp(`\\n    ${name} \\{[\\s\\S]*?\\n    \\}\\n`).exec(text) ?? [];
  assert.ok(list, `the hub has a list ${name}`);
  return all(list, /= "([a-z-]+)",/g);
}

/** What is asked for, by the list that access knows and by the names that operators' acts have. */
function actions() {
  const listed = closedList(file("../../../crates/access/src/words.rs"), "Action");
  const asked = all(sources("../../query-api/src"), /without_purpose\([^")]*"([a-z-]+)"/g);
  const acts = all(sources("../../isthmus/src"), /(?:\.give\(\s*|operator_of\([^")]*|on_record\([^)]*?)"([a-z-]+)"/g);
  assert.ok(listed.length > 30 && asked.length > 0 && acts.length > 3, "the patterns still find what they look for");
  return [...new Set([...listed, ...asked, ...acts])];
}

test("every action of the log has words in both languages", async () => {
  const { codesEn, codesZh } = await table("../app/areas/audit/codes.text.ts");
  for (const words of [codesEn.actions, codesZh.actions]) assert.deepEqual(actions().filter((code) => !words[code]), []);
});

test("every action that a resident may be told of has words in both languages", async () => {
  const { en, zh } = await table("../app/areas/me/text.ts");
  const listed = closedList(file("../../../crates/access/src/words.rs"), "Action");
  for (const { looks } of [en, zh]) assert.deepEqual(listed.filter((code) => !looks.action[code]), []);
});

test("every topic of the event log has words in both languages", async () => {
  const { en, zh } = await table("../app/areas/operations/text.ts");
  const topics = all(file("../../../crates/domain/src/event.rs"), /^ {4}\w+ => "([a-z-]+\.[a-z-]+)",/gm);
  assert.ok(topics.length > 10, "the pattern still finds what it looks for");
  for (const { topic } of [en, zh]) assert.deepEqual(topics.filter((name) => !topic[name.replaceAll(".", "-")]), []);
});

test("every reason for a refusal has words in both languages", async () => {
  const { codesEn, codesZh } = await table("../app/areas/audit/codes.text.ts");
  const { PROBLEMS } = await table("../app/parts/problems.text.ts");
  const decided = all(file("../../../crates/access/src/decision.rs"), /Self::\w+ => "([a-z-]+)",/g);
  const problems = all(file("../../query-api/src/problem.rs"), /= \d{3} "([a-z-]+)":/g);
  assert.ok(decided.length > 2 && problems.length > 40, "the patterns still find what they look for");
  for (const [refusals, explained] of [[codesEn.refusals, PROBLEMS.en], [codesZh.refusals, PROBLEMS.zh]]) {
    assert.deepEqual([...decided, ...problems].filter((code) => !refusals[code] && !explained[code]), []);
  }
});

test("every explanation and rule of a weighed look has words in both languages", async () => {
  const { codesEn, codesZh } = await table("../app/areas/audit/codes.text.ts");
  const weigh = file("../../../crates/scrutiny/src/weigh.rs");
  for (const codes of [codesEn, codesZh]) {
    assert.deepEqual(closedList(weigh, "Explanation").filter((code) => !codes.explanations[code]), []);
    assert.deepEqual(closedList(weigh, "Rule").filter((code) => !codes.rules[code]), []);
  }
});
