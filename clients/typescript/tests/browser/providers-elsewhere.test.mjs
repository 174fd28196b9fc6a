// Signing in at a provider from a page on another origin than the API's, in a real browser, with tokens in bodies.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { closeWithoutComplaint, equip, launch, tab } from "../support/browser.mjs";
import { atProvider, sessionCookies } from "../support/provider.mjs";
import { Stack, until } from "../support/stack.mjs";

const DIST = new URL("../../dist/", import.meta.url);

let stack, browser, spa, context, login;
before(async () => {
  spa = await serveSpa();
  stack = await Stack.start("--with-provider", "--parameter", `AllowedOrigins=${spa.origin}`);
  await stack.gatelet("app", "update", stack.applications.service.application_id, "--return-to", `${spa.origin}/`);
  browser = await launch();
});
beforeEach(async () => {
  context = await browser.newContext();
  login = `person-${process.pid}-${stack.users++}`;
});
afterEach(() => closeWithoutComplaint(context));
after(async () => {
  await browser.close();
  await stack.stop();
  spa.server.close();
});

/** A page of another origin than the API's, and the client for it. */
async function serveSpa() {
  const server = http.createServer(async (request, response) => {
    const name = /^\/app\/client\/([a-z]+\.js)$/.exec(request.url)?.[1];
    response.setHeader("Content-Type", name ? "text/javascript" : "text/html");
    response.end(name ? await readFile(new URL(name, DIST)) : "<!doctype html><title>A page of its own</title><link rel=icon href=data:,>");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, origin: `http://127.0.0.1:${server.address().port}` };
}

for (const storage of ["memory", "shared"]) describe(`with tokens in ${storage}`, () => {
  const options = () => ({ baseUrl: stack.base_url, apiKey: stack.key("service"), clientId: stack.applications.service.application_id, delivery: "body", storage });
  const open = () => tab(context, `${spa.origin}/`, options());
  const finish = (page, url) => page.evaluate((url) => providers.finish(url).catch((error) => error.code), url);

  /** Leaves for the provider, and comes back to a page that has done nothing yet. */
  async function away(page, does = "signIn", as = login) {
    // The page is gone before it could answer.
    await page.evaluate(([does, returnTo]) => void providers[does]("example", { returnTo, state: "basket" }), [does, `${spa.origin}/`]);
    await atProvider(page, stack, as);
    await page.waitForURL(`${spa.origin}/?**`);
    await equip(page, options());
    return page.url();
  }

  test("someone signs in at the provider, gets new tokens, and signs out", async () => {
    const page = await open();
    const neighbour = await open();
    assert.equal(await neighbour.evaluate(() => client.signedIn()), false);
    assert.match(await away(page), /[?&]code=.*&iss=/);
    assert.deepEqual(await finish(page), { did: "signIn", provider: "example", state: "basket" });
    assert.equal(page.url(), `${spa.origin}/`);
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    assert.equal((await page.evaluate(() => client.whoami())).authenticated, true);
    await page.evaluate(() => client.refresh());
    assert.deepEqual(await page.evaluate(() => events), ["signedIn", "refreshed"]);
    if (storage === "shared") await until(() => neighbour.evaluate(() => events.includes("signedIn")));
    assert.equal((await neighbour.evaluate(() => client.whoami())).authenticated, storage === "shared");
    assert.deepEqual(await sessionCookies(context), [], "nothing of it is in cookies");
    await page.evaluate(() => client.signOut());
    assert.equal((await page.evaluate(() => client.whoami())).authenticated, false);
  });

  test("somebody who cancels is not signed in", async () => {
    const page = await open();
    await away(page, "signIn", null);
    assert.equal(await finish(page), "access_denied");
    assert.equal(page.url(), `${spa.origin}/`);
    assert.equal(await finish(page), undefined, "a second look finds nothing");
    assert.equal(await page.evaluate(() => client.signedIn()), false);
  });

  test("a code of another tab is refused, and nothing is sent; in its own tab it is good", async () => {
    const [page, other] = [await open(), await open()];
    const address = await away(page);
    const sent = [];
    for (const page of context.pages()) page.on("request", (request) => sent.push(request.url()));
    assert.equal(await finish(other, address), "invalid_state");
    assert.equal(await finish(page, address.replace(/state=[^&]*/, "state=x")), "invalid_state");
    assert.equal(await finish(page, address.replace(/iss=[^&]*/, "iss=https://evil.example").replace(/state=[^&]*/, "state=x")), "invalid_state");
    assert.deepEqual(sent, []);
    assert.equal((await finish(page)).did, "signIn");
  });

  if (storage === "shared") test("a user links the provider, and the page that comes back is still theirs", async () => {
    const page = await open();
    const user = await stack.user("service");
    await page.evaluate((user) => client.signIn(user), user);
    await away(page, "link");
    assert.deepEqual(await finish(page), { did: "link", provider: "example", state: "basket" });
    const list = await page.evaluate(() => providers.identities());
    assert.deepEqual([list.has_password, list.identities.map(({ email }) => email)], [true, [`${login}@example.com`]]);
    assert.deepEqual(await page.evaluate(() => events), []);
  });
});
