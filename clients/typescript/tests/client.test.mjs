// The client against the real stack: everyday use, and what each method says when it can't.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClient, GateletError, memoryStorage } from "../dist/index.js";
import { Proxy } from "./support/proxy.mjs";
import { PASSWORD, Stack, until } from "./support/stack.mjs";

/** Of an access token. */
const LIFETIME_MS = 20 * 60_000;

let stack, proxy;
before(async () => {
  stack = await Stack.start();
  proxy = await Proxy.start(stack.base_url);
});
after(async () => {
  proxy.stop();
  await stack.stop();
});

function client(options = {}) {
  proxy.heal();
  return createClient({ baseUrl: proxy.url, apiKey: stack.key("service"), delivery: "body", ...options });
}

/** A client that has signed in, its events, and a look into its storage. */
async function signedIn(options = {}) {
  const storage = options.storage ?? memoryStorage();
  const user = await stack.user("service");
  const it = client({ storage, ...options });
  await it.signIn(user);
  const events = [];
  for (const event of ["signedIn", "refreshed", "sessionEnded"]) it.on(event, () => events.push(event));
  proxy.heal();
  return { it, events, storage, user };
}

/** Makes the stored access token one that the server refuses, while it still looks good here. */
async function spoil(storage) {
  storage.set({ ...(await storage.get()), accessToken: "spoiled.access.token" });
}

const failsWith = (code, status) => (error) => error instanceof GateletError && error.code === code && error.status === status;

test("a user registers, signs in, looks around and signs out", async () => {
  const it = client();
  const user = { user_id: `ada-${process.pid}`, user_secret: PASSWORD };
  const { user_key: key } = await it.register(user);
  assert.deepEqual(await it.whoami(), { authenticated: false });
  assert.equal(await it.signedIn(), false);
  await it.signIn(user);
  assert.equal(await it.signedIn(), true);
  assert.equal((await it.whoami()).user_key, key);
  assert.equal((await it.tokenInfo()).sub, key);
  assert.deepEqual((await it.sessions()).map((session) => session.current), [true]);
  await it.signOut();
  assert.deepEqual(await it.whoami(), { authenticated: false });
  await assert.rejects(it.tokenInfo(), failsWith("not_signed_in", 0));
});

test("a refusal says its code, its status and each member that is wrong", async () => {
  const it = client();
  await assert.rejects(it.signIn({ user_id: "nobody", user_secret: "wrong" }), failsWith("invalid_credentials", 401));
  await assert.rejects(it.register({ user_id: "x", user_secret: "password" }), (error) => {
    assert.equal(error.code, "validation_failed");
    assert.deepEqual(error.errors.map(({ field, code }) => [field, code]), [["user_id", "too_short"], ["user_secret", "common"]]);
    return true;
  });
  await assert.rejects(client({ apiKey: "pk_wrong" }).whoami(), failsWith("invalid_api_key", 401));
});

test("an answer that is not the server's is not taken for one", async () => {
  const it = client();
  proxy.break("GET /api/v1/auth/whoami", { status: 404 });
  await assert.rejects(it.whoami(), failsWith("unexpected_answer", 404));
  proxy.break("GET /api/v1/auth/whoami", { status: 200, body: "<html>Sign in to this hotel's network</html>" });
  await assert.rejects(it.whoami(), failsWith("network_error", 0));
});

test("a request gets the key and the token, and a refused token is refreshed once and the request sent once more", async () => {
  const { it, storage, events } = await signedIn();
  assert.equal((await it.fetch(`${proxy.url}/orders`)).status, 200);
  await spoil(storage);
  proxy.fault = (name, request) => {
    if (name !== "POST /orders") return undefined;
    return request.headers.authorization === "Bearer spoiled.access.token" ? { status: 401 } : { status: 200, body: "{}" };
  };
  const headers = { "Content-Type": "application/json" };
  const answer = await it.fetch(`${proxy.url}/orders`, { method: "POST", headers, body: JSON.stringify({ kettles: 2 }) });
  assert.equal(answer.status, 200);
  assert.deepEqual(proxy.seen, ["GET /orders", "POST /orders", "POST /api/v1/auth/refresh", "POST /orders"]);
  assert.deepEqual(events, ["refreshed"]);
});

