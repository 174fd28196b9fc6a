// The module in places that have less than a browser: a server that renders pages, a worker, an old runtime.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

const MODULE = new URL("../dist/index.js", import.meta.url).href;
const TIMEOUT_MS = 30_000;

/** Runs a program in a process of its own, which must end by itself. */
async function run(program) {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], { timeout: TIMEOUT_MS });
  return stdout.trim();
}

const USE = `const client = createClient({ baseUrl: "http://127.0.0.1:1", apiKey: "pk_x", delivery: "cookie" });
  client.on("sessionEnded", () => {}); await client.signedIn().catch((error) => console.log(error.code));`;

test("importing it touches no global, and a client keeps no process alive", async () => {
  const touched = `const touched = [];
    for (const name of ["fetch", "navigator", "location", "localStorage", "BroadcastChannel", "document", "window", "AbortSignal", "addEventListener"])
      Object.defineProperty(globalThis, name, { configurable: true, get() { touched.push(name); return undefined; } });
    await import(${JSON.stringify(MODULE)}); console.log(touched.length);`;
  assert.equal(await run(touched), "0");
  assert.equal(await run(`import { createClient } from ${JSON.stringify(MODULE)}; ${USE}`), "network_error");
});

test("a server's clients are no neighbours of each other", async () => {
  const program = `import { createClient } from ${JSON.stringify(MODULE)};
    globalThis.BroadcastChannel = class { constructor() { console.log("a channel"); } };
    for (let count = 0; count < 3; count++) createClient({ baseUrl: "http://127.0.0.1:1", delivery: "body" });`;
  assert.equal(await run(program), "");
});

test("without BroadcastChannel and locks it works as well", async () => {
  const program = `import { createClient } from ${JSON.stringify(MODULE)}; delete globalThis.BroadcastChannel; delete globalThis.navigator; ${USE}`;
  assert.equal(await run(program), "network_error");
});
