// What must not end a session: lost answers, servers that are busy or gone, two pages at once. And what must.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClient, GateletError, memoryStorage } from "../dist/index.js";
import { Proxy } from "./support/proxy.mjs";
import { Stack, until } from "./support/stack.mjs";

const REFRESH = "POST /api/v1/auth/refresh";

let stack, proxy;
before(async () => {
  stack = await Stack.start();
  proxy = await Proxy.start(stack.base_url);
});
after(async () => {
  proxy.stop();
  await stack.stop();
});

function client(storage) {
  return createClient({ baseUrl: proxy.url, apiKey: stack.key("service"), delivery: "body", storage });
}

/** A page that has signed in, whose access token has just expired. */
async function page() {
  proxy.heal();
  const storage = memoryStorage();
  const it = client(storage);
  const user = await stack.user("service");
  await it.signIn(user);
  const expire = () => storage.set({ ...storage.get(), accessToken: "expired.access.token", expiresAt: Date.now(), refreshAt: 0 });
  expire();
  let ends = 0;
  it.on("sessionEnded", () => ends++);
  proxy.heal();
  return { it, storage, user, expire, ends: () => ends };
}

const BREAKS = {
  "an answer that is lost": "lose",
  "half an answer": "halve",
  "a connection that is refused": "refuse",
  "408": { status: 408 },
  "429 with Retry-After": { status: 429, headers: { "Retry-After": "1" } },
  "500 of a function that crashed": { status: 500 },
  "502 of a proxy": { status: 502, body: "<html>Bad Gateway</html>" },
  "503 with Retry-After as a date": { status: 503, headers: { "Retry-After": new Date(Date.now() + 1000).toUTCString() } },
};

for (const [what, fault] of Object.entries(BREAKS)) {
  test(`${what} is repeated, and the session goes on`, async () => {
    const { it, ends } = await page();
    proxy.break(REFRESH, fault);
    const began = Date.now();
    assert.equal((await it.whoami()).authenticated, true);
    assert.deepEqual(proxy.seen, [REFRESH, REFRESH, "GET /api/v1/auth/whoami"]);
    assert.equal(ends(), 0);
    if (fault.headers?.["Retry-After"] === "1") assert.ok(Date.now() - began >= 1000, "it waited as it was asked to");
  });
}

test("while nothing answers, each request says so, and the first afterwards goes on with the session", async () => {
  const { it, storage, ends } = await page();
  const before = storage.get();
  proxy.break(REFRESH, "lose", Infinity);
  await assert.rejects(it.whoami(), (error) => error instanceof GateletError && error.code === "network_error");
  assert.equal(proxy.count(REFRESH), 4, "a bounded number of tries");
  assert.equal(storage.get().refreshToken, before.refreshToken);
  proxy.heal();
  assert.equal((await it.whoami()).authenticated, true);
  assert.notEqual(storage.get().refreshToken, before.refreshToken);
  assert.equal(ends(), 0);
});

test("whoever is told to wait for long is told so at once", async () => {
  const { it, ends } = await page();
  proxy.break(REFRESH, { status: 429, headers: { "Retry-After": "600" } }, Infinity);
  await assert.rejects(it.whoami(), (error) => error.status === 429 && error.retryAfter === 600);
  assert.equal(proxy.count(REFRESH), 1);
  assert.equal(ends(), 0);
});

test("a refusal that is no end of the session is told and not repeated", async () => {
  const refusals = [
    { status: 400, body: '{"code":"invalid_request","detail":"no"}' },
    { status: 401, body: '{"code":"invalid_api_key","detail":"no"}' },
    { status: 401, body: "<html>Please sign in to the proxy</html>" },
    { status: 403, body: '{"code":"origin_not_allowed","detail":"no"}' },
    { status: 404 },
    { status: 200, body: '{"welcome":"to this hotel"}' },
    // Only the two together are definite.
    { status: 400, body: '{"code":"invalid_grant","detail":"no"}' },
  ];
  for (const fault of refusals) {
    const { it, storage, ends } = await page();
    proxy.break(REFRESH, fault);
    await assert.rejects(it.whoami(), (error) => error instanceof GateletError && error.status === fault.status);
    assert.deepEqual([proxy.count(REFRESH), ends()], [1, 0]);
    assert.ok(storage.get().refreshToken);
    assert.equal((await it.whoami()).authenticated, true);
  }
});

