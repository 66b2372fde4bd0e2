/** A demo hub for the browser tests and the pictures: the binary, on free ports, in a folder that goes away. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Starts `isthmus demo`; resolves when its roles can be chosen, to its address and a way to stop it. */
export async function startDemo(binary, { residents = 1500, days = 14, seed = 7, quiet = true } = {}) {
  const words = ["demo", "--residents", residents, "--days", days, "--seed", seed, "--http", "127.0.0.1:0", "--mllp", "127.0.0.1:0"];
  const child = spawn(binary, words.map(String), { stdio: ["ignore", "pipe", "inherit"] });
  const address = await new Promise((resolve, reject) => {
    let found;
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => {
      if (!quiet) console.log(line);
      found ??= /The hub is up: (http:\/\/[0-9.:]+)/.exec(line)?.[1];
      if (line.includes("Stop with Ctrl-C")) resolve(found);
    });
    child.on("exit", (code) => reject(new Error(`the demo ended with ${code}`)));
  });
  const stop = () =>
    new Promise((resolve) => {
      child.removeAllListeners("exit");
      child.on("exit", resolve);
      child.kill("SIGINT");
    });
  return { address, stop };
}
