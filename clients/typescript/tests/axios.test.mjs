// The same through axios.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { after, before, beforeEach, test } from "node:test";
import axios from "axios";
import { attachAxios, createClient, memoryStorage } from "../dist/index.js";
import { Proxy } from "./support/proxy.mjs";
import { Stack } from "./support/stack.mjs";

const REFRESH = "POST /api/v1/auth/refresh";

let stack, proxy, storage, client, api, detach;
before(async () => {
  stack = await Stack.start();
  proxy = await Proxy.start(stack.base_url);
});
beforeEach(async () => {
  proxy.heal();
  storage = memoryStorage();
  client = createClient({ baseUrl: proxy.url, apiKey: stack.key("service"), delivery: "body", storage, refreshOn: [401, 403] });
  api = axios.create({ baseURL: proxy.url });
  detach = attachAxios(api, client);
  await client.signIn(await stack.user("service"));
  proxy.heal();
});
after(async () => {
  proxy.stop();
  await stack.stop();
});

const spoil = () => storage.set({ ...storage.get(), accessToken: "spoiled.access.token" });

test("a request carries key and token", async () => {
  proxy.fault = (name, request) => ({ status: 200, body: JSON.stringify(request.headers) });
  const { data } = await api.get("/anything");
  assert.equal(data.authorization, `Bearer ${storage.get().accessToken}`);
  assert.equal(data["api-key"], stack.key("service"));
});

test("a refused token is refreshed once, and the request sent once more with its body", async () => {
  spoil();
  proxy.fault = (name, request) => {
    if (name !== "POST /orders") return undefined;
    return request.headers.authorization.includes("spoiled") ? { status: 401 } : { status: 200, body: '{"ok":true}' };
  };
  assert.deepEqual((await api.post("/orders", { kettles: 2 })).data, { ok: true });
  assert.deepEqual(proxy.seen, ["POST /orders", REFRESH, "POST /orders"]);
});

test("ten requests at once refresh once", async () => {
  spoil();
  const answers = await Promise.all(Array.from({ length: 10 }, () => api.get("/orders")));
  assert.ok(answers.every((answer) => answer.status === 200));
  assert.equal(proxy.count(REFRESH), 1);
});

test("a request that is refused again is not sent a third time", async () => {
  proxy.fault = (name) => (name === "GET /orders" ? { status: 401 } : undefined);
  await assert.rejects(api.get("/orders"), (error) => error.response.status === 401);
  assert.deepEqual(proxy.seen, ["GET /orders", REFRESH, "GET /orders"]);
});

test("the end of the session is what the request rejects with", async () => {
  const twin = createClient({ baseUrl: stack.base_url, apiKey: stack.key("service"), delivery: "body", storage: { get: () => storage.get(), set() {} } });
  await twin.signOut();
  await assert.rejects(api.get("/orders"), (error) => error.code === "invalid_grant");
  proxy.heal();
  await assert.rejects(api.get("/orders"), (error) => error.response.status === 401, "anonymous");
  assert.deepEqual(proxy.seen, ["GET /orders"]);
});

test("errors that are none of our business stay as they are", async () => {
  await assert.rejects(api.get("/nothing-there"), (error) => axios.isAxiosError(error) && error.response.status === 404);
  proxy.break("GET /orders", "refuse");
  await assert.rejects(api.get("/orders"), (error) => axios.isAxiosError(error) && error.response === undefined);
  assert.equal(proxy.count(REFRESH), 0);
});

test("a request that is given up is not sent again", async () => {
  const abort = new AbortController();
  proxy.fault = () => new Promise(() => abort.abort());
  await assert.rejects(api.get("/orders", { signal: abort.signal }), axios.isCancel);
  assert.equal(proxy.count(REFRESH), 0);
});

test("a token goes to no other origin, and none that the caller brings is replaced", async () => {
  await assert.rejects(api.get("http://127.0.0.1:1/"), /not among the client's `origins`/);
  proxy.fault = (name, request) => ({ status: 200, body: JSON.stringify(request.headers.authorization) });
  assert.equal((await api.get("/", { headers: { Authorization: "Basic YTpi" } })).data, "Basic YTpi");
});

test("with cookies, the browser is told to send them", async () => {
  const cookies = createClient({ baseUrl: proxy.url, apiKey: stack.key("web"), delivery: "cookie", storage: { get: () => ({}), set() {} } });
  const instance = axios.create({ baseURL: proxy.url, adapter: async (config) => ({ config, data: config.withCredentials, status: 200, headers: {} }) });
  attachAxios(instance, cookies);
  assert.equal((await instance.get("/orders")).data, true);
});

test("whoever takes every status for a success gets the second answer, too", async () => {
  spoil();
  proxy.fault = (name, request) => (request.headers.authorization?.includes("spoiled") ? { status: 401 } : undefined);
  const { status } = await api.get("/orders", { validateStatus: () => true });
  assert.equal(status, 200);
  assert.deepEqual(proxy.seen, ["GET /orders", REFRESH, "GET /orders"]);
});

test("a stream is not sent twice", async () => {
  spoil();
  proxy.fault = (name, request) => (name === "POST /orders" ? { status: 401 } : undefined);
  await assert.rejects(api.post("/orders", Readable.from(["kettles"])), (error) => error.response.status === 401);
  assert.equal(proxy.count("POST /orders"), 1);
});

test("detached, it does nothing", async () => {
  detach();
  proxy.fault = (name, request) => ({ status: 200, body: JSON.stringify(request.headers.authorization ?? null) });
  assert.equal((await api.get("/")).data, null);
});
