// Two tabs of a real browser, with tokens in cookies and with tokens in a storage that they share: nothing that happens to a
// page logs anybody out, and the server never sees a token used twice.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { equip, launch, sleepUntil, tab } from "../support/browser.mjs";
import { Proxy } from "../support/proxy.mjs";
import { Stack, until } from "../support/stack.mjs";

const REFRESH = "POST /api/v1/auth/refresh";
/** Short enough to sleep through. */
const GRACE_SECONDS = 1;
const ROUNDS = 50;
/** A document of the app's origin and policy that asks for nothing by itself. */
const QUIET_PAGE = "/app/style.css";

let stack, proxy, browser;
before(async () => {
  stack = await Stack.start("--grace", `${GRACE_SECONDS}`);
  proxy = await Proxy.start(stack.base_url);
  browser = await launch();
  await stack.gatelet("app", "update", stack.applications.web.application_id, "--origin", proxy.url);
  await until(async () => (await fetch(`${proxy.url}/app/`)).ok, 120_000);
});
after(async () => {
  await browser.close();
  proxy.stop();
  await stack.stop();
});

for (const delivery of ["cookie", "body"]) describe(`with ${delivery} delivery`, () => {
  const application = delivery === "cookie" ? "web" : "service";
  let context, one, two, user, audit;

  beforeEach(async () => {
    proxy.heal();
    audit = await stack.audit();
    const options = { apiKey: stack.key(application), delivery, storage: delivery === "body" ? "shared" : undefined };
    context = await browser.newContext();
    context.options = options;
    context.open = () => tab(context, `${proxy.url}${QUIET_PAGE}`, options);
    [one, two] = [await context.open(), await context.open()];
    user = await stack.user(application);
    await one.evaluate((user) => client.signIn(user), user);
    await until(() => two.evaluate(() => client.signedIn()));
    proxy.heal();
  });

  afterEach(async () => {
    for (const page of context.pages()) assert.deepEqual(page.complaints, []);
    await context.close();
    const now = await stack.audit();
    assert.equal(now["refresh.reuse_detected"], audit["refresh.reuse_detected"], "no token was used twice");
  });

  const refresh = (page) => page.evaluate(() => client.refresh());
  const whoami = (page) => page.evaluate(async () => (await client.whoami()).authenticated);
  const ended = (page) => page.evaluate(() => events.includes("sessionEnded"));

  test(`two tabs refresh at the same instant, ${ROUNDS} times`, async () => {
    // In each round, one page's refresh is answered when the other page waits for the lock, or is done.
    let settled = false;
    let [open, most] = [0, 0];
    const waits = () => one.evaluate(async () => (await navigator.locks.query()).pending.length > 0);
    proxy.fault = async (name) => {
      if (name !== REFRESH) return;
      most = Math.max(most, ++open);
      await until(async () => settled || (await waits()));
      open--;
    };
    for (let count = 0; count < ROUNDS; count++) {
      settled = false;
      await Promise.all([one, two].map((page) => refresh(page).then(() => (settled = true))));
    }
    assert.deepEqual(await Promise.all([whoami(one), whoami(two)]), [true, true]);
    assert.ok(proxy.count(REFRESH) >= ROUNDS);
    assert.equal(most, 1, "never two at once");
    assert.deepEqual(await Promise.all([ended(one), ended(two)]), [false, false]);
  });

  test(`two tabs without locks and without BroadcastChannel refresh at the same instant, ${ROUNDS} times`, async () => {
    await context.addInitScript(() => {
      Object.defineProperty(navigator, "locks", { value: undefined });
      delete globalThis.BroadcastChannel;
    });
    const [left, right] = [await context.open(), await context.open()];
    for (let count = 0; count < ROUNDS; count++) await Promise.all([refresh(left), refresh(right)]);
    assert.deepEqual(await Promise.all([whoami(left), whoami(right)]), [true, true]);
    assert.deepEqual(await Promise.all([ended(left), ended(right)]), [false, false]);
  });

  test("an answer that is cut off is asked for again", async () => {
    for (const fault of ["lose", "halve", "refuse"]) {
      proxy.break(REFRESH, fault);
      await refresh(one);
      assert.equal(await whoami(one), true, fault);
    }
    assert.equal(await ended(one), false);
  });

  test("offline, nothing is lost, and back online the session goes on", async () => {
    await context.setOffline(true);
    assert.equal(await one.evaluate(() => client.refresh().catch((error) => error.code)), "network_error");
    assert.equal(await one.evaluate(() => client.whoami().catch((error) => error.code)), "network_error");
    await context.setOffline(false);
    await refresh(one);
    assert.deepEqual(await Promise.all([whoami(one), whoami(two)]), [true, true]);
    assert.equal(await ended(one), false);
  });

  test("a laptop that fell asleep over a refresh wakes past the grace window", async () => {
    // The server has rotated, nobody hears of it, and the page is frozen until the window is over.
    const devtools = await context.newCDPSession(one);
    proxy.break(REFRESH, "lose", Infinity);
    await one.evaluate(() => void (window.under_way = client.refresh().catch((error) => error.code)));
    await until(() => proxy.count(REFRESH) >= 1);
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    await context.setOffline(true);
    const asleep = Date.now();
    await sleepUntil(asleep + (GRACE_SECONDS + 1) * 1000);
    proxy.heal();
    await context.setOffline(false);
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    await one.evaluate(() => window.under_way);
    await refresh(one);
    assert.deepEqual(await Promise.all([whoami(one), whoami(two)]), [true, true]);
    const now = await stack.audit();
    assert.ok((now["refresh.recovered"] ?? 0) > (audit["refresh.recovered"] ?? 0), JSON.stringify(now));
  });

  test("a sign-out in one tab is seen by the other, which sends no more", async () => {
    assert.equal(await whoami(two), true);
    await one.evaluate(() => client.signOut());
    await until(() => ended(two));
    proxy.heal();
    assert.equal(await two.evaluate(() => client.sessions().catch((error) => error.code)), "not_signed_in");
    assert.equal(await two.evaluate(() => client.refresh().catch((error) => error.code)), "not_signed_in");
    assert.deepEqual(proxy.seen, []);
    await two.evaluate((user) => client.signIn(user), user);
    await until(() => one.evaluate(() => client.signedIn()));
    assert.equal(await whoami(one), true);
  });

  test("a session that ends elsewhere ends in both tabs at the next refresh, once", async () => {
    await stack.gatelet("user", "end-sessions", user.user_id);
    const answers = await Promise.all([one, two].map((page) => page.evaluate(() => client.refresh().catch((error) => error.code))));
    assert.ok(answers.every((code) => ["invalid_grant", "not_signed_in"].includes(code)), `${answers}`);
    await until(async () => (await ended(one)) && (await ended(two)));
    for (const page of [one, two]) assert.equal(await page.evaluate(() => events.filter((event) => event === "sessionEnded").length), 1);
    assert.equal(await whoami(one), false);
  });

  test("a reload keeps the session, without asking for it", async () => {
    await one.reload();
    await equip(one, context.options);
    proxy.heal();
    assert.equal(await whoami(one), true);
    assert.deepEqual(proxy.seen, ["GET /api/v1/auth/whoami"]);
  });
});
