// The sample app, as people use it: with a mouse, with a keyboard only, on a phone, in two tabs, and from a page that may not.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { appIsServed, closeWithoutComplaint, launch, newPage, objections, openApp } from "../support/browser.mjs";
import { PASSWORD, Stack } from "../support/stack.mjs";

const PHONE = { width: 360, height: 740 };

let stack, browser, context, page, name;
before(async () => {
  stack = await Stack.start();
  browser = await launch();
  await appIsServed(stack);
});
beforeEach(async () => {
  context = await browser.newContext();
  page = await open();
  name = `person-${process.pid}-${stack.users++}`;
});
afterEach(() => closeWithoutComplaint(context));
after(async () => {
  await browser.close();
  await stack.stop();
});

const open = (place = context) => openApp(place, stack);

async function enter(button, secret = PASSWORD, at = page) {
  await at.getByLabel("Name or e-mail address").fill(name);
  await at.getByLabel("Password").fill(secret);
  await at.getByRole("button", { name: button }).click();
}

const says = (text, at = page) => at.locator("#who", { hasText: text }).waitFor();
const items = (at = page) => at.locator("#items li").count();
const sessions = (at = page) => at.locator("#sessions li").count();

test("someone signs up, sees more, reloads, and signs out", async () => {
  assert.equal(await items(), 3);
  await enter("Sign up");
  await says(`Signed in as ${name}`);
  assert.deepEqual([await items(), await sessions()], [6, 1]);
  await page.reload();
  await says(`Signed in as ${name}`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await says("Nobody is signed in");
  assert.equal(await items(), 3);
  await enter("Sign in");
  await says(`Signed in as ${name}`);
});

test("the page may run its own scripts only", async () => {
  for (const path of ["/app/", "/docs/", "/app/app.js"]) {
    const policy = (await fetch(stack.base_url + path)).headers.get("content-security-policy");
    assert.match(policy, /^default-src 'none'; script-src 'self'; /, path);
  }
  const ran = await page.evaluate(async () => {
    const script = document.createElement("script");
    try {
      script.textContent = "window.injected = true";
    } catch {
      return "not even written"; // Trusted Types
    }
    document.body.append(script);
    return window.injected;
  });
  assert.ok(ran === undefined || ran === "not even written", ran);
  page.complaints.length = 0;
});

test("the tokens are out of the page's reach", async () => {
  await enter("Sign up");
  await says(`Signed in as ${name}`);
  const reach = await page.evaluate(() => document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage));
  assert.doesNotMatch(reach, /eyJ|gl_rt_|gl_dt_/);
  const names = (await context.cookies()).filter((cookie) => cookie.httpOnly).map((cookie) => cookie.name);
  assert.deepEqual(names.sort(), ["access_token", "device_token", "refresh_token"]);
});

test("the page says what is wrong beside the input, and goes there", async () => {
  await enter("Sign up", "password");
  await page.getByText("is one of the passwords that attackers try first").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "user-secret");
  await enter("Sign in", "not the password");
  await page.getByText("Sorry: user or password is incorrect.").waitFor();
});

test("a session on another device is ended from here", async () => {
  await enter("Sign up");
  await says(`Signed in as ${name}`);
  const elsewhere = await browser.newContext();
  const other = await open(elsewhere);
  await enter("Sign in", PASSWORD, other);
  await says(`Signed in as ${name}`, other);
  await page.reload();
  await page.getByRole("button", { name: "End this one" }).click();
  await page.getByText("That session has ended.").waitFor();
  assert.equal(await sessions(), 1);
  await other.reload();
  await says("Nobody is signed in", other);
  await elsewhere.close();
});

test("what happens in one tab shows in the other", async () => {
  const other = await open();
  await enter("Sign up");
  await says(`Signed in as ${name}`, other);
  await other.getByRole("button", { name: "Sign out" }).click();
  await says("Nobody is signed in");
  await page.getByText("You are signed out.").waitFor();
});

test("a keyboard is enough", async () => {
  const press = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
  await press("Tab", "Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "user-id", "the link to the catalogue comes first, then the form");
  await page.keyboard.type(name);
  await press("Tab");
  await page.keyboard.type(PASSWORD);
  await press("Tab", "Tab", "Enter");
  await says(`Signed in as ${name}`);
  assert.equal(await page.evaluate(() => document.activeElement.id), "catalogue", "a reader goes on where there is something new");
  await press("Shift+Tab", "Enter");
  await says("Nobody is signed in");
});

test("on a phone and on a desk, signed in or not, in light and dark, there is nothing to object for a screen reader", async () => {
  for (const signedIn of [false, true]) {
    if (signedIn) await enter("Sign up").then(() => says(`Signed in as ${name}`));
    for (const size of [PHONE, { width: 1280, height: 800 }]) for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await objections(page), [], `${colorScheme}, ${size.width} wide, ${signedIn ? "signed in" : "anonymous"}`);
    }
  }
});

test("a page of another origin gets nothing, and ends nothing", async () => {
  await enter("Sign up");
  await says(`Signed in as ${name}`);
  const server = http.createServer((request, response) => response.setHeader("Content-Type", "text/html").end("<!doctype html><title>Evil</title>"));
  server.listen(0);
  await once(server, "listening");
  const before = await stack.audit();
  const url = `${stack.base_url}/api/v1/auth`;
  // Another site, and another port of the same one, which cookies do not tell apart.
  for (const host of ["localhost", "127.0.0.1"]) {
    const evil = await context.newPage();
    await evil.goto(`http://${host}:${server.address().port}/`);
    const tried = await evil.evaluate(async ([url, key]) => {
      const attempt = (path, init) => fetch(url + path, { credentials: "include", ...init }).then((answer) => answer.status, () => "unreadable");
      const headers = { "Api-Key": key };
      return Promise.all([
        attempt("/whoami", {}),
        attempt("/whoami", { headers }),
        attempt("/refresh", { method: "POST" }),
        attempt("/refresh", { method: "POST", headers }),
        attempt("/logout", { method: "POST", mode: "no-cors" }),
        attempt("/refresh", { method: "POST", mode: "no-cors" }),
        attempt("/sessions", { method: "DELETE", headers }),
      ]);
    }, [url, stack.key("web")]);
    assert.deepEqual(tried, ["unreadable", "unreadable", "unreadable", "unreadable", 0, 0, "unreadable"], host);
    await evil.close();
  }
  server.close();
  assert.deepEqual(await stack.audit(), before, "nothing happened");
  await page.reload();
  await says(`Signed in as ${name}`);
});

test("the API's own page shows every operation, and loads nothing from elsewhere", async () => {
  const requested = [];
  page.on("request", (request) => requested.push(new URL(request.url()).origin));
  await page.goto(`${stack.base_url}/docs`);
  await page.getByText("/api/v1/auth/refresh").first().waitFor();
  const document = await (await fetch(`${stack.base_url}/docs/openapi.json`)).json();
  const operations = Object.values(document.paths).flatMap((path) => Object.keys(path).filter((key) => /^(get|post|put|patch|delete)$/.test(key)));
  assert.equal(await page.locator(".opblock").count(), operations.length);
  assert.deepEqual([...new Set(requested)], [stack.base_url]);
});
