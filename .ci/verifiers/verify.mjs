// Does what a resource server in JavaScript does with our tokens, with the libraries that it would use: jose and
// oauth4webapi. Standard input says where the stack is and holds two sessions; each check is one line of output.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as jose from "jose";
import * as oauth from "oauth4webapi";

const { issuer, audience, algorithm, client_id, client_secret, sessions } = JSON.parse(readFileSync(0, "utf8"));
const [kept, revoked] = sessions;
const insecure = { [oauth.allowInsecureRequests]: true };
const client = { client_id };
const secret = oauth.ClientSecretBasic(client_secret);

async function check(name, does) {
  try {
    await does();
  } catch (error) {
    console.log(`FAILED: ${name}: ${error.stack}`);
    process.exit(1);
  }
  console.log(`ok: ${name}`);
}

// A refusal counts only if it is the one that is meant.
async function refuses(name, code, does) {
  await check(name, () => assert.rejects(does, { code }));
}

function discover(kind) {
  return oauth
    .discoveryRequest(new URL(issuer), { algorithm: kind, ...insecure })
    .then((response) => oauth.processDiscoveryResponse(new URL(issuer), response));
}

const server = await discover("oauth2");
const keys = jose.createRemoteJWKSet(new URL(server.jwks_uri));

const verify = (token, options) =>
  jose.jwtVerify(token, keys, { issuer, audience, typ: "at+jwt", algorithms: [algorithm], ...options });

function validate(token, expected = audience) {
  const request = new Request("https://api.example.com/", { headers: { authorization: `Bearer ${token}` } });
  return oauth.validateJwtAccessToken(server, request, expected, { signingAlgorithms: [algorithm], ...insecure });
}

const introspect = (token, authentication = secret) =>
  oauth
    .introspectionRequest(server, client, authentication, token, insecure)
    .then((response) => oauth.processIntrospectionResponse(server, client, response));

const revoke = (token, authentication = secret) =>
  oauth.revocationRequest(server, client, authentication, token, insecure).then(oauth.processRevocationResponse);

const recode = (part, change) => {
  const value = JSON.parse(new TextDecoder().decode(jose.base64url.decode(part)));
  return jose.base64url.encode(JSON.stringify({ ...value, ...change }));
};

// The token with another header and other claims, under the signature that it had.
function changed(token, header, claims) {
  const parts = token.split(".");
  return [recode(parts[0], header), recode(parts[1], claims), parts[2]].join(".");
}

const spoiled = (token) => {
  const at = token.lastIndexOf(".") + 1;
  return token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
};

await check("oauth4webapi finds the metadata at both addresses", async () => {
  assert.deepEqual(await discover("oidc"), server);
  assert.ok(server.id_token_signing_alg_values_supported.includes(algorithm));
});
await refuses("oauth4webapi refuses the metadata under another issuer", oauth.JSON_ATTRIBUTE_COMPARISON, async () => {
  const response = await oauth.discoveryRequest(new URL(issuer), insecure);
  await oauth.processDiscoveryResponse(new URL("https://evil.example"), response);
});
await check("jose imports each key, which holds nothing private and says what it is for", async () => {
  const { keys } = await (await fetch(server.jwks_uri)).json();
  assert.ok(keys.length > 0);
  for (const key of keys) {
    const imported = await jose.importJWK(key);
    assert.equal(imported.type, "public");
    assert.deepEqual([key.use, key.alg], ["sig", algorithm]);
    assert.ok(key.kid.length > 0);
    assert.ok((await jose.calculateJwkThumbprint(key)).length === 43);
  }
});

const { payload: claims, protectedHeader } = await verify(kept.access_token);
await check("jose accepts an access token", () => {
  assert.deepEqual(Object.keys(protectedHeader).sort(), ["alg", "kid", "typ"]);
  assert.equal(claims.client_id, client_id);
  assert.equal(claims.sid.length, 36);
});
await check("oauth4webapi accepts it by the profile of RFC 9068", async () =>
  assert.deepEqual(await validate(kept.access_token), claims),
);

for (const [name, code, token, options] of [
  ["a spoiled signature", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED", spoiled(kept.access_token)],
  ["changed claims", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED", changed(kept.access_token, {}, { sub: "x" })],
  ["the algorithm none", "ERR_JOSE_ALG_NOT_ALLOWED", changed(kept.access_token, { alg: "none" }, {})],
  ["HMAC", "ERR_JOSE_ALG_NOT_ALLOWED", changed(kept.access_token, { alg: "HS256" }, {})],
  ["an unknown key", "ERR_JWKS_NO_MATCHING_KEY", changed(kept.access_token, { kid: "x" }, {})],
  ["another audience", "ERR_JWT_CLAIM_VALIDATION_FAILED", kept.access_token, { audience: "https://other.example" }],
  ["another issuer", "ERR_JWT_CLAIM_VALIDATION_FAILED", kept.access_token, { issuer: "https://other.example" }],
  ["an ID token's type", "ERR_JWT_CLAIM_VALIDATION_FAILED", kept.access_token, { typ: "JWT" }],
  ["an expired token", "ERR_JWT_EXPIRED", kept.access_token, { currentDate: new Date((claims.exp + 1) * 1000) }],
]) {
  await refuses(`jose refuses ${name}`, code, () => verify(token, options));
}
await refuses("oauth4webapi refuses a spoiled signature", oauth.INVALID_RESPONSE, () =>
  validate(spoiled(kept.access_token)),
);
await refuses("oauth4webapi refuses another audience", oauth.JWT_CLAIM_COMPARISON, () =>
  validate(kept.access_token, "https://other.example"),
);

await check("oauth4webapi reads the introspection of both tokens", async () => {
  const access = await introspect(revoked.access_token);
  assert.equal(access.active, true);
  const { payload } = await verify(revoked.access_token);
  for (const [name, value] of Object.entries(payload)) assert.deepEqual(access[name], value, name);
  const refresh = await introspect(revoked.refresh_token);
  assert.deepEqual([refresh.active, refresh.sub, refresh.client_id], [true, payload.sub, client_id]);
});
await check("oauth4webapi reads that a spoiled token is not active", async () => {
  assert.deepEqual(await introspect(spoiled(revoked.access_token)), { active: false });
  assert.deepEqual(await introspect(`${revoked.refresh_token.slice(0, -1)}$`), { active: false });
});
await refuses("oauth4webapi sees that a wrong secret is challenged", oauth.WWW_AUTHENTICATE_CHALLENGE, () =>
  introspect(revoked.access_token, oauth.ClientSecretBasic("sk_wrong")),
);
await refuses("oauth4webapi sees that a wrong secret revokes nothing", oauth.WWW_AUTHENTICATE_CHALLENGE, () =>
  revoke(revoked.refresh_token, oauth.ClientSecretBasic("sk_wrong")),
);
await check("oauth4webapi revokes a session by its refresh token, and only that one", async () => {
  assert.equal((await introspect(revoked.access_token)).active, true);
  await revoke(revoked.refresh_token);
  assert.deepEqual(await introspect(revoked.access_token), { active: false });
  assert.deepEqual(await introspect(revoked.refresh_token), { active: false });
  assert.equal((await introspect(kept.access_token)).active, true);
});
await check("oauth4webapi may revoke it again, and what was never a token", async () => {
  await revoke(revoked.refresh_token);
  await revoke("nothing");
});
