/**
 * A real browser for the tests and the screenshots. Addresses and the folder of pictures come from the environment:
 * `CONSOLE_URL` is a running demo, `CHROMIUM` another binary than Debian's.
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const BASE = process.env.CONSOLE_URL ?? "http://127.0.0.1:8080";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const BINARIES = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export async function launch() {
  const executablePath = BINARIES.find((path) => path && existsSync(path));
  if (!executablePath) throw new Error("no Chromium: apt-get install chromium, or name one in CHROMIUM");
  return chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

/**
 * A fresh visitor, who asks for no motion: a click on what still moves may be lost. Whatever the browser complains of, and
 * each address outside of the hub, is kept in `page.complaints`.
 */
export async function visitor(browser, { locale = "en-GB", width = 1280, height = 900, colorScheme = "light", reducedMotion = "reduce" } = {}) {
  const context = await browser.newContext({ locale, viewport: { width, height }, colorScheme, reducedMotion, timezoneId: "Asia/Shanghai", acceptDownloads: true });
  const page = await context.newPage();
  page.complaints = [];
  page.on("console", (message) => message.type() === "error" && page.complaints.push(message.text()));
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(BASE) && !url.startsWith("data:") && !url.startsWith("blob:")) page.complaints.push(`asked elsewhere: ${url}`);
  });
  return page;
}

/** Signs in with a role of the demo, and states what it works on. */
export async function enter(page, role, { path = "/", caseReference } = {}) {
  await page.goto(`${BASE}/`);
  await page.locator(`[data-role="${role}"]`).click();
  await page.locator(".shell-header [aria-label='Sign out'], .shell-header [aria-label='退出']").waitFor();
  const asks = page.locator("form input#caseReference");
  if (caseReference) {
    await asks.fill(caseReference);
    await page.locator("form button[type=submit]").click();
  } else if (role === "community-worker") {
    await page.locator("form button[type=submit]").click();
  }
  if (path !== "/") await page.goto(`${BASE}${path}`);
  await page.locator("main, #content").first().waitFor();
  return page;
}

/** Types a day or a minute into a field, as `2022-03-01` or `2022-03-01 08:30`. */
export async function typeDay(field, text) {
  await field.fill(text);
  await field.press("Tab");
}

/**
 * What axe finds serious or critical, as short texts. The script is evaluated, not inserted: the content security policy of
 * the page forbids what is inserted.
 */
export async function axe(page) {
  // Colours on their way to other colours are neither.
  await page.evaluate(() => Promise.race([Promise.allSettled(document.getAnimations().map((one) => one.finished)), new Promise((done) => setTimeout(done, 1500))]));
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const grave = found.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return grave.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(" | ")}`);
}
