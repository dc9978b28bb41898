"""A caller of the API that survives a web process that dies under its request."""

import uuid
from html.parser import HTMLParser
from http.cookiejar import CookieJar, DefaultCookiePolicy
from itertools import cycle
from typing import Any
from urllib.parse import urljoin

import httpx

from tests.factories import loopback
from tests.scenarios.office import Failed, Office

AGAIN = {502, 503, 504}
"""Nothing was done, or it may be asked again under the same key."""

COME_BACK_LATER = 409
"""A payment page that is still being prepared."""

TRUSTED = ("https", "http")
"""Like a browser, which sends secure cookies to loopback without TLS too."""


class Client:
    """One member of staff, at one machine after the other. A repeated POST carries its first key."""

    def __init__(self, office: Office, token: str) -> None:
        self._office = office
        self._http = loopback.client(headers={"Authorization": f"Bearer {token}"}, timeout=20)
        self._machines = cycle(office.urls)

    def get(self, path: str, **query: str) -> Any:
        return self._send("GET", path, params=query).json()

    def content(self, path: str, **query: str) -> bytes:
        return self._send("GET", path, params=query).content

    def post(self, path: str, body: Any = None) -> Any:
        return _unless_refused("POST", path, self.ask(path, body)).json()

    def ask(self, path: str, body: Any = None) -> httpx.Response:
        """POST, and what it is answered, a refusal included."""
        headers = {"Idempotency-Key": f"demo-{uuid.uuid4()}"}
        return self._until_answered("POST", path, json={} if body is None else body, headers=headers)

    def close(self) -> None:
        self._http.close()

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return _unless_refused(method, path, self._until_answered(method, path, **request))

    def _until_answered(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._office.until(f"{method} {path} is answered", lambda: self._try(method, path, **request))

    def _try(self, method: str, path: str, **request: Any) -> httpx.Response | None:
        try:
            answer = self._http.request(method, f"{next(self._machines)}/api/v1{path}", **request)
        except httpx.TransportError:
            return None
        return None if answer.status_code in AGAIN else answer


def _unless_refused(method: str, path: str, answer: httpx.Response) -> httpx.Response:
    """Raises: Failed."""
    if answer.is_error:
        raise Failed(f"{method} {path} answered {answer.status_code}: {answer.text}")
    return answer


class Browser:
    """Fills in forms as a person would; no scripts run, as none are needed."""

    def __init__(self, office: Office) -> None:
        self._office = office
        cookies = CookieJar(DefaultCookiePolicy(secure_protocols=TRUSTED))
        self._http = loopback.client(follow_redirects=True, timeout=20, cookies=cookies)

    def open(self, url: str) -> httpx.Response:
        return self._office.until(f"the page {url} opens", lambda: self._try("GET", url))

    def submit(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """Send the page's first form with these fields filled in, and follow where it leads."""
        form = _Form(page.text)
        target = urljoin(str(page.url), form.action)
        data = {**form.values, **fields}
        return self._office.until(
            f"the form at {target} is taken", lambda: self._try(form.method, target, data=data)
        )

    def close(self) -> None:
        self._http.close()

    def _try(self, method: str, url: str, **request: Any) -> httpx.Response | None:
        try:
            answer = self._http.request(method, url, **request)
        except httpx.TransportError:
            return None
        return None if answer.status_code in {*AGAIN, COME_BACK_LATER} else answer


class _Form(HTMLParser):
    """The first form of a page: where it goes, and what its inputs hold already."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action, self.method = "", "GET"
        self.values: dict[str, str] = {}
        self._forms = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._forms += 1
            if self._forms == 1:
                self.action, self.method = given.get("action", ""), given.get("method", "get").upper()
        elif tag == "input" and self._forms == 1 and "name" in given and _counts(given):
            self.values[given["name"]] = given.get("value", "")


def _counts(given: dict[str, str]) -> bool:
    """Whether a browser sends this input without anybody touching it."""
    return given.get("type") not in ("submit", "radio", "checkbox") or "checked" in given
