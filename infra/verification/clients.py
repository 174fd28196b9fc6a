"""The three clients of the README, against a deployed stack."""

from .web import bearer, send

ORIGIN = "https://app.example.com"
SECRET = "nine teal kettles sing"
ACCESS, REFRESH, DEVICE = "__Host-access_token", "__Secure-refresh_token", "__Secure-device_token"

# The options of `gatelet app create`, by name.
APPLICATIONS = {
    "web": ("--delivery", "cookie", "--origin", ORIGIN, "--return-to", f"{ORIGIN}/signed-in"),
    "service": ("--return-to", f"{ORIGIN}/signed-in"),
    "legacy": ("--no-rotation", "--refresh-idle", "30d", "--access-lifetime", "1h"),
}


class Browser:
    """Keeps cookies, says where its page is from, and shows a script no token."""

    def __init__(self, stack, key):
        self.stack = stack
        self.headers = {"Api-Key": key, "Origin": ORIGIN}
        self.jar = {}

    def navigate(self, path):
        """As whoever follows a link, which sends no header of a script's."""
        return self.send("GET", path, headers={})

    def send(self, method, path, body=None, headers=None):
        headers = self.headers if headers is None else headers
        cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items())} if self.jar else {}
        answer = send(method, self.stack.url(f"/api/v1/auth{path}"), headers | cookies, body)
        for name, cookie in answer.cookies.items():
            self.jar[name] = cookie.value
            if cookie["max-age"] == "0":
                del self.jar[name]
        return answer


def browser(stack, keys):
    """Cookies from sign-in to sign-out."""
    page = Browser(stack, keys["web"]["publishable_key"])
    person = {"user_id": "ada", "user_secret": SECRET}
    page.send("POST", "/register", person).expect(201)
    page.send("GET", "/whoami").expect(200, authenticated=False)
    signed_in = page.send("POST", "/authenticate", person).expect(200, access_token=None, refresh_token=None)
    for name, path, site in ((ACCESS, "/", "Lax"), (REFRESH, "/api/v1/auth", "Strict"), (DEVICE, "/api/v1/auth/authenticate", "Strict")):
        cookie = signed_in.cookies[name]
        found = (cookie["httponly"], cookie["secure"], cookie["path"], cookie["samesite"])
        assert found == (True, True, path, site), f"{name}: {found}"
    page.send("GET", "/whoami").expect(200, authenticated=True)

    before = dict(page.jar)
    page.send("POST", "/refresh").expect(200, refresh_token=None)
    assert all(page.jar[name] != before[name] for name in (ACCESS, REFRESH)), "the cookies were not replaced"

    spoiled = Browser(stack, page.headers["Api-Key"])
    spoiled.jar = {ACCESS: page.jar[ACCESS][:-2]}
    spoiled.send("GET", "/whoami").expect(401, code="invalid_token")
    elsewhere = Browser(stack, page.headers["Api-Key"])
    elsewhere.headers["Origin"], elsewhere.jar = "https://evil.example", dict(page.jar)
    elsewhere.send("POST", "/refresh").expect(403, code="origin_not_allowed")

    ended = Browser(stack, page.headers["Api-Key"])
    ended.jar = dict(page.jar)
    page.send("DELETE", "/logout").expect(200, revoked=True)
    assert set(page.jar) == {DEVICE}, f"signing out leaves {sorted(page.jar)}"
    ended.send("GET", "/token-info").expect(401, code="invalid_token")
    return []


class Service:
    """Sends its secret key with every request, and keeps the tokens itself."""

    def __init__(self, stack, key):
        self.stack = stack
        self.key = key
        self.tokens = {}

    def send(self, method, path, body=None, token=None, form=None):
        headers = {"Api-Key": self.key} | (bearer(token) if token else {})
        return send(method, self.stack.url(f"/api/v1/auth{path}"), headers, body, form)

    def sign_in(self, user_id):
        """Registers a user and signs them in."""
        person = {"user_id": user_id, "user_secret": SECRET}
        self.send("POST", "/register", person).expect(201)
        self.tokens = self.send("POST", "/authenticate", person).expect(200).json
        return self

    @property
    def access(self):
        return self.tokens["access_token"]

    def refresh(self):
        self.tokens = self.send("POST", "/refresh", {"refresh_token": self.tokens["refresh_token"]}).expect(200).json


def service(stack, keys, names=("grace", "edsger")):
    """Rotating tokens from sign-in to sign-out."""
    client = Service(stack, keys["service"]["secret_key"]).sign_in(names[0])
    first = dict(client.tokens)
    client.send("GET", "/token-info", token=client.access).expect(200, active=True, client_id=keys["service"]["application_id"])
    client.send("GET", "/token-info", token="as.if.expired").expect(401, code="invalid_token")
    client.refresh()
    assert client.tokens["refresh_token"] != first["refresh_token"], "the refresh token was not rotated"
    client.send("GET", "/token-info", token=client.access).expect(200, active=True)
    client.send("GET", "/token-info", token=client.access + "%").expect(401, code="invalid_token")

    asked = {"token": client.access}
    client.send("GET", "/sessions", token=client.access).expect(200)
    client.send("POST", "/introspect", form=asked).expect(200, active=True)
    client.send("DELETE", "/logout", token=client.access).expect(200, revoked=True)
    client.send("GET", "/token-info", token=client.access).expect(401, code="invalid_token")
    client.send("POST", "/refresh", {"refresh_token": client.tokens["refresh_token"]}).expect(401, code="invalid_grant")
    client.send("POST", "/introspect", form=asked).expect(200, active=False)

    again = Service(stack, client.key).sign_in(names[1])
    again.send("POST", "/revoke", form={"token": again.tokens["refresh_token"]}).expect(200)
    again.send("GET", "/token-info", token=again.access).expect(401, code="invalid_token")
    return []


def script(stack, keys):
    """One refresh token, used again and again."""
    client = Service(stack, keys["legacy"]["publishable_key"]).sign_in("nightly-report")
    token = client.tokens["refresh_token"]
    for _ in range(2):
        answer = client.send("POST", "/refresh", {"refresh_token": token}).expect(200, expires_in=3600, refresh_token=None)
        client.send("GET", "/token-info", token=answer.json["access_token"]).expect(200, active=True)
    return []
