// The same page in every browser engine that is installed: what Chromium alone would not show.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Proxy } from "../support/proxy.mjs";
import { Stack, until } from "../support/stack.mjs";

const ROUNDS = 50;
const PAGE = await readFile(new URL("engine.html", import.meta.url), "utf8");
const FRAME = '<!doctype html><script type="module">import * as module from "/app/client/index.js"; parent.ready(module);</script>';
const MINI_BROWSER = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";

/** How each engine is started at an address, with a profile that is gone afterwards. */
const ENGINES = {
  Chromium: { program: process.env.CHROMIUM || "/usr/bin/chromium", command: (program, url, profile) => [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--remote-debugging-port=0", `--user-data-dir=${profile}`, url] },
  Firefox: { program: "/usr/bin/firefox-esr", command: (program, url, profile) => [program, "--headless", "--no-remote", "--profile", profile, url] },
  WebKit: { program: MINI_BROWSER, command: (program, url) => ["xvfb-run", "--auto-servernum", program, "--private", url] },
};

let stack, proxy;
before(async () => {
  stack = await Stack.start();
  proxy = await Proxy.start(stack.base_url);
  await stack.gatelet("app", "update", stack.applications.web.application_id, "--origin", proxy.url);
  await until(async () => (await fetch(`${proxy.url}/app/`)).ok, 120_000);
});
after(async () => {
  proxy.stop();
  await stack.stop();
});

for (const [name, { program, command }] of Object.entries(ENGINES)) {
  const missing = await access(program).then(() => false, () => `${program} is not there`);
  test(`${name} refreshes in two documents at once, ${ROUNDS} times, and sees a sign-out`, { skip: missing }, async () => {
    const settings = { apiKey: stack.key("web"), credentials: await stack.user("web"), rounds: ROUNDS };
    let report;
    proxy.fault = async (request, message) => {
      const page = { "GET /engine/": PAGE, "GET /engine/frame": FRAME }[request];
      if (page) return { status: 200, headers: { "Content-Type": "text/html" }, body: page };
      if (request === "GET /engine/settings.json") return { status: 200, body: JSON.stringify(settings) };
      if (request !== "POST /engine/report") return undefined;
      const chunks = [];
      for await (const chunk of message) chunks.push(chunk);
      report = JSON.parse(Buffer.concat(chunks));
      return { status: 200, body: "{}" };
    };
    const profile = await mkdtemp(join(tmpdir(), "gatelet-profile-"));
    const [file, ...args] = command(program, `${proxy.url}/engine/`, profile);
    const env = { ...process.env, HOME: profile, MOZ_HEADLESS: "1", WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" };
    const browser = spawn(file, args, { env, stdio: "ignore", detached: true });
    try {
      await until(() => report, 120_000, browser);
    } finally {
      process.kill(-browser.pid, "SIGKILL");
      await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    }
    console.log(report.agent, report.locks ? "with locks" : "without locks");
    const { signedIn, endedBefore, after, events, error } = report;
    assert.equal(error, undefined);
    assert.deepEqual({ signedIn, endedBefore, after }, { signedIn: true, endedBefore: false, after: { authenticated: false } });
    assert.deepEqual(events.sort(), ["refreshed", "sessionEnded", "signedIn"]);
    assert.equal((await stack.audit())["refresh.reuse_detected"], undefined);
  });
}
