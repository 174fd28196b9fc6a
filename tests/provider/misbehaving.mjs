// Many providers in one process, each honest but for what its name says: what a relying party must withstand.
//
// `node misbehaving.mjs --client-id ID (--redirect-base URL | --any-redirect) [--exit-with-stdin]`, with the client's secret in
// PROVIDER_CLIENT_SECRET. One line of JSON says where they are. `GET /control/counts` at each of them counts its requests by
// path, and `POST /control/rotate` at rotating-keys changes its key.
import { parseArgs } from "node:util";
import { newSigningKey, startProvider } from "../../cli/provider/provider.js";
import { answering } from "./answers.mjs";
import { PLAIN, PROVIDERS } from "./variants.mjs";

const OPTIONS = {
  "client-id": { type: "string" },
  "redirect-base": { type: "string" },
  "any-redirect": { type: "boolean" },
  "exit-with-stdin": { type: "boolean" },
};
const PATH = "/api/v1/auth/oauth";

const { values } = parseArgs({ options: OPTIONS });
const [clientId, secret, base] = [values["client-id"], process.env.PROVIDER_CLIENT_SECRET, values["redirect-base"]];
if (!clientId || !secret || !base === !values["any-redirect"]) {
  console.error("misbehaving: give --client-id, PROVIDER_CLIENT_SECRET, and either --redirect-base or --any-redirect");
  process.exit(1);
}
const running = [];
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, end);
if (values["exit-with-stdin"]) process.stdin.on("close", end).resume();

// Making a key for each would take seconds. Only honest has one that no other has.
const [honestKey, commonKey, otherKey] = await Promise.all([newSigningKey(), newSigningKey(), newSigningKey()]);
const shared = { clientId, secret, otherKey };
shared.honest = await start("honest", PROVIDERS.honest); // First, since others pretend to be it.
const providers = await startAll(PROVIDERS, (issuer) => issuer);
const plain = await startAll(PLAIN, endpoints);
console.log(JSON.stringify({ providers, plain }));

async function startAll(variants, describe) {
  const started = Object.entries(variants).map(async ([name, variant]) => {
    return [name, describe(name === "honest" ? shared.honest : await start(name, variant))];
  });
  return Object.fromEntries(await Promise.all(started));
}

async function start(name, variant) {
  const registered = `${base ?? `http://127.0.0.1${PATH}`}/${name}/callback`;
  const clients = [{ client_id: clientId, client_secret: secret, redirect_uris: [registered] }];
  const wrap = (pass, started) => answering(pass, variant({ ...shared, ...started, pass }));
  const started = await startProvider({ clients, wrap, signingKey: name === "honest" ? honestKey : commonKey });
  if (!base) acceptAnyPort(started.provider, name);
  running.push(started);
  return started.issuer;
}

/** The relying party is told the issuers before it has a port, so its redirect URI cannot be registered. */
function acceptAnyPort(provider, name) {
  const allowed = new RegExp(`^http://127\\.0\\.0\\.1:\\d{1,5}${PATH}/${name}/callback$`);
  provider.Client.prototype.redirectUriAllowed = (uri) => allowed.test(uri);
}

function endpoints(issuer) {
  return { authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, userinfo_endpoint: `${issuer}/me` };
}

async function end() {
  await Promise.all(running.splice(0).map((provider) => provider.close()));
  process.exit(0);
}
