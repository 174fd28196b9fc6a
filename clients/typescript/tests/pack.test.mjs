// What would be published.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MODULES = ["api", "axios", "client", "errors", "index", "openapi", "providers", "retry", "session", "storage", "tabs"];

test("the package holds the module, its types and what a reader needs, and depends on nothing", async () => {
  const { stdout } = await promisify(execFile)("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: ROOT });
  const [pack] = Object.values(JSON.parse(stdout));
  const modules = MODULES.flatMap((name) => [`dist/${name}.d.ts`, `dist/${name}.js`]);
  assert.deepEqual(pack.files.map((file) => file.path).sort(), ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json", ...modules].sort());
  const manifest = JSON.parse(await readFile(`${ROOT}package.json`, "utf8"));
  assert.deepEqual([manifest.dependencies, manifest.peerDependencies, manifest.sideEffects], [undefined, undefined, false]);
});
