// ID tokens that must not be believed.
import { createPublicKey } from "node:crypto";
import { jose } from "../../cli/provider/provider.js";
import { editedJson, json } from "./answers.mjs";

const HOUR = 60 * 60;
const JWKS_ELSEWHERE = "/elsewhere/jwks";
const now = () => Math.floor(Date.now() / 1000);
const bytes = (text) => new TextEncoder().encode(text);

/** `forge(claims, context)` returns the token in place of the one with these claims. */
function forged(forge) {
  return (context) => ({ "/token": editedJson(context.pass, (answer) => replaced(answer, forge, context)) });
}

async function replaced(answer, forge, context) {
  if (!answer.id_token) return answer; // An error, which stays one.
  return { ...answer, id_token: await forge(jose.decodeJwt(answer.id_token), context) };
}

/** Other claims, rightly signed. A claim that is `undefined` is left out. */
function claims(change) {
  return forged((claims, context) => signed({ ...claims, ...change(claims, context) }, context.signingKey));
}

async function signed(claims, key, header = {}) {
  return compact(claims, { alg: key.alg, kid: key.kid, ...header }, await jose.importJWK(key));
}

function compact(claims, header, key) {
  return new jose.CompactSign(bytes(JSON.stringify(claims))).setProtectedHeader(header).sign(key);
}

function unsigned(claims) {
  return `${jose.base64url.encode(JSON.stringify({ alg: "none" }))}.${jose.base64url.encode(JSON.stringify(claims))}.`;
}

function publicPem(key) {
  return createPublicKey({ key, format: "jwk" }).export({ type: "spki", format: "pem" });
}

function publicPart({ kty, n, e, kid, use, alg }) {
  return { kty, n, e, kid, use, alg };
}

/** The key is where the token's header says, which is no place that a relying party may ask. */
function elsewhere(context) {
  const { issuer, otherKey } = context;
  const forge = (claims) => signed(claims, otherKey, { jku: issuer + JWKS_ELSEWHERE });
  return { ...forged(forge)(context), [JWKS_ELSEWHERE]: json({ keys: [publicPart(otherKey)] }) };
}

/** Has one key at a time, and only that one in its JWKS. */
function rotating({ pass, signingKey, otherKey }) {
  let key = signingKey;
  return {
    "/token": editedJson(pass, (answer) => replaced(answer, (claims) => signed(claims, key))),
    "/jwks": editedJson(pass, () => ({ keys: [publicPart(key)] })),
    "/control/rotate": (request, response) => {
      if (request.method === "POST") key = otherKey;
      response.writeHead(request.method === "POST" ? 204 : 405).end();
    },
  };
}

export const TOKENS = {
  "wrong-iss": claims((_, { honest }) => ({ iss: honest })),
  "wrong-aud": claims(() => ({ aud: "somebody-else" })),
  "extra-aud": claims((_, { clientId }) => ({ aud: [clientId, "somebody-else"], azp: clientId })),
  "wrong-azp": claims(() => ({ azp: "somebody-else" })),
  "wrong-nonce": claims(() => ({ nonce: "of-another-sign-in" })),
  "no-nonce": claims(() => ({ nonce: undefined })),
  "no-exp": claims(() => ({ exp: undefined })),
  "no-sub": claims(() => ({ sub: undefined })),
  // Each breaks one rule only, and those that are just inside the leeway of 30 seconds none.
  expired: claims(() => ({ iat: now() - 120, exp: now() - 35 })),
  "just-expired": claims(() => ({ iat: now() - 120, exp: now() - 15 })),
  "too-old": claims(() => ({ iat: now() - HOUR, exp: now() + HOUR })),
  "future-iat": claims(() => ({ iat: now() + 60, exp: now() + HOUR })),
  "just-ahead": claims(() => ({ iat: now() + 15, exp: now() + HOUR })),
  "alg-none": forged((claims) => unsigned(claims)),
  "hs256-secret": forged((claims, { secret }) => compact(claims, { alg: "HS256" }, bytes(secret))),
  "hs256-public": forged((claims, { signingKey }) => compact(claims, { alg: "HS256", kid: signingKey.kid }, bytes(publicPem(signingKey)))),
  "swapped-keys": forged((claims, { signingKey, otherKey }) => signed(claims, otherKey, { kid: signingKey.kid })),
  "unknown-kid": forged((claims, { otherKey }) => signed(claims, otherKey)),
  "no-id-token": forged(() => undefined),
  "garbage-id-token": forged(() => "this.is not.a token"),
  jku: elsewhere,
  "rotating-keys": rotating,
};
