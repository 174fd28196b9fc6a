// A local stack of a test file's own: the real functions, and everything that they write down.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
/** The stack may have to be compiled first. */
const START_MS = 20 * 60_000;

export const PASSWORD = "nine teal kettles sing";

export class Stack {
  static async start(...options) {
    const folder = await mkdtemp(join(tmpdir(), "gatelet-client-"));
    const [ready, log] = [join(folder, "ready.json"), join(folder, "functions.log")];
    const unthrottled = ["SignInsPerSource", "RegistrationsPerSource"].flatMap((name) => ["--parameter", `${name}=1000000`]);
    const args = ["dev", "--port", "0", "--exit-with-stdin", "--ready-file", ready, "--log-file", log, ...unthrottled, ...options];
    const child = spawn("cargo", args, { cwd: ROOT, env: environment(), stdio: ["pipe", "ignore", "inherit"] });
    const stack = new Stack(child, folder, log);
    Object.assign(stack, JSON.parse(await until(() => readFile(ready, "utf8").catch(() => undefined), START_MS, child)));
    return stack;
  }

  constructor(child, folder, log) {
    Object.assign(this, { child, folder, log, users: 0 });
  }

  async stop() {
    const gone = this.child.exitCode ?? once(this.child, "exit");
    this.child.stdin.end();
    await gone;
    await rm(this.folder, { recursive: true });
  }

  /** Administers the stack, as an operator does. */
  async gatelet(...args) {
    const env = { ...environment(), AWS_ENDPOINT_URL_DYNAMODB: this.dynamodb_endpoint };
    return (await promisify(execFile)("cargo", ["gatelet", ...args], { cwd: ROOT, env })).stdout;
  }

  key(application) {
    return this.applications[application].publishable_key;
  }

  /** The credentials of a new account. */
  async user(application) {
    const credentials = { user_id: `user-${process.pid}-${this.users++}`, user_secret: PASSWORD };
    const headers = { "Api-Key": this.key(application), "Content-Type": "application/json" };
    const answer = await fetch(`${this.base_url}/api/v1/auth/register`, { method: "POST", headers, body: JSON.stringify(credentials) });
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    return credentials;
  }

  /** What the audit log says of refreshes, as counts by event. */
  async audit() {
    const lines = (await readFile(this.log, "utf8")).split("\n").filter((line) => line.includes('"type":"audit"'));
    const counts = {};
    for (const line of lines) {
      const { event } = JSON.parse(line.slice(line.indexOf("{")));
      counts[event] = (counts[event] ?? 0) + 1;
    }
    return counts;
  }
}

/** The developer's environment, without what would lead to another deployment. */
function environment() {
  const ours = Object.entries(process.env).filter(([name]) => !/^(AWS|GATELET)_/.test(name));
  return { ...Object.fromEntries(ours), no_proxy: "127.0.0.1" };
}

/** What `look` finds, once it finds something. */
export async function until(look, milliseconds = 30_000, child = undefined) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (child && child.exitCode !== null) throw new Error(`the stack exited with ${child.exitCode}`);
    if (Date.now() > end) throw new Error(`not within ${milliseconds} ms: ${look}`);
    await pause(20);
  }
}
