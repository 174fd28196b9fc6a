// Signing in at a provider, as an app does that opens a browser and is handed the address it comes back with.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, beforeEach, test } from "node:test";
import { createClient, createProviders, GateletError, memoryStorage } from "../dist/index.js";
import { Person } from "./support/person.mjs";
import { Proxy } from "./support/proxy.mjs";
import { Stack, until } from "./support/stack.mjs";

const EXCHANGE = "POST /api/v1/auth/oauth/exchange";
const LINK = "POST /api/v1/auth/identities";
/** Of the application's list. */
const RETURN_TO = "com.example.app:/callback";

let stack, proxy, person;
before(async () => {
  stack = await Stack.start("--with-provider");
  proxy = await Proxy.start(stack.base_url);
});
beforeEach(() => {
  proxy.heal();
  person = new Person(`person-${process.pid}-${stack.users++}`);
});
after(async () => {
  proxy.stop();
  await stack.stop();
});

/** As much of `sessionStorage`, and what stands in it. */
function flowStorage() {
  const kept = new Map();
  return { kept, getItem: async (name) => kept.get(name) ?? null, setItem: (name, value) => void kept.set(name, value), removeItem: (name) => void kept.delete(name) };
}

/** An app: a client, its events, its providers, and the address that it has opened last. */
function app(options = {}) {
  const [storage, flows] = [options.storage ?? memoryStorage(), flowStorage()];
  const client = createClient({ baseUrl: proxy.url, apiKey: stack.key("service"), delivery: "body", storage });
  const it = { client, storage, flows, events: [], opened: undefined };
  for (const event of ["signedIn", "refreshed", "sessionEnded"]) client.on(event, () => it.events.push(event));
  const issuer = `${stack.base_url}/api/v1/auth`; // The proxy is none.
  const { application_id: clientId } = stack.applications.service;
  it.providers = createProviders(client, { clientId, issuer, storage: flows, open: (url) => void (it.opened = url), ...options });
  return it;
}

/** The address that `it` is handed after a sign-in or a link that it has begun. */
async function away(it, does = "signIn", { action, state } = {}) {
  await it.providers[does]("example", { returnTo: RETURN_TO, state });
  const address = await person.walk(it.opened, RETURN_TO, action);
  proxy.heal();
  return address;
}

async function signedIn(options) {
  const it = app(options);
  await it.providers.finish(await away(it));
  proxy.heal();
  return it;
}

/** The same address with other parameters. */
function altered(address, parameters) {
  const url = new URL(address);
  for (const [name, value] of Object.entries(parameters)) value === null ? url.searchParams.delete(name) : url.searchParams.set(name, value);
  return url.href;
}

const failsWith = (code, status = 0) => (error) => error instanceof GateletError && error.code === code && error.status === status;

test("someone signs in at a provider, and the app gets back what it had left for itself", async () => {
  const it = app();
  const address = await away(it, "signIn", { state: "orders/17" });
  assert.deepEqual(await it.providers.finish(address), { did: "signIn", provider: "example", state: "orders/17" });
  const user = await it.client.whoami();
  assert.deepEqual([user.authenticated, user.user_id], [true, undefined]);
  const { has_password: hasPassword, identities } = await it.providers.identities();
  assert.deepEqual([hasPassword, identities.map(({ provider, email }) => [provider, email])], [false, [["example", `${person.login}@example.com`]]]);
  await until(() => it.events.includes("signedIn"));
  assert.deepEqual(it.events, ["signedIn"]);
  await it.client.refresh();
  assert.ok(!it.opened.includes("orders"), "what the app leaves stays with it");
  await it.client.signOut();
  assert.deepEqual(await it.client.whoami(), { authenticated: false });
});

test("the same person is the same user each time", async () => {
  const keys = [];
  for (let times = 0; times < 2; times++) keys.push((await (await signedIn()).client.whoami()).user_key);
  assert.equal(keys[0], keys[1]);
});

