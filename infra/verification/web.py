"""Requests as clients send them, and what must come back."""

import json
import urllib.error
import urllib.parse
import urllib.request
from http.cookies import SimpleCookie

SECONDS = 30


class Answer:
    """An HTTP response."""

    def __init__(self, status, headers, content):
        self.status = status
        self.headers = headers
        self.text = content.decode()
        self.cookies = SimpleCookie()
        for line in headers.get_all("Set-Cookie") or []:
            self.cookies.load(line)

    @property
    def json(self):
        return json.loads(self.text)

    def expect(self, status, **members):
        """Itself, if it has this status and these members."""
        found = {name: self.json.get(name) for name in members} if self.text else {}
        assert (self.status, found) == (status, members), f"expected {status} {members}, got {self.status} {self.text[:300]}"
        return self


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: where an answer sends a browser is part of it."""

    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(Stay)


def send(method, url, headers=None, body=None, form=None):
    """Sends JSON, a form, or nothing. Any status is an answer."""
    request = urllib.request.Request(url, method=method, headers=dict(headers or {}))
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    if form is not None:
        request.data = urllib.parse.urlencode(form).encode()
        request.add_header("Content-Type", "application/x-www-form-urlencoded")
    try:
        with OPENER.open(request, timeout=SECONDS) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())


def bearer(token):
    return {"Authorization": f"Bearer {token}"}
