// An honest OpenID provider for loopback, on the certified `oidc-provider`: it believes whatever name is typed.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import * as jose from "jose";
import { HEADERS, errorPage, interactions } from "./pages.js";

/** The tests sign with the same library, and have no packages of their own. */
export { jose };

/** What an error is called when whoever asked has gone, which is their good right. */
export const GONE = new Set(["EPIPE", "ECONNRESET", "ERR_STREAM_PREMATURE_CLOSE"]);

// Imported late, since the library complains of Node 20 while it is imported.
const loud = hush();
const { Provider, interactionPolicy } = await import("oidc-provider");
loud();

/**
 * Starts a provider, on a free port unless `port` names one. `clients` are as `oidc-provider` wants them: `client_id`,
 * `client_secret`, `redirect_uris`. Without a `signingKey` it makes one. `configure(configuration)` may change what the
 * provider is made of, and `wrap(handler, started)` returns what answers requests in place of `handler`.
 */
export async function startProvider({ port = 0, host = "127.0.0.1", clients, signingKey, configure, wrap = (handler) => handler }) {
  signingKey ??= await newSigningKey();
  const server = http.createServer();
  server.listen(port, host);
  await once(server, "listening"); // The issuer contains the port.
  const issuer = `http://${host}:${server.address().port}`;
  const accounts = new Map();
  const configuration = configured(server.address().port, clients, signingKey, accounts);
  configure?.(configuration);
  const provider = construct(issuer, configuration);
  provider.on("error", (error) => GONE.has(error.code) || console.error(error));
  provider.on("server_error", (_context, error) => console.error(error));
  const started = { issuer, provider, signingKey, close: () => close(server) };
  server.on("request", wrap(answering(provider, accounts), started));
  return started;
}

/** A new private key for ID tokens, as a JWK. */
export async function newSigningKey() {
  const { privateKey } = await jose.generateKeyPair("RS256", { extractable: true });
  const jwk = await jose.exportJWK(privateKey);
  return { ...jwk, kid: await jose.calculateJwkThumbprint(jwk), use: "sig", alg: "RS256" };
}

function answering(provider, accounts) {
  const [page, others] = [interactions(provider, accounts), provider.callback()];
  return (request, response) => (request.url.startsWith("/interaction/") ? page : others)(request, response);
}

/** Waits for nobody: an answer that never ends must not keep the process. */
async function close(server) {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

function configured(port, clients, signingKey, accounts) {
  const hour = 60 * 60;
  return {
    clients,
    jwks: { keys: [signingKey] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    conformIdTokenClaims: false, // As the large providers do: the address is in the ID token.
    responseTypes: ["code"],
    clientAuthMethods: ["client_secret_basic", "client_secret_post"], // Whichever of them a client is registered with, both work.
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false }, userinfo: { enabled: true }, rpInitiatedLogout: { enabled: false } },
    interactions: { policy: policy(), url: (_context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_context, id) => account(id, accounts),
    // The rest only replaces defaults that complain of being used.
    clientBasedCORS: () => false,
    renderError,
    ttl: { AccessToken: hour, AuthorizationCode: 60, Grant: 24 * hour, IdToken: hour, Interaction: hour, Session: 24 * hour },
    cookies: { keys: [randomBytes(32).toString("base64url")], names: cookieNames(port) },
  };
}

function renderError(context, { error, error_description: description }) {
  context.set(HEADERS);
  context.body = errorPage(error, description);
}

/** Cookies know no ports: two providers on one host would take away each other's, were they called the same. */
function cookieNames(port) {
  return { session: `provider_${port}`, interaction: `provider_${port}_interaction`, resume: `provider_${port}_resume` };
}

/** The usual policy, and `prompt=select_account`, which the library would refuse. */
function policy() {
  const prompts = interactionPolicy.base();
  prompts.add(new interactionPolicy.Prompt({ name: "select_account", requestable: true }), 0);
  return prompts;
}

function account(id, accounts) {
  const known = accounts.get(id);
  return known && { accountId: id, claims: () => ({ sub: id, name: id, ...known }) };
}

function construct(issuer, configuration) {
  const loud = hush();
  try {
    return new Provider(issuer, configuration);
  } finally {
    loud();
  }
}

/** Keeps the library from advising what production needs, such as a database. Returns what ends it; other messages come through. */
function hush() {
  const { warn, info } = console;
  const without = (write) => (...parts) => /oidc-provider (NOTICE|WARNING)/.test(parts[0]) || write(...parts);
  Object.assign(console, { warn: without(warn), info: without(info) });
  return () => Object.assign(console, { warn, info });
}
