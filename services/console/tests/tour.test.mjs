/** The tour of the README, as somebody walks it who knows nothing else: a person is found, a link explained, a receipt verified. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BASE, launch, visitor } from "./browser.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

test("the tour of the README leads where it says", async () => {
  const page = await visitor(browser);
  await page.goto(`${BASE}/`);

  // Find a person.
  await page.getByRole("button", { name: "Enter as Disease control" }).click();
  await page.getByLabel("Case").fill("CASE-2022-0001");
  await page.getByRole("button", { name: "Begin" }).click();
  await page.locator('a[href^="/control/cases/"]').first().click();
  await page.locator("a[aria-current=page]", { hasText: "Itinerary" }).waitFor();
  await page.getByRole("link", { name: "Person file" }).click();
  await page.locator("[data-provenance]").first().waitFor();
  const receipt = await page.locator("[data-receipt]").first().getAttribute("data-receipt");
  const index = Number(receipt.split("-")[0]);

  // Explain a link.
  await page.getByRole("link", { name: "Why linked" }).or(page.getByRole("tab", { name: "Why linked" })).click();
  await page.locator("[data-waterfall]").first().waitFor();
  await page.getByText("Weight of the link").first().waitFor();

  // Verify a receipt: the roles are behind the arrow at the top right.
  await page.getByLabel("Sign out", { exact: true }).click();
  await page.getByRole("button", { name: "Enter as Auditor" }).click();
  await page.getByRole("link", { name: "Log", exact: true }).click();
  await page.getByRole("button", { name: `Open entry ${index}`, exact: true }).click();
  await page.getByRole("button", { name: "Verify this entry" }).click();
  await page.locator('[data-verdict="verified"]').waitFor();
  const text = page.getByTestId("receipt");
  const given = await text.inputValue();
  const at = given.indexOf('"', given.indexOf('"proof"') + 9) + 4;
  await text.fill(given.slice(0, at) + (given[at] === "A" ? "B" : "A") + given.slice(at + 1));
  await page.getByRole("button", { name: "Verify", exact: true }).click();
  await page.locator('[data-verdict="failed"]').waitFor();
  await page.getByText(/^Not verified: /).waitFor();
  assert.deepEqual(page.complaints, []);
});