test("the verifier stays here, is new each time, and is gone before anything is sent", async () => {
  const it = app();
  const verifiers = [];
  for (let times = 0; times < 2; times++) {
    const address = await away(it);
    const { verifier } = JSON.parse([...it.flows.kept.values()][0]);
    const query = new URL(it.opened).searchParams;
    assert.equal(query.get("code_challenge"), createHash("sha256").update(verifier).digest("base64url"));
    assert.ok(!it.opened.includes(verifier) && /^[\w-]{43}$/.test(verifier), verifier);
    verifiers.push(verifier);
    let kept;
    proxy.fault = () => void (kept ??= it.flows.kept.size);
    await it.providers.finish(address);
    assert.equal(kept, 0);
    proxy.heal();
  }
  assert.notEqual(verifiers[0], verifiers[1]);
});

test("an address that is no return is none, and nothing is sent", async () => {
  const it = app();
  await away(it);
  for (const query of ["", "?", "?page=2&coder=x"]) assert.equal(await it.providers.finish(`https://app.example.com/${query}#code=1`), undefined);
  assert.deepEqual([proxy.seen, it.flows.kept.size], [[], 1]);
});

test("a code that this app has not asked for is refused, nothing is sent, and its own sign-in goes on", async () => {
  const it = app();
  const mine = await away(it);
  const someone = new Person(`attacker-${process.pid}`);
  const attacker = app();
  await attacker.providers.signIn("example", { returnTo: RETURN_TO });
  const theirs = await someone.walk(attacker.opened, RETURN_TO);
  proxy.heal();
  for (const address of [theirs, altered(mine, { state: "x" }), altered(mine, { state: null }), `${RETURN_TO}?state=x`, `${RETURN_TO}?error=access_denied`]) {
    await assert.rejects(it.providers.finish(address), failsWith("invalid_state"), address);
  }
  await assert.rejects(app().providers.finish(mine), failsWith("invalid_state"), "nor one that has asked for nothing");
  assert.deepEqual(proxy.seen, []);
  assert.equal((await it.providers.finish(mine)).did, "signIn");
});

test("a return is good once", async () => {
  const it = app();
  const address = await away(it);
  await it.providers.finish(address);
  proxy.heal();
  await assert.rejects(it.providers.finish(address), failsWith("invalid_state"));
  assert.deepEqual(proxy.seen, []);
  assert.equal((await it.client.whoami()).authenticated, true);
});

test("an answer of another issuer, or of none, is refused, and nothing is sent", async () => {
  for (const iss of ["https://evil.example", null, ""]) {
    const it = app();
    await assert.rejects(it.providers.finish(altered(await away(it), { iss })), failsWith("invalid_state"));
    assert.deepEqual([proxy.seen, it.flows.kept.size], [[], 0]);
  }
});

test("somebody who cancels is not signed in, and nothing is left of it", async () => {
  const it = app();
  const address = await away(it, "signIn", { action: "cancel" });
  await assert.rejects(it.providers.finish(address), failsWith("access_denied"));
  assert.deepEqual([proxy.seen, it.flows.kept.size, await it.client.signedIn()], [[], 0, false]);
});

test("a code whose answer was lost is not sent again, since that would end what came of it", async () => {
  for (const fault of ["lose", { status: 503 }]) {
    const it = app();
    const address = await away(it);
    proxy.break(EXCHANGE, fault);
    await assert.rejects(it.providers.finish(address), (error) => ["network_error", "unexpected_answer"].includes(error.code));
    assert.deepEqual([proxy.seen, await it.client.signedIn()], [[EXCHANGE], false]);
  }
});

test("a code with another verifier is refused by the server", async () => {
  const it = app();
  const address = await away(it);
  const [[name, text]] = it.flows.kept;
  it.flows.kept.set(name, JSON.stringify({ ...JSON.parse(text), verifier: "x".repeat(43) }));
  await assert.rejects(it.providers.finish(address), failsWith("invalid_code", 400));
});

test("it ends the session that was there before, as every sign-in does", async () => {
  const it = app();
  await it.client.signIn(await stack.user("service"));
  const before = await it.storage.get();
  await it.providers.finish(await away(it));
  const old = createClient({ baseUrl: stack.base_url, apiKey: stack.key("service"), delivery: "body", storage: { get: () => before, set() {} } });
  await assert.rejects(old.refresh(), failsWith("invalid_grant", 401));
  const { deviceToken, session } = await it.storage.get();
  assert.equal(deviceToken, before.deviceToken, "which is for the next password");
  assert.notEqual(session, before.session);
  await until(() => it.events.length === 2);
  assert.deepEqual(it.events, ["signedIn", "signedIn"]);
});

