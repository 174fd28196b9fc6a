// Takes the README's pictures of the sample app: `npm run screenshots`.
import { launch } from "./support/browser.mjs";
import { PASSWORD, Stack, until } from "./support/stack.mjs";
import { fileURLToPath } from "node:url";

const PLACE = fileURLToPath(new URL("../../../docs/images/", import.meta.url));
const PHONE = { width: 390, height: 760 };
const DESK = { width: 760, height: 900 };

const stack = await Stack.start();
const browser = await launch();
await until(async () => (await fetch(`${stack.base_url}/app/`)).ok, 120_000);
const context = await browser.newContext({ viewport: PHONE, deviceScaleFactor: 2 });
const page = await context.newPage();
await page.goto(`${stack.base_url}/app/`);
await page.locator("#items li").first().waitFor();
await page.screenshot({ path: `${PLACE}app-phone.png` });

await page.setViewportSize(DESK);
await page.getByLabel("Name or e-mail address").fill("ada@example.com");
await page.getByLabel("Password").fill(PASSWORD);
await page.getByRole("button", { name: "Sign up" }).click();
await page.locator("#sessions li").first().waitFor();
const elsewhere = await (await browser.newContext()).newPage();
await elsewhere.goto(`${stack.base_url}/app/`);
await elsewhere.getByLabel("Name or e-mail address").fill("ada@example.com");
await elsewhere.getByLabel("Password").fill(PASSWORD);
await elsewhere.getByRole("button", { name: "Sign in" }).click();
await elsewhere.locator("#sessions li").first().waitFor();
await page.reload();
await page.locator("#sessions li").nth(1).waitFor();
await page.screenshot({ path: `${PLACE}app-signed-in.png` });

await browser.close();
await stack.stop();