test("an authorizer's 403 counts if the client is told so", async () => {
  const { it, storage } = await signedIn({ refreshOn: [401, 403] });
  await spoil(storage);
  assert.equal((await it.fetch(`${proxy.url}/orders`)).status, 200);
  assert.equal(proxy.count("POST /api/v1/auth/refresh"), 1);
});

test("a request that is refused again is not sent a third time", async () => {
  const { it } = await signedIn();
  proxy.fault = (name) => (name === "GET /orders" ? { status: 401 } : undefined);
  assert.equal((await it.fetch(`${proxy.url}/orders`)).status, 401);
  assert.deepEqual(proxy.seen, ["GET /orders", "POST /api/v1/auth/refresh", "GET /orders"]);
});

test("twenty requests with a spoiled token refresh once", async () => {
  const { it, storage } = await signedIn();
  await spoil(storage);
  const answers = await Promise.all(Array.from({ length: 20 }, () => it.whoami()));
  assert.ok(answers.every((answer) => answer.authenticated));
  assert.equal(proxy.count("POST /api/v1/auth/refresh"), 1);
});

test("a token that is about to expire is refreshed beside the request, one that has expired before it", async () => {
  const { it, storage, events } = await signedIn();
  await storage.set({ ...(await storage.get()), refreshAt: Date.now() - 1 });
  await it.whoami();
  await until(() => events.includes("refreshed"));
  assert.equal(proxy.count("POST /api/v1/auth/refresh"), 1);

  proxy.heal();
  await storage.set({ ...(await storage.get()), refreshAt: 0, expiresAt: Date.now() + 1000 });
  await it.whoami();
  assert.deepEqual(proxy.seen, ["POST /api/v1/auth/refresh", "GET /api/v1/auth/whoami"]);
});

test("refreshing is spread over time, and always before the end", async () => {
  const shares = [];
  for (let sample = 0; sample < 8; sample++) {
    const { storage } = await signedIn();
    const { refreshAt, expiresAt } = await storage.get();
    shares.push(1 - (expiresAt - refreshAt) / LIFETIME_MS);
  }
  assert.ok(shares.every((share) => share >= 0.7 && share <= 0.9), `${shares}`);
  assert.ok(new Set(shares).size > 1, `${shares}`);
});

