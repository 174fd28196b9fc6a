// What a person does at the example provider, and what a thief would.
import { once } from "node:events";

/** Ends the browser's session at the provider, which would send it back without a question. */
export const forget = (context) => context.clearCookies({ name: /^provider_/ });

/** Types a name on the provider's page, and continues; without one, cancels. */
export async function atProvider(page, stack, login) {
  await page.waitForURL(`${stack.provider}/**`);
  if (login) await page.getByLabel("Who are you?").fill(login);
  await page.getByRole("button", { name: login ? "Continue" : "Cancel" }).click();
}

/** Keeps the browser from going back to the API, and says with which address it would have. */
export async function heldBack(page, act) {
  const devtools = await page.context().newCDPSession(page);
  const held = once(devtools, "Fetch.requestPaused");
  await devtools.send("Fetch.enable", { patterns: [{ urlPattern: "*/callback?*" }] });
  const acting = act().catch(() => {}); // It waits for a page that does not come.
  const [{ requestId, request }] = await held;
  await devtools.send("Fetch.failRequest", { requestId, errorReason: "Aborted" });
  await devtools.detach();
  await acting;
  return request.url;
}

/** The names of the cookies that a session would be in. */
export const sessionCookies = async (context) => (await context.cookies()).map(({ name }) => name).filter((name) => /access|refresh/.test(name)).sort();
