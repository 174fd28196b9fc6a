// What each provider does wrong: from a context of its own to the paths that it answers otherwise than an honest one.
import { createHash } from "node:crypto";
import { broken, edited, editedJson, editedRedirect, fixed, hang, html, huge, json, redirectForever, slowDrip } from "./answers.mjs";
import { TOKENS } from "./tokens.mjs";

const METADATA = "/.well-known/openid-configuration";
/** HTML and line breaks, plain and escaped twice, for whoever shows or forwards a description unread. */
const NASTY = "<script>alert(1)</script>\r\nSet-Cookie: stolen=1\r\n\r\n%0d%0aSet-Cookie:%20stolen=1%3Cimg%20src=x%20onerror=alert(1)%3E";

/** The provider's answers at one path, in all variants of it. */
function at(path, handler) {
  return () => ({ [path]: handler });
}

/** Where the browser is sent back: at once if it is signed in already, otherwise after the form. */
function sentBack(edit) {
  return ({ pass, ...context }) => {
    const handler = editedRedirect(pass, (parameters) => edit(parameters, context));
    return { "/auth": handler, "/auth/*": handler };
  };
}

function failed(parameters) {
  parameters.delete("code");
  parameters.set("error", "server_error");
  parameters.set("error_description", NASTY);
}

export const PROVIDERS = {
  honest: () => ({}),
  "honest-too": () => ({}),
  "mixed-up": () => ({}),
  trusted: () => ({}),
  ...TOKENS,
  "metadata-issuer": ({ pass, honest }) => ({ [METADATA]: editedJson(pass, (metadata) => ({ ...metadata, issuer: honest })) }),
  "metadata-clear": ({ pass }) => ({ [METADATA]: editedJson(pass, (metadata) => ({ ...metadata, authorization_endpoint: "http://provider.example/auth" })) }),
  "metadata-500": at(METADATA, broken),
  "metadata-hang": at(METADATA, hang),
  "metadata-redirect": at(METADATA, redirectForever(302)),
  "metadata-html": at(METADATA, html),
  "metadata-huge": ({ pass }) => ({ [METADATA]: huge(pass) }),
  "jwks-huge": ({ pass }) => ({ "/jwks": huge(pass) }),
  "jwks-hang": at("/jwks", hang),
  "jwks-500": at("/jwks", broken),
  "token-500": at("/token", broken),
  "token-hang": at("/token", hang),
  "token-redirect": at("/token", redirectForever(307)), // Whoever follows sends the code and the secret again.
  "token-html": at("/token", html),
  "token-huge": ({ pass }) => ({ "/token": huge(pass) }),
  "token-slow-drip": ({ pass }) => ({ "/token": slowDrip(pass) }),
  "token-invalid-grant": at("/token", json({ error: "invalid_grant" }, 400)),
  "iss-parameter-wrong": sentBack((parameters, { honest }) => parameters.set("iss", honest)),
  "iss-parameter-missing": sentBack((parameters) => parameters.delete("iss")),
  "authorization-error": sentBack(failed),
};

/** A provider of OAuth 2 alone: no metadata, no ID token, no `iss`, and the account in an answer like GitHub's. */
function plain({ pass, ...context }) {
  const back = sentBack((parameters) => parameters.delete("iss"))({ pass, ...context })["/auth/*"];
  return {
    [METADATA]: fixed(404, "text/plain", "Not found"),
    "/auth": (request, response) => back(withScopes(request), response),
    "/auth/*": back,
    "/token": editedJson(pass, ({ id_token: _, ...tokens }) => tokens),
    "/me": edited(pass, likeGitHub),
  };
}

/** The library answers at `/me` only for the scope `openid`, which GitHub's callers do not ask for. */
function withScopes(request) {
  const url = new URL(request.url, "http://127.0.0.1");
  url.searchParams.set("scope", "openid email profile");
  request.url = url.pathname + url.search;
  return request;
}

function likeGitHub(answer) {
  if (answer.status !== 200) return;
  const { sub, name, email } = JSON.parse(answer.body);
  const id = createHash("sha256").update(sub).digest().readUInt32BE(); // A number, as GitHub's are.
  answer.body = JSON.stringify({ id, login: sub, name, email });
}

function without({ pass, ...context }) {
  const honest = plain({ pass, ...context });
  return { ...honest, "/me": editedJson(honest["/me"], ({ id: _, ...account }) => account) };
}

export const PLAIN = {
  plain,
  "plain-error-200": (context) => ({ ...plain(context), "/token": json({ error: "bad_verification_code" }) }),
  "plain-userinfo-500": (context) => ({ ...plain(context), "/me": broken }),
  "plain-no-id": without,
  "plain-userinfo-hang": (context) => ({ ...plain(context), "/me": hang }),
};