test("a definite end is told once, and no more requests follow", async () => {
  const { it, storage, ends } = await page();
  const other = client(memoryStorage());
  await other.signOut(); // Nothing to sign out: no request.
  assert.deepEqual(proxy.seen, []);
  const twin = client({ get: () => storage.get(), set: () => {} });
  await twin.signOut();
  proxy.heal();
  const answers = await Promise.allSettled([it.tokenInfo(), it.sessions(), it.fetch(`${proxy.url}/orders`)]);
  assert.deepEqual(answers.map((answer) => answer.reason.code), ["invalid_grant", "invalid_grant", "invalid_grant"]);
  assert.deepEqual(proxy.seen, [REFRESH]);
  for (const ask of [() => it.tokenInfo(), () => it.sessions(), () => it.refresh()]) {
    await assert.rejects(ask(), (error) => error.code === "not_signed_in");
  }
  assert.deepEqual(proxy.seen, [REFRESH]);
  await until(() => ends() === 1);
  // What anybody may see can still be seen.
  assert.deepEqual(await it.whoami(), { authenticated: false });
  assert.equal((await it.fetch(`${proxy.url}/catalogue`)).status, 200);
  assert.equal(proxy.count(REFRESH), 1);
});

test("two pages with one storage and without locks refresh at the same time, fifty times", async () => {
  const { it, storage, expire, ends } = await page();
  const other = client(storage);
  for (let round = 0; round < 50; round++) {
    expire();
    const [one, two] = await Promise.all([it.whoami(), other.whoami()]);
    assert.ok(one.authenticated && two.authenticated, `round ${round}`);
  }
  assert.equal(ends(), 0);
  const audit = await stack.audit();
  assert.equal(audit["refresh.reuse_detected"], undefined, JSON.stringify(audit));
});

test("a refresh that comes back late undoes neither a sign-in nor a sign-out", async () => {
  for (const meanwhile of ["signIn", "signOut"]) {
    const { it, storage, user } = await page();
    // Another page with the same storage, in a place without locks.
    const other = client(storage);
    let release;
    const held = new Promise((resolve) => (release = resolve));
    proxy.fault = (name) => (name === REFRESH ? held : undefined);
    const late = it.whoami().catch((error) => error.code);
    await until(() => proxy.count(REFRESH));
    await other[meanwhile](user);
    const stored = storage.get();
    release();
    await late;
    assert.deepEqual(storage.get(), stored, meanwhile);
    assert.equal(await it.signedIn(), meanwhile === "signIn");
  }
});

test("a page with tokens of its own does not believe another page's end", async () => {
  const { it: one, ends } = await page();
  const { it: two } = await page();
  await one.whoami();
  await two.signOut();
  assert.equal((await one.whoami()).authenticated, true);
  assert.equal(ends(), 0);
});

test("a storage that fails loses nothing as long as the page lives", async () => {
  proxy.heal();
  const memory = memoryStorage();
  let full = false;
  const set = (tokens) => (full ? Promise.reject(new Error("the disk is full")) : memory.set(tokens));
  const it = client({ get: async () => memory.get(), set });
  await it.signIn(await stack.user("service"));
  full = true;
  memory.set({ ...memory.get(), expiresAt: Date.now(), refreshAt: 0 });
  await assert.rejects(it.whoami(), /the disk is full/);
  assert.equal((await it.whoami()).authenticated, true);
  full = false;
  await it.refresh();
  assert.equal((await client(memory).whoami()).authenticated, true);
});

test("a sign-out that nobody hears of leaves the session, here too", async () => {
  const { it, ends } = await page();
  proxy.break("POST /api/v1/auth/logout", "refuse", Infinity);
  await assert.rejects(it.signOut(), (error) => error.code === "network_error");
  assert.equal(await it.signedIn(), true);
  assert.equal(ends(), 0);
  proxy.heal();
  proxy.break("POST /api/v1/auth/logout", "lose");
  await it.signOut();
  assert.equal(ends(), 1);
});

test("the server's log knows of no reuse", async () => {
  const audit = await stack.audit();
  assert.ok(audit["refresh.rotated"] > 50, JSON.stringify(audit));
  assert.ok(audit["refresh.repeated"] >= 1, JSON.stringify(audit));
  assert.equal(audit["refresh.reuse_detected"], undefined, JSON.stringify(audit));
});