test("a user with a password links a provider, signs in there as the same user, and removes it", async () => {
  const it = app();
  const user = await stack.user("service");
  await it.client.signIn(user);
  const { user_key: key } = await it.client.whoami();
  assert.deepEqual(await it.providers.finish(await away(it, "link", { state: "settings" })), { did: "link", provider: "example", state: "settings" });
  assert.deepEqual(proxy.seen, [LINK]);
  assert.equal((await it.client.whoami()).user_key, key, "the session is the same");
  assert.equal((await (await signedIn()).client.whoami()).user_key, key);

  const [identity] = (await it.providers.identities()).identities;
  assert.deepEqual(await it.providers.unlink(identity.identity_id), { has_password: true, identities: [] });
  await assert.rejects(it.providers.unlink(identity.identity_id), failsWith("identity_not_found", 404));
  assert.notEqual((await (await signedIn()).client.whoami()).user_key, key, "somebody new");
});

test("the only way to sign in can't be removed", async () => {
  const { providers } = await signedIn();
  const [identity] = (await providers.identities()).identities;
  await assert.rejects(providers.unlink(identity.identity_id), failsWith("last_credential", 409));
});

test("an identity that signs in somebody else is linked to nobody", async () => {
  await signedIn();
  const it = app();
  await it.client.signIn(await stack.user("service"));
  await assert.rejects(away(it, "link").then(it.providers.finish), failsWith("identity_taken", 409));
  assert.deepEqual((await it.providers.identities()).identities, []);
});

test("without a session nothing is linked, and the page is not left", async () => {
  const it = app();
  await assert.rejects(it.providers.link("example", { returnTo: RETURN_TO }), failsWith("not_signed_in"));
  await assert.rejects(it.providers.identities(), failsWith("not_signed_in"));
  assert.deepEqual([proxy.seen, it.opened, it.flows.kept.size], [[], undefined, 0]);
});

test("a link is for whoever has begun it: somebody who has signed in meanwhile does not get it", async () => {
  const it = app();
  await it.client.signIn(await stack.user("service"));
  const address = await away(it, "link");
  await it.client.signIn(await stack.user("service"));
  proxy.heal();
  await assert.rejects(it.providers.finish(address), failsWith("not_signed_in"));
  assert.deepEqual(proxy.seen, []);
});

test("a code for a link signs nobody in", async () => {
  const it = app();
  await it.client.signIn(await stack.user("service"));
  const address = await away(it, "link");
  const [[name, text]] = it.flows.kept;
  it.flows.kept.set(name, JSON.stringify({ ...JSON.parse(text), did: "signIn" }));
  await assert.rejects(it.providers.finish(address), failsWith("invalid_code", 400));
});

/** With tokens in cookies, which Node keeps none of. */
function cookieApp() {
  const it = app();
  const fromPage = (input, init) => fetch(input, { ...init, headers: { ...init.headers, Origin: stack.base_url } });
  it.client = createClient({ baseUrl: proxy.url, apiKey: stack.key("web"), delivery: "cookie", storage: memoryStorage(), fetch: fromPage });
  it.providers = createProviders(it.client, { storage: it.flows, open: (url) => void (it.opened = url), issuer: `${stack.base_url}/api/v1/auth` });
  return it;
}

test("an application that delivers otherwise than the client was told is noticed", async () => {
  const it = cookieApp();
  await it.providers.signIn("example", { returnTo: RETURN_TO });
  const query = new URL(it.opened).searchParams;
  assert.deepEqual([...query.keys()], ["return_to", "state"], "no challenge, and no client_id where none was given");
  const address = altered(RETURN_TO, { state: query.get("state"), code: "x", iss: `${stack.base_url}/api/v1/auth` });
  await assert.rejects(it.providers.finish(address), failsWith("unexpected_answer"));
});

test("cookies that the browser has not kept are no session", async () => {
  const it = cookieApp();
  await it.providers.signIn("example", { returnTo: RETURN_TO });
  const address = altered(RETURN_TO, { state: new URL(it.opened).searchParams.get("state") });
  await assert.rejects(it.providers.finish(address), failsWith("not_signed_in"));
  assert.deepEqual([proxy.seen, await it.client.signedIn()], [["POST /api/v1/auth/refresh"], false]);
});
