// Signing in at a provider in the sample app, in a real browser, with tokens in cookies.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { appIsServed, closeWithoutComplaint, launch, newPage, objections, openApp } from "../support/browser.mjs";
import { atProvider, forget, heldBack, sessionCookies } from "../support/provider.mjs";
import { PASSWORD, Stack } from "../support/stack.mjs";

const API = "/api/v1/auth";

let stack, browser, context, page, login;
before(async () => {
  stack = await Stack.start("--with-provider");
  browser = await launch();
  await appIsServed(stack);
});
beforeEach(async () => {
  context = await browser.newContext();
  page = await open();
  login = `person-${process.pid}-${stack.users++}`;
});
afterEach(() => closeWithoutComplaint(context));
after(async () => {
  await browser.close();
  await stack.stop();
});

const open = (place = context) => openApp(place, stack);

const says = (text, at = page) => at.locator("#who", { hasText: text }).waitFor();
const notice = (text) => page.locator("#notice", { hasText: text }).waitFor();
const leave = (as = login) => atProvider(page, stack, as);
const press = (name) => page.getByRole("button", { name }).click();
const ways = () => page.locator("#identities li").allInnerTexts();
const email = () => `${login}@example.com`;
const whoami = (at = page) => at.evaluate(async ([url, key]) => (await fetch(url, { headers: { "Api-Key": key } })).json(), [`${API}/whoami`, stack.key("web")]);

async function signIn(as = login) {
  await forget(context);
  await press("Continue with the example provider");
  await leave(as);
  await says("Signed in as");
}

async function signUp() {
  await page.getByLabel("Name or e-mail address").fill(login);
  await page.getByLabel("Password").fill(PASSWORD);
  await press("Sign up");
  await says(`Signed in as ${login}`);
}

test("someone signs in at the provider, reloads, gets new tokens, and signs out", async () => {
  await signIn();
  await says(`Signed in as ${email()}`);
  await notice("Welcome.");
  assert.equal(page.url(), `${stack.base_url}/app/`, "nothing is left in the address");
  assert.equal(await page.locator("#items li").count(), 6);
  assert.equal(await page.evaluate(() => sessionStorage.length), 0, "nor in the tab");
  await page.reload();
  await says(`Signed in as ${email()}`);

  const refreshed = page.waitForResponse((response) => response.url().endsWith(`${API}/refresh`) && response.ok());
  await page.evaluate(() => {
    for (const [name, value] of Object.entries(localStorage)) localStorage.setItem(name, JSON.stringify({ ...JSON.parse(value), expiresAt: 0, refreshAt: 0 }));
  });
  await page.reload();
  await refreshed;
  await says(`Signed in as ${email()}`);

  await press("Sign out");
  await says("Nobody is signed in");
  assert.deepEqual(await sessionCookies(context), []);
});

test("the same person is the same user, and another one is not", async () => {
  const keys = [];
  for (const as of [login, `${login}-other`, login]) {
    await signIn(as);
    keys.push((await whoami()).user_key);
    await press("Sign out");
    await says("Nobody is signed in");
  }
  assert.equal(keys[0], keys[2]);
  assert.notEqual(keys[0], keys[1]);
});

test("somebody who is still signed in at the provider comes back at once", async () => {
  await signIn();
  await press("Sign out");
  await says("Nobody is signed in");
  await press("Continue with the example provider");
  await says(`Signed in as ${email()}`);
});

test("whoever signs in as somebody else is shown as them, in every tab", async () => {
  const other = await open();
  await signIn();
  await says(`Signed in as ${email()}`, other);
  await forget(context);
  await page.evaluate(async ([returnTo, clientId, apiKey]) => {
    const { createClient, createProviders } = await import("/app/client/index.js");
    const client = createClient({ baseUrl: location.origin, apiKey, delivery: "cookie" });
    await createProviders(client, { clientId }).signIn("example", { returnTo });
  }, [`${stack.base_url}/app/`, stack.applications.web.application_id, stack.key("web")]);
  await leave(`${login}-other`);
  await says(`Signed in as ${login}-other@example.com`);
  await says(`Signed in as ${login}-other@example.com`, other);
});

test("somebody who cancels is told so, and is not signed in", async () => {
  await press("Continue with the example provider");
  await leave(null);
  await notice("The sign-in was cancelled. Nothing has changed.");
  await says("Nobody is signed in");
  assert.equal(page.url(), `${stack.base_url}/app/`);
  assert.deepEqual(await sessionCookies(context), []);
  await page.reload();
  await says("Nobody is signed in");
  assert.equal(await page.locator("#notice").innerText(), "");
});

