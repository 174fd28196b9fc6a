// Debian's Chromium, with profiles that are gone afterwards.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { until } from "./stack.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const ARGUMENTS = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-gpu",
  "--disable-quic",
  "--disable-sync",
  "--no-first-run",
  "--no-sandbox",
];

/** Starts the browser that `CHROMIUM` names, or the system's. */
export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ARGUMENTS });
}

/** A new page. Whatever it complains of is kept. */
export async function newPage(context) {
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("console", (message) => /Content Security Policy/.test(message.text()) && page.complaints.push(message.text()));
  return page;
}

/** Waits for the sample app of a stack, which is compiled when it is first asked for. */
export function appIsServed(stack) {
  return until(async () => (await fetch(`${stack.base_url}/app/`)).ok, 120_000);
}

/** The sample app, once it shows something. */
export async function openApp(context, stack) {
  const page = await newPage(context);
  await page.goto(`${stack.base_url}/app/`);
  await page.locator("#items li").first().waitFor();
  return page;
}

/** Closes the context, of whose pages none has complained. */
export async function closeWithoutComplaint(context) {
  for (const page of context.pages()) assert.deepEqual(page.complaints, []);
  await context.close();
}

/** A tab at `url` with a client in it, `window.client`, and what it does in `window.events`. */
export async function tab(context, url, options) {
  const page = await newPage(context);
  await page.goto(url);
  await equip(page, options);
  return page;
}

/** Gives the page a client, and its providers. `options.storage` is the name of a storage below. */
export async function equip(page, options) {
  await page.evaluate(async ({ storage, clientId, ...options }) => {
    const { createClient, createProviders } = await import("/app/client/index.js");
    const shared = {
      get: () => JSON.parse(localStorage.getItem("tokens") ?? "null") ?? undefined,
      set: (tokens) => localStorage.setItem("tokens", JSON.stringify(tokens)),
    };
    window.events = [];
    window.client = createClient({ baseUrl: location.origin, ...options, storage: storage === "shared" ? shared : undefined });
    window.providers = createProviders(client, { clientId });
    for (const event of ["signedIn", "refreshed", "sessionEnded"]) client.on(event, () => events.push(event));
  }, options);
}

/** What a screen reader would have to object to, and by how many pixels the page is too wide. */
export async function objections(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => axe.run());
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  return [...violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`), ...(overflow > 0 ? [`${overflow} pixels too wide`] : [])];
}

/** The server's clock has come this far: what a sleeping laptop waits for. */
export async function sleepUntil(time) {
  while (Date.now() < time) await new Promise((resolve) => setTimeout(resolve, Math.min(100, Math.max(1, time - Date.now()))));
}
