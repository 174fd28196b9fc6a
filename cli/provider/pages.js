// The one page of the example provider, which is sign-in and consent in one, and what its form does.
import { createHash } from "node:crypto";

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 26rem; margin: 10vh auto; padding: 0 1rem; }
label { display: block; margin-top: 1rem; }
input:not([type=checkbox]) { display: block; box-sizing: border-box; width: 100%; padding: .5rem; font: inherit; }
button { margin: 1.5rem .5rem 0 0; padding: .5rem 1.25rem; font: inherit; cursor: pointer; }
.error { border-left: .25rem solid; padding-left: .75rem; font-weight: bold; }
`;
export const HEADERS = {
  "Content-Type": "text/html; charset=utf-8",
  "Cache-Control": "no-store",
  // No form-action: Chromium holds the redirects after the form to it, and they lead to the application.
  "Content-Security-Policy": `default-src 'none'; img-src data:; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; frame-ancestors 'none'`,
};
const LOGIN = "[A-Za-z0-9_\\-]+";
const FORM_BYTES = 10_000;

/** Answers requests under `/interaction/`. Whoever signs in is written into `accounts`. */
export function interactions(provider, accounts) {
  return (request, response) =>
    interact(provider, accounts, request, response).catch((error) => {
      const known = error.name === "SessionNotFound";
      if (!known) console.error(error);
      const page = errorPage(known ? "This sign-in is over" : "Something went wrong", "Go back to the application, and start again.");
      send(response, known ? 400 : 500, page);
    });
}

async function interact(provider, accounts, request, response) {
  const interaction = await provider.interactionDetails(request, response);
  if (request.method !== "POST") return send(response, 200, signInPage(interaction));
  const form = await readForm(request);
  if (!form) return send(response, 413, errorPage("The form is too long"));
  const login = form.get("login") ?? "";
  if (form.get("action") === "cancel") {
    return provider.interactionFinished(request, response, { error: "access_denied", error_description: "the person cancelled" });
  }
  if (form.get("action") !== "continue" || !new RegExp(`^${LOGIN}$`).test(login)) {
    return send(response, 400, signInPage(interaction, "Type a name of letters, digits, - and _."));
  }
  const email = form.get("email")?.trim() || `${login}@example.com`;
  accounts.set(login, { email, email_verified: form.has("email_verified") });
  return signIn(provider, interaction, login, request, response);
}

/** Answers each prompt that there is, so that no second page follows. */
async function signIn(provider, interaction, login, request, response) {
  const grant = new provider.Grant({ accountId: login, clientId: interaction.params.client_id });
  grant.addOIDCScope(interaction.params.scope ?? "openid");
  const result = { login: { accountId: login }, select_account: {}, consent: { grantId: await grant.save() } };
  const next = await provider.interactionResult(request, response, result, { mergeWithLastSubmission: false });
  await forgetOther(provider, interaction, login);
  response.writeHead(303, { Location: next, "Content-Length": 0 }).end();
}

/** Whoever was signed in here before is not asked: the library would show a page that signs them out by script. */
async function forgetOther(provider, interaction, login) {
  const session = interaction.session?.uid && (await provider.Session.findByUid(interaction.session.uid));
  if (!session?.accountId || session.accountId === login) return;
  delete session.accountId;
  delete session.authorizations;
  await session.persist();
}

async function readForm(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > FORM_BYTES) return undefined;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

function send(response, status, page) {
  response.writeHead(status, HEADERS).end(page);
}

function signInPage({ uid, params }, complaint) {
  return page(`
      <p><strong>${escaped(params.client_id)}</strong> asks you to sign in. This provider is for trying that out: it believes whatever you type.</p>
      ${complaint ? `<p class="error" role="alert">${escaped(complaint)}</p>` : ""}
      <form method="post" action="/interaction/${escaped(uid)}">
        <label for="login">Who are you?</label>
        <input id="login" name="login" value="${escaped(params.login_hint ?? "")}" required pattern="${LOGIN}" title="Letters, digits, - and _" autocomplete="off" autocapitalize="none" spellcheck="false" autofocus>
        <label for="email">Email address (if empty: your name @example.com)</label>
        <input id="email" name="email" inputmode="email" autocomplete="off" autocapitalize="none" spellcheck="false">
        <label><input type="checkbox" name="email_verified" checked> The address is verified</label>
        <button name="action" value="continue">Continue</button>
        <button name="action" value="cancel" formnovalidate>Cancel</button>
      </form>`);
}

/** What is shown when no redirect to an application is possible. */
export function errorPage(error, description = "") {
  return page(`
      <p class="error" role="alert">${escaped(error)}</p>
      <p>${escaped(description)}</p>`);
}

function page(content) {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Example provider</title>
    <link rel="icon" href="data:,">
    <style>${STYLE}</style>
  </head>
  <body>
    <main>
      <h1>Example provider</h1>${content}
    </main>
  </body>
</html>
`;
}

function escaped(text) {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