test("somebody who comes back with the browser's button can begin again", async () => {
  await press("Continue with the example provider");
  await page.waitForURL(`${stack.provider}/**`);
  await page.goBack();
  await says("Nobody is signed in");
  await signIn();
  await says(`Signed in as ${email()}`);
});

test("a user with a password links the provider, signs in there, and removes it", async () => {
  await signUp();
  await forget(context);
  const { user_key: key } = await whoami();
  assert.deepEqual(await ways(), ["Your password"]);
  await press("Link the example provider");
  await leave();
  await notice("From now on, that signs you in too.");
  assert.equal(await page.evaluate(() => document.activeElement.id), "ways-title");
  assert.equal((await ways()).length, 2);
  assert.match((await ways())[1], new RegExp(`^${email()} at the example provider`));
  await press("Sign out");
  await says("Nobody is signed in");
  await signIn();
  assert.equal((await whoami()).user_key, key);
  await says(`Signed in as ${login}`);
  await press(`Remove: ${email()}`);
  await notice("That does not sign you in any more.");
  assert.deepEqual(await ways(), ["Your password"]);
});

test("the only way to sign in stays, in plain words", async () => {
  await signIn();
  await press(`Remove: ${email()}`);
  await notice("This is your only way to sign in, so it stays. Link another one first.");
  assert.equal((await ways()).length, 1);
  await forget(context);
  await press("Link the example provider");
  await leave(`${login}-second`);
  await notice("From now on, that signs you in too.");
  await press(`Remove: ${email()}`);
  await notice("That does not sign you in any more.");
  assert.match((await ways()).join(), new RegExp(`^${login}-second@example.com`));
});

test("what signs in somebody else is not linked", async () => {
  await signIn();
  await press("Sign out");
  await says("Nobody is signed in");
  await signIn(`${login}-other`);
  await forget(context);
  await press("Link the example provider");
  await leave();
  await notice("That already signs in somebody else.");
  await says(`Signed in as ${login}-other@example.com`);
  assert.equal((await ways()).length, 1);
});

test("who has typed localhost gets to where a provider sends them back", async () => {
  await page.goto(`${stack.base_url.replace("127.0.0.1", "localhost")}/app/`);
  await page.waitForURL(`${stack.base_url}/app/`);
  await signIn();
  await says(`Signed in as ${email()}`);
});

test("another browser can't finish a sign-in, and the one that began it still can", async () => {
  await press("Continue with the example provider");
  const callback = await heldBack(page, () => leave());
  const elsewhere = await browser.newContext();
  const thief = await elsewhere.newPage();
  // It has a secret of its own, as every browser that signs in has.
  await thief.goto(`${stack.base_url}/app/`);
  await thief.getByRole("button", { name: "Continue with the example provider" }).click();
  await thief.waitForURL(`${stack.provider}/**`);
  assert.equal((await thief.goto(callback)).status(), 400);
  assert.deepEqual(await sessionCookies(elsewhere), []);
  await thief.goto(`${stack.base_url}/app/`);
  await says("Nobody is signed in", thief);
  await elsewhere.close();

  await page.goto(callback);
  await says(`Signed in as ${email()}`);
  assert.equal((await page.goto(callback)).status(), 400, "once");
});

test("an address that this tab has not asked for is refused, and nothing is sent", async () => {
  const requests = [];
  page.on("request", (request) => requests.push(`${request.method()} ${new URL(request.url()).pathname}`));
  for (const query of ["?state=x", "?error=access_denied&state=x", `?code=x&iss=x&state=x`]) {
    await page.goto(`${stack.base_url}/app/${query}`);
    await notice("This sign-in was not begun in this tab, or it is over. Please start again.");
    await says("Nobody is signed in");
    assert.equal(page.url(), `${stack.base_url}/app/`);
  }
  assert.deepEqual(requests.filter((request) => /exchange|identities/.test(request)), []);
});

test("on a phone and on a desk, in light and dark, there is nothing to object for a screen reader", async () => {
  for (const signedIn of [false, true]) {
    if (signedIn) await signIn();
    for (const width of [360, 1280]) for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height: 760 });
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await objections(page), [], `${colorScheme}, ${width} wide, ${signedIn ? "signed in" : "anonymous"}`);
    }
  }
});
