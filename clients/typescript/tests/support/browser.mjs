// Debian's Chromium, with profiles that are gone afterwards.
import { chromium } from "playwright-core";

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

/** A tab at `url` with a client in it, `window.client`, and what it does in `window.events`. Whatever the page complains of is kept. */
export async function tab(context, url, options) {
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("console", (message) => /Content Security Policy/.test(message.text()) && page.complaints.push(message.text()));
  await page.goto(url);
  await equip(page, options);
  return page;
}

/** Gives the page a client. `options.storage` is the name of a storage below. */
export async function equip(page, options) {
  await page.evaluate(async ({ storage, ...options }) => {
    const { createClient } = await import("/app/client/index.js");
    const shared = {
      get: () => JSON.parse(localStorage.getItem("tokens") ?? "null") ?? undefined,
      set: (tokens) => localStorage.setItem("tokens", JSON.stringify(tokens)),
    };
    window.events = [];
    window.client = createClient({ baseUrl: location.origin, ...options, storage: storage === "shared" ? shared : undefined });
    for (const event of ["signedIn", "refreshed", "sessionEnded"]) client.on(event, () => events.push(event));
  }, options);
}

/** The server's clock has come this far: what a sleeping laptop waits for. */
export async function sleepUntil(time) {
  while (Date.now() < time) await new Promise((resolve) => setTimeout(resolve, Math.min(100, Math.max(1, time - Date.now()))));
}
