"""Does what a resource server in Python does with our tokens, with the libraries that it would use: joserfc and Authlib.

Standard input says where the stack is and holds two sessions; each check is one line of output.
"""

import base64
import json
import sys
import warnings

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6750.errors import InvalidTokenError
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc import jwt
from joserfc.errors import BadSignatureError, ClaimError, InvalidKeyIdError, UnsupportedAlgorithmError
from joserfc.jwk import KeySet

# `EdDSA` is the name of RFC 8037, which RFC 9864 deprecates.
warnings.simplefilter("ignore")
SETTING = json.load(sys.stdin)
ISSUER, AUDIENCE, ALGORITHM = (SETTING[name] for name in ["issuer", "audience", "algorithm"])
KEPT, REVOKED = SETTING["sessions"]
HTTP = requests.Session()
HTTP.trust_env = False
METADATA = HTTP.get(f"{ISSUER}/.well-known/openid-configuration").json()
PUBLISHED = HTTP.get(METADATA["jwks_uri"]).json()
KEYS = KeySet.import_key_set(PUBLISHED)
REQUIRED = {name: {"essential": True} for name in ["exp", "iat", "nbf", "sub", "jti", "client_id", "sid", "auth_time"]}


def main():
    metadata()
    access_tokens()
    rfc9068()
    introspection_and_revocation()


def metadata():
    secure = {name: value.replace("http://", "https://") if isinstance(value, str) else value for name, value in METADATA.items()}
    judged = AuthorizationServerMetadata(secure)
    # RFC 8414 §2 requires both of an authorization server. Gatelet has no grant types, hence no token endpoint, and the list
    # of its response types is empty, which Authlib takes for absent.
    for name in [name for name in judged.REGISTRY_KEYS if name not in {"token_endpoint", "response_types_supported"}]:
        getattr(judged, f"validate_{name}")()
    expect("Authlib accepts the metadata, once its addresses are HTTPS", METADATA["issuer"], ISSUER)
    expect("joserfc finds only public keys", [key.is_private for key in KEYS.keys], [False] * len(PUBLISHED["keys"]))


def access_tokens():
    claims = decode(KEPT["access_token"])
    expect("joserfc accepts an access token", claims["client_id"], SETTING["client_id"])
    refuses("joserfc refuses a spoiled signature", BadSignatureError, lambda: decode(spoiled(KEPT["access_token"])))
    other = changed(KEPT["access_token"], 1, sub="x")
    refuses("joserfc refuses changed claims", BadSignatureError, lambda: decode(other))
    for algorithm in ["none", "HS256"]:
        other = changed(KEPT["access_token"], 0, alg=algorithm)
        refuses(f"joserfc refuses {algorithm}", UnsupportedAlgorithmError, lambda: decode(other))
    other = changed(KEPT["access_token"], 0, kid="x")
    refuses("joserfc refuses an unknown key", InvalidKeyIdError, lambda: decode(other))
    refuses("joserfc refuses another audience", ClaimError, lambda: decode(KEPT["access_token"], aud="x"))
    refuses("joserfc refuses another issuer", ClaimError, lambda: decode(KEPT["access_token"], iss="x"))


def decode(token, iss=ISSUER, aud=AUDIENCE):
    read = jwt.decode(token, KEYS, algorithms=[ALGORITHM])
    expect("the type", read.header["typ"], "at+jwt", quiet=True)
    exact = {"iss": {"essential": True, "value": iss}, "aud": {"essential": True, "value": aud}}
    jwt.JWTClaimsRegistry(**exact, **REQUIRED).validate(read.claims)
    return read.claims


class Validator(JWTBearerTokenValidator):
    def get_jwks(self):
        return PUBLISHED


def rfc9068():
    """Authlib's own validator takes the algorithms that joserfc recommends, and EdDSA is not among them any more."""
    if ALGORITHM == "EdDSA":
        return
    validator = Validator(ISSUER, AUDIENCE)
    token = validator.authenticate_token(KEPT["access_token"])
    validator.validate_token(token, [], None)
    expect("Authlib accepts it by the profile of RFC 9068", token["sub"], decode(KEPT["access_token"])["sub"])
    spoilt = spoiled(KEPT["access_token"])
    refuses("Authlib refuses a spoiled signature", InvalidTokenError, lambda: validator.authenticate_token(spoilt))

    elsewhere = Validator(ISSUER, "https://other.example")
    token = elsewhere.authenticate_token(KEPT["access_token"])
    refuses("Authlib refuses another audience", InvalidTokenError, lambda: elsewhere.validate_token(token, [], None))


def introspection_and_revocation():
    client = session(SETTING["client_secret"])
    tokens = [REVOKED["access_token"], REVOKED["refresh_token"]]
    answers = [introspect(client, token).json() for token in tokens]
    expect("Authlib reads the introspection of both tokens", [answer["active"] for answer in answers], [True, True])
    expect("both are the same user's", answers[0]["sub"], answers[1]["sub"])

    stranger = session("sk_wrong")
    expect("a wrong secret is 401", introspect(stranger, tokens[0]).status_code, 401)
    expect("a wrong secret can't revoke", revoke(stranger, tokens[0]).status_code, 401)
    expect("and did not", introspect(client, tokens[0]).json()["active"], True)

    expect("Authlib revokes a session by its access token", revoke(client, tokens[0]).status_code, 200)
    for token in [*tokens, spoiled(KEPT["access_token"]), "nothing"]:
        expect("nothing but `active` is said of it", introspect(client, token).json(), {"active": False}, quiet=True)
    expect("the other session lives", introspect(client, KEPT["access_token"]).json()["active"], True)
    expect("what was never a token is revoked with 200", revoke(client, "nothing").status_code, 200)


def session(secret):
    made = OAuth2Session(SETTING["client_id"], secret, token_endpoint_auth_method="client_secret_basic")
    made.trust_env = False
    return made


def introspect(client, token):
    return client.introspect_token(METADATA["introspection_endpoint"], token=token)


def revoke(client, token):
    return client.revoke_token(METADATA["revocation_endpoint"], token=token)


def changed(token, part, **members):
    """The token with other members in its header (0) or claims (1), under the signature that it had."""
    parts = token.split(".")
    value = json.loads(base64.urlsafe_b64decode(parts[part] + "=="))
    parts[part] = base64.urlsafe_b64encode(json.dumps({**value, **members}).encode()).decode().rstrip("=")
    return ".".join(parts)


def spoiled(token):
    at = token.rindex(".") + 1
    return token[:at] + ("B" if token[at] == "A" else "A") + token[at + 1 :]


def expect(what, actual, expected, quiet=False):
    if actual != expected:
        sys.exit(f"FAILED: {what}: expected {expected!r}, got {actual!r}")
    if not quiet:
        print(f"ok: {what}", flush=True)


def refuses(what, error, does):
    try:
        does()
    except error:
        print(f"ok: {what}", flush=True)
    else:
        sys.exit(f"FAILED: {what}")


if __name__ == "__main__":
    main()
