/** Runs the browser tests on a demo of its own: `node run.mjs BINARY [FILE...]`. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startDemo } from "./hub.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const [binary, ...chosen] = process.argv.slice(2);
const files = readdirSync(here).filter((name) => name.endsWith(".test.mjs") && (chosen.length === 0 || chosen.includes(basename(name))));

const demo = await startDemo(binary);
const words = ["--test", "--test-concurrency=1", "--test-reporter=spec", ...files.map((name) => join(here, name))];
const { status } = spawnSync(process.execPath, words, { stdio: "inherit", env: { ...process.env, CONSOLE_URL: demo.address, ISTHMUS_BINARY: binary } });
await demo.stop();
process.exit(status ?? 1);
