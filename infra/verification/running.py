"""What the deployed functions answer, through the HTTP API and with no rights but their own."""

import base64
import json
import os

from . import clients, providers
from .assertions import invoked
from .deployed import DOMAIN
from .web import bearer, send
from .templates import REGION, listed, of_type
from .tools import run



def verify(report, main, example, keys, provider):
    """Seeds the stack as an administrator does, and lets clients use it. `keys` is filled in."""
    report.heading("Running")
    report.check("`gatelet keys create` and `gatelet app create` work on the stack", lambda: _seed(main, keys))
    report.check("the README's browser app", lambda: clients.browser(main, keys))
    report.check("the README's API client, with introspection and revocation", lambda: clients.service(main, keys))
    report.check("the README's script", lambda: clients.script(main, keys))
    issuers = (main.outputs()["Issuer"], f"https://{DOMAIN}/api/v1/auth")
    report.check("the example provider starts", lambda: provider.start(issuers))
    report.check("a client secret that the stack does not list is refused, and the log does not tell it",
                 lambda: providers.refused(main, keys, provider, provider.NAMES))
    _invoke(report, main)
    report.check("discovery and keys are those of this deployment", lambda: _discovery(main, {"RS256"}))

    held = {}
    report.check("a user of the example's API signs in", lambda: _guest(main, keys, held))
    report.check("the required authorizer", lambda: _required(example, held["guest"]))
    report.check("the optional authorizer", lambda: _optional(example, held["guest"]))
    native = [route["RouteKey"] for route in of_type(example.template, "AWS::ApiGatewayV2::Route").values()
              if route.get("AuthorizationType") == "JWT"]
    for key in native:
        report.check(f"API Gateway's own JWT authorizer: {key}", lambda: _native(example, held["guest"], key))
    report.check("a session that is over passes no Lambda authorizer", lambda: _over(example, held["guest"]))
    _limits(report, native)


def again(report, main, keys, provider):
    """The same stack after its update: data, keys and sessions are still there."""
    _invoke(report, main)
    report.check("discovery is that of the new domain, and the next key is published", lambda: _discovery(main, {"RS256", "ES256"}))
    report.check("the API client, with every option on", lambda: clients.service(main, keys, ("linus", "ken")))
    _providers(report, main, keys, provider)
    report.not_shown("gradual deployment and rollback: the emulator has no CodeDeploy, and takes its resources as they come")
    report.not_shown("the domain's name, alarms that ring, traces: the emulator keeps these settings and does nothing with them")


def _providers(report, main, keys, provider):
    """Whole sign-ins, now that the stack lists two client secrets."""
    for name in ("parameter", "secret"):
        for how, sign_in in (("with cookies", providers.by_cookies), ("with a code, which works once", providers.by_code)):
            report.check(f"sign-in at a provider {how}; its client secret is a {name}, read by ARN",
                         lambda sign_in=sign_in, name=name: sign_in(main, keys, provider, name))
    report.check("an identity is linked, signs in, and is removed", lambda: providers.linked(main, keys, provider, "parameter"))
    report.check("a client secret that is not among the listed is refused still",
                 lambda: providers.refused(main, keys, provider, ["unlisted"]))


def _limits(report, native):
    report.not_shown("signing with ES256 and EdDSA on the stack: it signs with RS256, for the native authorizer, and a new "
                     "key waits for hours before it signs; `cargo test` has the others")
    report.not_shown("`event.cookies`: the emulator leaves cookies in the header `cookie`; "
                     "`cargo test` sends the list, as API Gateway does")
    report.not_shown("that API Gateway may invoke the functions: the emulator does not ask their permissions; the level "
                     "`text` holds them against the integrations")
    report.not_shown("throttling, and access logs: the emulator keeps the settings and does nothing with them")
    report.not_shown("TLS, and the arm64 binaries: the emulator runs the x86-64 ones of the same sources")
    if not native:
        report.not_shown("API Gateway's own JWT authorizer: the example has no such route")


def gatelet(stack, *arguments):
    """Runs the administration command on a stack, and reads its answer."""
    endpoint = ("--stack", stack.name, "--endpoint-url", stack.emulator.endpoint, "--region", REGION)
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    done = run("cargo", "gatelet", *arguments, "--json", *endpoint, env=os.environ | credentials)
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout)


def _seed(main, keys):
    gatelet(main, "keys", "create", "--algorithm", "RS256")
    for name, options in clients.APPLICATIONS.items():
        keys[name] = gatelet(main, "app", "create", name, *options)
    return []


def _discovery(main, algorithms):
    base = main.outputs()["Issuer"]
    metadata = send("GET", main.url("/api/v1/auth/.well-known/openid-configuration"))
    metadata.expect(200, issuer=base, jwks_uri=f"{base}/.well-known/jwks.json")
    send("GET", main.url("/.well-known/oauth-authorization-server/api/v1/auth")).expect(200, issuer=base)
    published = send("GET", main.url("/api/v1/auth/.well-known/jwks.json")).expect(200).json["keys"]
    assert {key["alg"] for key in published} == algorithms, published
    private = {"d", "p", "q", "dp", "dq", "qi", "k"}
    assert not private.intersection(*published), "a private key is published"
    return []


def scheduled(template):
    """The functions that a schedule invokes."""
    rules = of_type(template, "AWS::Events::Rule", "AWS::Scheduler::Schedule").values()
    return [invoked(template, to["Arn"]) for rule in rules for to in listed(rule.get("Targets") or rule.get("Target", []))]


def _invoke(report, main):
    for id in scheduled(main.template):
        report.check(f"{id}, as its schedule invokes it", lambda id=id: _scheduled(main, id))


def _scheduled(main, id):
    """What EventBridge sends is the object that the rule names, or one that it makes up."""
    invoke = main.emulator.client("lambda").invoke
    for _ in range(2):
        answer = invoke(FunctionName=main.resources()[id], Payload=json.dumps({"source": "aws.events"}))
        text = answer["Payload"].read().decode()
        assert answer["StatusCode"] == 200 and "FunctionError" not in answer, text
        assert isinstance(json.loads(text), dict), text
    return []


def _guest(main, keys, held):
    held["guest"] = clients.Service(main, keys["service"]["secret_key"]).sign_in("barbara")
    return []


def spoiled(token):
    """The token with one bit of its signature changed."""
    head, signature = token.rsplit(".", 1)
    raw = bytearray(base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4)))
    raw[0] ^= 1
    return f"{head}.{base64.urlsafe_b64encode(raw).decode().rstrip('=')}"


def subject(token):
    """The claim `sub`, unverified."""
    claims = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]


def _required(example, guest):
    url = example.url("/orders")
    send("GET", url, bearer(guest.access)).expect(200, hello=subject(guest.access))
    send("GET", url).expect(401)
    send("GET", url, bearer(spoiled(guest.access))).expect(403)
    return []


def _optional(example, guest):
    url = example.url("/catalogue")
    send("GET", url, bearer(guest.access)).expect(200, hello=subject(guest.access))
    send("GET", url).expect(200, hello="stranger")
    send("GET", url, bearer(spoiled(guest.access))).expect(403)
    return []


def _native(example, guest, key):
    method, path = key.split(" ")
    url = example.url(path)
    send(method, url, bearer(guest.access)).expect(200)
    send(method, url).expect(401)
    send(method, url, bearer(spoiled(guest.access))).expect(401)
    return []


def _over(example, guest):
    guest.send("DELETE", "/logout", token=guest.access).expect(200)
    for path in ("/orders", "/catalogue"):
        send("GET", example.url(path), bearer(guest.access)).expect(403)
    return []
