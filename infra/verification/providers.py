"""Sign-ins at a provider: the example one, its client secret in both stores that AWS has for it, and browsers that go there."""

import base64
import hashlib
import json
import os
import re
import secrets
import subprocess
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from . import clients
from .emulator import free_port
from .tools import LOGS, ROOT, run
from .web import send

CLIENT_ID = "gatelet"
RETURN_TO = f"{clients.ORIGIN}/signed-in"
FOLDER = "cli/provider"
# More redirects than a provider needs for one sign-in.
HOPS = 8


class Provider:
    """One provider under three names, which differ in where the client secret lies. The last is in no list of what may be read."""

    NAMES = ("parameter", "secret", "unlisted")

    def __init__(self, aws):
        # The stack is told the address before the provider can be told the stack's.
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.secret = secrets.token_urlsafe(24)
        self._process = None
        parameters = aws.client("ssm")
        for name in ("parameter", "unlisted"):
            parameters.put_parameter(Name=f"/oauth/{name}", Type="SecureString", Value=self.secret)
        kept = aws.client("secretsmanager").create_secret(Name="oauth/secret", SecretString=self.secret)
        self.arns = {"secret": kept["ARN"]} | {
            name: parameters.get_parameter(Name=f"/oauth/{name}")["Parameter"]["ARN"] for name in ("parameter", "unlisted")}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process:
            self._process.kill()
            self._process.wait()

    @property
    def settings(self):
        """The parameter `OAuthProviders`."""
        common = {"issuer": self.issuer, "client_id": CLIENT_ID}
        return json.dumps([common | {"name": name, "client_secret": self.arns[name]} for name in self.NAMES])

    @property
    def listed(self):
        """The parameter `OAuthSecretArns`."""
        return f"{self.arns['parameter']},{self.arns['secret']}"

    def start(self, issuers):
        """Starts the provider for deployments with these issuers."""
        run(".ci/npm", FOLDER, check=True)
        redirects = [f"--redirect-uri={issuer}/oauth/{name}/callback" for issuer in issuers for name in self.NAMES]
        command = ["node", ROOT / FOLDER / "main.js", "--port", str(self.port), "--client-id", CLIENT_ID,
                   "--exit-with-stdin", *redirects]
        with (LOGS / "provider.log").open("w") as log:
            environment = os.environ | {"PROVIDER_CLIENT_SECRET": self.secret}
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=log)
        started = json.loads(self._process.stdout.readline() or "{}")
        assert started.get("issuer") == self.issuer, f"the provider did not start: {(LOGS / 'provider.log').read_text()[-500:]}"
        return []

    def visit(self, url, login):
        """Where the browser of `login` is sent in the end, who has no cookies of the provider yet."""
        jar = {}
        for _ in range(HOPS):
            if not url.startswith(f"{self.issuer}/"):
                return url
            cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
            if urlsplit(url).path.startswith("/interaction/"):
                answer = send("POST", url, cookies, form={"login": login, "action": "continue", "email_verified": "on"})
            else:
                answer = send("GET", url, cookies)
            jar |= {name: cookie.value for name, cookie in answer.cookies.items()}
            url = urljoin(url, answer.expect(303).headers["Location"])
        raise AssertionError(f"the provider redirects without end: {url}")


def come_back(page, provider, name, application, login, **asked):
    """Signs `login` in at the provider; what the callback answers."""
    query = urlencode({"client_id": application["application_id"], "return_to": RETURN_TO, "state": "here"} | asked)
    away = page.navigate(f"/oauth/{name}?{query}").expect(303)
    back = provider.visit(away.headers["Location"], login)
    issuer = page.stack.outputs()["Issuer"]
    assert back.startswith(f"{issuer}/oauth/{name}/callback?"), back
    return page.navigate(back.removeprefix(issuer))


def returned(answer):
    """What stands in the query of the address to which a callback sends the browser."""
    address = answer.expect(303).headers["Location"]
    assert address.startswith(f"{RETURN_TO}?"), address
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def by_cookies(stack, keys, provider, name):
    """A browser that has its session in cookies, from the provider to `whoami`."""
    found = set()
    for _ in range(2):
        page = clients.Browser(stack, keys["web"]["publishable_key"])
        assert returned(come_back(page, provider, name, keys["web"], "ada")) == {"state": "here"}
        assert {clients.ACCESS, clients.REFRESH} <= set(page.jar), f"the browser has {sorted(page.jar)}"
        found.add(page.send("GET", "/whoami").expect(200, authenticated=True).json["user_key"])
    assert len(found) == 1, f"the same identity has signed in {found}"
    return []


def by_code(stack, keys, provider, name):
    """An application that gets a code, and uses it twice."""
    client, code = clients.Service(stack, keys["service"]["secret_key"]), code_for(stack, keys, provider, name, "grace")
    client.tokens = client.send("POST", "/oauth/exchange", code).expect(200).json
    client.send("GET", "/token-info", token=client.access).expect(200, active=True)
    client.refresh()
    client.send("POST", "/oauth/exchange", code).expect(400, code="invalid_code")
    client.send("GET", "/token-info", token=client.access).expect(401, code="invalid_token")
    return []


def linked(stack, keys, provider, name):
    """A user with a password, to whom an identity is linked, by which they sign in, and from whom it is removed."""
    client = clients.Service(stack, keys["service"]["secret_key"]).sign_in("katherine")
    code = code_for(stack, keys, provider, name, "katherine", link="true")
    listed = client.send("POST", "/identities", code, token=client.access).expect(200, has_password=True).json["identities"]
    assert [identity["provider"] for identity in listed] == [name], listed

    other = clients.Service(stack, client.key)
    other.tokens = other.send("POST", "/oauth/exchange", code_for(stack, keys, provider, name, "katherine")).expect(200).json
    other.send("GET", "/identities", token=other.access).expect(200, has_password=True, identities=listed)
    other.send("DELETE", f"/identities/{listed[0]['identity_id']}", token=other.access).expect(200, identities=[])
    return []


def code_for(stack, keys, provider, name, login, **asked):
    """A code and its verifier, as `POST /oauth/exchange` takes them."""
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    page = clients.Browser(stack, keys["service"]["publishable_key"])
    asked |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    said = returned(come_back(page, provider, name, keys["service"], login, **asked))
    assert (said["state"], said["iss"]) == ("here", stack.outputs()["Issuer"]), said
    return {"code": said["code"], "code_verifier": verifier}


def refused(stack, keys, provider, names):
    """Without its ARN among `OAuthSecretArns`, a client secret is not read: 500, and the log says why without saying the secret."""
    group = stack.resources()["OauthCallbackLogs"]
    logs = stack.emulator.client("logs")
    for name in names:
        seen = len(_lines(logs, group))
        page = clients.Browser(stack, keys["web"]["publishable_key"])
        come_back(page, provider, name, keys["web"], "eve").expect(500, code="internal_error")
        assert not {clients.ACCESS, clients.REFRESH} & set(page.jar), f"the browser has {sorted(page.jar)}"
        lines = _lines(logs, group)
        assert re.search(r"refused with 40[03]: AccessDenied", "\n".join(lines[seen:])), lines[seen:]
        assert not [line for line in lines if provider.secret in line], "the log has the secret"
    return []


def _lines(logs, group):
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    return [event["message"] for page in pages for event in page["events"]]