test("a token goes to no other origin", async (context) => {
  const { it } = await signedIn();
  const other = await Proxy.start(stack.base_url);
  context.after(() => other.stop());
  await assert.rejects(it.fetch(`${other.url}/orders`), /not among the client's `origins`/);
  assert.deepEqual(other.seen, []);
  const { it: told } = await signedIn({ origins: [other.url] });
  assert.equal((await told.fetch(`${other.url}/orders`)).status, 200);
});

test("a credential that the caller brings is left alone", async () => {
  const { it } = await signedIn();
  proxy.fault = (name, request) => ({ status: 200, body: JSON.stringify(request.headers.authorization) });
  const answer = await it.fetch(`${proxy.url}/orders`, { headers: { Authorization: "Basic YTpi" } });
  assert.equal(await answer.json(), "Basic YTpi");
});

test("signing in again ends the session before, and the device is known", async () => {
  let sent;
  const spy = (input, init) => {
    if (`${input}`.endsWith("/authenticate")) sent = JSON.parse(init.body);
    return fetch(input, init);
  };
  const { it, user, storage, events } = await signedIn({ fetch: spy });
  const before = await storage.get();
  await it.signIn(user);
  assert.equal(sent.device_token, before.deviceToken);
  assert.ok(before.deviceToken.startsWith("gl_dt_"));
  assert.equal((await it.sessions()).length, 1);
  assert.deepEqual(events, ["signedIn"]);
  await it.signOut();
  const { deviceToken, ...rest } = await storage.get();
  assert.ok(deviceToken.startsWith("gl_dt_"));
  assert.deepEqual(Object.values(rest).filter(Boolean), [], "no token of the session is left");
});

test("one session of several is ended, then all others, then all", async () => {
  const { it, user, events } = await signedIn();
  const [second, third] = [client(), client()];
  await Promise.all([second.signIn(user), third.signIn(user)]);
  const others = (await it.sessions()).filter((session) => !session.current);
  assert.equal(others.length, 2);
  await it.endSession(others[0].session_id);
  await assert.rejects(it.endSession(others[0].session_id), failsWith("session_not_found", 404));
  await it.endSessions({ keepCurrent: true });
  assert.equal((await it.sessions()).length, 1);
  assert.equal(await it.signedIn(), true);
  await it.endSessions();
  assert.equal(await it.signedIn(), false);
  assert.deepEqual(events, ["sessionEnded"]);
});

test("the own session among them is noticed", async () => {
  const { it, events } = await signedIn();
  const [own] = await it.sessions();
  await it.endSession(own.session_id);
  assert.equal(await it.signedIn(), false);
  await until(() => events.includes("sessionEnded"));
});

test("a request is not repeated as somebody else", async () => {
  const { it, storage } = await signedIn();
  const other = await stack.user("service");
  proxy.fault = async (name) => {
    if (name !== "POST /orders") return undefined;
    await it.signIn(other); // While the request is under way.
    return { status: 401, body: '"refused"' };
  };
  const answer = await it.fetch(`${proxy.url}/orders`, { method: "POST" });
  assert.deepEqual([answer.status, await answer.json()], [401, "refused"]);
  assert.equal(proxy.count("POST /orders"), 1);
  assert.ok((await storage.get()).accessToken);
});

test("a refresh that is asked for happens once, also if the token has expired", async () => {
  const { it, storage } = await signedIn();
  await storage.set({ ...(await storage.get()), expiresAt: Date.now(), refreshAt: 0 });
  await it.refresh();
  assert.equal(proxy.count("POST /api/v1/auth/refresh"), 1);
});

test("an application that delivers otherwise than the client was told is noticed, and no token is kept", async () => {
  const kept = [];
  const it = client({ delivery: "cookie", storage: { get: () => kept.at(-1), set: (tokens) => void kept.push(tokens) } });
  await assert.rejects(it.signIn(await stack.user("service")), failsWith("unexpected_answer", 200));
  assert.deepEqual(kept, []);
});

test("a client that was closed works all the same", async () => {
  const { it, user } = await signedIn();
  it.close();
  await it.signIn(user);
  await it.signOut();
});

test("whoever gives up waits no longer, and the others do", async () => {
  const { it, storage } = await signedIn();
  await storage.set({ ...(await storage.get()), expiresAt: Date.now(), refreshAt: 0 });
  let release;
  const held = new Promise((resolve) => (release = resolve));
  proxy.fault = (name) => (name.endsWith("/refresh") ? held : undefined);
  const abort = new AbortController();
  const given = it.fetch(`${proxy.url}/orders`, { signal: abort.signal });
  const whoami = it.whoami({ signal: abort.signal });
  const patient = it.whoami();
  await until(() => proxy.count("POST /api/v1/auth/refresh"));
  abort.abort();
  await assert.rejects(given, { name: "AbortError" });
  await assert.rejects(whoami, { name: "AbortError" });
  release();
  assert.equal((await patient).authenticated, true);
  assert.equal(proxy.count("POST /api/v1/auth/refresh"), 1);
});

test("an abort with a reason of the caller's rejects with that reason", async () => {
  const { it } = await signedIn();
  proxy.fault = () => new Promise(() => {});
  const abort = new AbortController();
  const asked = it.whoami({ signal: abort.signal });
  const registered = it.register({ user_id: "a", user_secret: "b" }, { signal: abort.signal });
  await until(() => proxy.seen.length === 2);
  abort.abort("enough");
  await assert.rejects(asked, (reason) => reason === "enough");
  await assert.rejects(registered, (reason) => reason === "enough");
});
