/** Writes the OpenAPI document that the hub serves to `schemas/openapi.json`, from which the client of the console is made. */
import { writeFileSync } from "node:fs";
import { startDemo } from "./hub.mjs";

const demo = await startDemo(process.argv[2], { residents: 50, days: 2 });
const document = await (await fetch(`${demo.address}/openapi.json`)).json();
writeFileSync(new URL("../../../schemas/openapi.json", import.meta.url), `${JSON.stringify(document, null, 2)}\n`);
await demo.stop();
