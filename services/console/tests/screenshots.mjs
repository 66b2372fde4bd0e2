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
const { addressOf, CASE, PAGES } = await import("./pages.mjs");

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
        if (role) await enter(page, role, { caseReference: role === "cdc-tracer" ? CASE : undefined });
      }
      await page.goto(`${BASE}${await addressOf(shot, page)}`);
      await page.locator("h1").first().waitFor();
      await shot.act?.(page);
      // A busy machine takes a while; what is still empty then is a finding.
      await page.waitForFunction(() => !document.querySelector(".ant-skeleton, .ant-spin-spinning"), undefined, { timeout: 60_000 }).catch(() => console.log(`${shot.name}: still loading`));
      await page.waitForTimeout(600);
      if (isReadme && shot.name === "case") await page.locator("[data-part=timeline]").evaluate((part) => window.scrollTo(0, part.getBoundingClientRect().top + scrollY - 330));
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
