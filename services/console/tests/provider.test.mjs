/** Signing in at an OpenID provider that is not ours, in a browser. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, visitor } from "./browser.mjs";

const root = new URL("../../../", import.meta.url).pathname;
const home = mkdtempSync(join(tmpdir(), "isthmus-provider-"));
// The database of a hub that root starts runs under another account, which must get through.
chmodSync(home, 0o711);
const children = [];
let browser;
let address;

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

async function answers(url) {
  for (let tries = 0; tries < 240; tries++) {
    const response = await fetch(url).catch(() => null);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`${url} does not answer`);
}

before(async () => {
  const [http, mllp, provider] = [await freePort(), await freePort(), await freePort()];
  address = `http://127.0.0.1:${http}`;
  const issuer = `http://127.0.0.1:${provider}`;
  const back = `${address}/session/provider/back`;
  const env = { ...process.env, OIDC_PROVIDER: process.env.OIDC_PROVIDER ?? join(root, "target/oidc") };
  children.push(spawn(process.execPath, [join(root, ".ci/oidc/provider.mjs"), String(provider), "key-1", back], { env, stdio: "ignore" }));
  writeFileSync(join(home, "secret"), "a secret of the test only\n");
  writeFileSync(
    join(home, "isthmus.toml"),
    `data_dir = "${home}/data"\nhttp_listen = "127.0.0.1:${http}"\nmllp_listen = "127.0.0.1:${mllp}"\n` +
      `[oidc]\nissuer = "${issuer}"\naudience = "isthmus"\norganisation = "city-cdc"\n` +
      `[oidc.login]\nclient_id = "console"\nclient_secret_file = "${home}/secret"\nredirect_uri = "${back}"\n` +
      `resource = "urn:isthmus"\nscope = "openid offline_access"\n`,
  );
  await answers(`${issuer}/.well-known/openid-configuration`);
  children.push(spawn(process.env.ISTHMUS_BINARY, ["serve", "--config", join(home, "isthmus.toml")], { stdio: ["ignore", "ignore", "inherit"] }));
  await answers(`${address}/readyz`);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  for (const child of children) {
    child.kill("SIGINT");
    if (child.exitCode === null) await once(child, "exit");
  }
  rmSync(home, { recursive: true, force: true });
});

test("staff sign in at their provider and come back with the role that it gives them", async () => {
  const page = await visitor(browser);
  await page.goto(`${address}/`);
  assert.equal(await page.locator("[data-role]").count(), 0, "there are no demo roles outside of the demo");
  await signIn(page);
  await page.getByText("Disease control").first().waitFor();
  const cookies = await page.context().cookies(address);
  const session = cookies.find(({ name }) => name === "__Host-isthmus-session");
  assert.deepEqual([session.httpOnly, session.secure, session.sameSite], [true, true, "Strict"]);
});

/** Signs in at the provider, from the page that is open. */
async function signIn(page) {
  await page.getByText("Sign in with your organisation").click();
  await page.locator("input[name=login]").fill("tracer-9");
  await page.locator("input[name=password]").fill("anything");
  await page.locator("button[type=submit]").click();
  await page.waitForURL(/consent|interaction/);
  await page.locator("button[type=submit]").click();
  await page.getByText("What are you working on?").waitFor();
}

test("who asked for a page comes back to it from the provider, and to nowhere else", async () => {
  const page = await visitor(browser);
  await page.goto(`${address}/control/townships`);
  await signIn(page);
  assert.equal(new URL(page.url()).pathname, "/control/townships");
  for (const elsewhere of ["//evil.example/", "https://evil.example/", "/session", "/control/../session", "/control?to=//evil.example/", "//evil.example/?/control", "?/control", "/control?a=%22;b", "%2F%2Fevil.example", "/control?a&to=/session"]) {
    const left = await fetch(`${address}/session/provider?to=${elsewhere}`, { redirect: "manual" });
    const kept = left.headers.getSetCookie().find((cookie) => cookie.includes("isthmus-return="));
    assert.match(kept, /isthmus-return=\/;/, elsewhere);
  }
});

test("what was asked of the page is still asked after the way over the provider", async () => {
  const page = await visitor(browser);
  const asked = "/control?status=all&cluster=JJ%201%2F%3Ca%3E&known_at=2022-03-14T00%3A00%3A00.000Z";
  await page.goto(`${address}${asked}`);
  await signIn(page);
  const { pathname, search } = new URL(page.url());
  assert.equal(pathname + search, asked);
});

test("a way back that this browser did not begin opens nothing", async () => {
  const page = await visitor(browser);
  const response = await page.goto(`${address}/session/provider/back?code=stolen&state=invented`);
  assert.equal(response.status(), 401);
  assert.equal((await (await fetch(`${address}/session`)).json()).signed_in, false);
});
