"""A browser without scripts: cookies, redirects followed by hand, forms found in pages and posted back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
from bs4 import BeautifulSoup, Tag

HEADERS = {
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "User-Agent": "hubauth-tests",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
MOST_STEPS = 20


@dataclass(frozen=True)
class HtmlForm:
    """A form of a page: where it goes and what it would send if nobody typed anything."""

    url: str
    method: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Page:
    """What a request brought: the answer, and what a person would see in it."""

    response: httpx.Response

    @property
    def url(self) -> str:
        """The address that answered."""
        return str(self.response.url)

    @property
    def path(self) -> str:
        """The path of that address."""
        return self.response.url.path

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @property
    def html(self) -> str:
        """The page's source."""
        return self.response.text

    @cached_property
    def soup(self) -> BeautifulSoup:
        """The page, parsed."""
        return BeautifulSoup(self.response.text, "html.parser")

    @property
    def text(self) -> str:
        """What a person reads, with single spaces."""
        return " ".join(self.soup.get_text(" ").split())

    @property
    def location(self) -> str | None:
        """Where it sends the browser on to, by a redirect or by itself, as a full address; None if it does not."""
        where = self.response.headers.get("location") if self.response.is_redirect else self._refresh
        return where and urljoin(self.url, where)

    @property
    def _refresh(self) -> str | None:
        if 'http-equiv="refresh"' not in self.html:
            return None
        content = self.soup.select_one("meta[http-equiv=refresh]")
        return str(content["content"]).partition("url=")[2] if content else None

    @property
    def query(self) -> dict[str, str]:
        """The parameters of `location` (or of `url`), the first value of each."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location or self.url).query).items()}

    @property
    def forms(self) -> list[HtmlForm]:
        """All forms of the page."""
        return [self._form(each) for each in self.soup.find_all("form")]

    def form(self, action: str = "") -> HtmlForm:
        """The first form whose address holds `action`; raises LookupError if there is none."""
        for form in self.forms:
            if action in form.url:
                return form
        raise LookupError(f"{self.url} ({self.status}) has no form to {action!r}: {self.text[:500]}")

    def link(self, part: str) -> str:
        """The address of the first link whose address or text holds `part`; raises LookupError if there is none."""
        for anchor in self.soup.find_all("a", href=True):
            if part in str(anchor["href"]) or part in anchor.get_text():
                return urljoin(self.url, str(anchor["href"]))
        raise LookupError(f"{self.url} ({self.status}) has no link to {part!r}: {self.text[:500]}")

    def _form(self, form: Tag) -> HtmlForm:
        fields = {
            str(each["name"]): str(each.get("value", ""))
            for each in form.find_all("input")
            if each.get("name") and each.get("type") not in {"submit", "checkbox", "radio"}
        }
        return HtmlForm(
            url=urljoin(self.url, str(form.get("action") or self.url)),
            method=str(form.get("method", "get")).upper(),
            fields=fields,
        )


class Browser:
    """One person's browser at one hub. Two instances share nothing."""

    def __init__(self, hub_url: str) -> None:
        self.hub_url = hub_url
        self.visited: list[str] = []
        self.client = httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=60, headers=HEADERS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.aclose()

    async def request(self, method: str, url: str, **options: Any) -> Page:
        """One request, no redirect followed. `url` may be a path of the hub."""
        address = urljoin(self.hub_url, url)
        options["headers"] = {"Sec-Fetch-Site": "none"} | dict(options.get("headers") or {})
        page = Page(await self.client.request(method, address, **options))
        self.visited.append(page.url)
        return page

    async def open(self, url: str, **options: Any) -> Page:
        """Type an address: GET, redirects followed."""
        return await self.follow(await self.request("GET", url, **options))

    async def post(self, url: str, data: Mapping[str, str], **options: Any) -> Page:
        """Post a form of this site; no redirect followed."""
        headers = {"Sec-Fetch-Site": "same-origin"} | dict(options.pop("headers", None) or {})
        return await self.request("POST", url, data=dict(data), headers=headers, **options)

    async def submit(self, form: HtmlForm, /, **typed: str) -> Page:
        """Send a form as it stands, with `typed` filled in; no redirect followed."""
        fields = dict(form.fields) | typed
        if form.method == "POST":
            return await self.post(form.url, fields)
        return await self.request("GET", form.url, params=fields, headers={"Sec-Fetch-Site": "same-origin"})

    async def follow(self, page: Page, *, until: str | None = None) -> Page:
        """Follow redirects; with `until` stop at the redirect to an address that begins with it."""
        for _ in range(MOST_STEPS):
            if page.location is None or (until and page.location.startswith(until)):
                return page
            page = await self.request("GET", page.location, headers={"Sec-Fetch-Site": "same-site"})
        raise AssertionError(f"no end of redirects: {self.visited[-MOST_STEPS:]}")

    def cookie(self, name: str) -> str | None:
        """The value of a cookie; of two with one name the one for the longer path (a server's own is not the hub's)."""
        found = [each for each in self.client.cookies.jar if each.name == name and "/user/" not in each.path]
        return max(found, key=lambda each: len(each.path)).value if found else None

    @property
    def xsrf(self) -> str:
        """The hub's `_xsrf`, "" if it was not set yet."""
        return self.cookie("_xsrf") or ""

    async def sign_in_with_form(
        self, provider: str, username: str, password: str, *, next_url: str = "", **more: str
    ) -> Page:
        """Sign in with the form of a provider on the sign-in page; returns where one ends up."""
        page = await self.open("/hub/login", params={"next": next_url} if next_url else None)
        action = f"/auth/{provider}/login" if provider else "/hub/login"
        return await self.follow(await self.submit(page.form(action), username=username, password=password, **more))

    async def begin(self, provider: str, *, next_url: str = "") -> Page:
        """Press a provider's button: the answer of its login address, usually a redirect to the source."""
        params = {"next": next_url} if next_url else None
        return await self.request("GET", f"/hub/auth/{provider}/login", params=params)

    async def follow_to_callback(self, page: Page, username: str, password: str = "any") -> str:
        """Go through a source's pages as `username`, signing in and consenting where it asks.

        Returns the callback address that the source sends the browser to, not opened yet.
        """
        callback = f"{self.hub_url}/hub/auth/"
        for _ in range(MOST_STEPS):
            page = await self.follow(page, until=callback)
            if page.location:
                return page.location
            form = page.form()
            typed = {name: username for name in ("login", "username") if name in form.fields}
            if "password" in form.fields:
                typed["password"] = password
            page = await self.submit(form, **typed)
        raise AssertionError(f"the source never came back: {self.visited[-MOST_STEPS:]}")

    async def sign_in(self, provider: str, username: str, password: str = "any", *, next_url: str = "") -> Page:
        """Sign in at a redirecting provider from button to end; returns where one ends up."""
        callback = await self.follow_to_callback(await self.begin(provider, next_url=next_url), username, password)
        return await self.open(callback, headers={"Sec-Fetch-Site": "same-site"})

    async def hub_user(self) -> str | None:
        """Who the hub takes this browser for, None if nobody."""
        page = await self.request("GET", "/hub/api/user")
        return page.response.json()["name"] if page.status == 200 else None

    async def start_server(self, username: str) -> Page:
        """Start one's server and wait for it; returns where one ends up."""
        page = await self.open(f"/hub/spawn/{username}")
        while page.status == 200 and "spawn-pending" in page.path:
            await asyncio.sleep(0.1)  # the server needs the processor more than this question does
            page = await self.open(page.url)
        return page

    async def server(self, username: str) -> dict[str, Any]:
        """Start one's server and wait for it: what the stub server says (`user`, `environment`)."""
        page = await self.start_server(username)
        assert page.status == 200, page.text
        answer: dict[str, Any] = page.response.json()
        return answer

    async def visit(self, client_id: str, secret: str, redirect_uri: str) -> str:
        """Open a service that signs people in by the hub, without being asked: the token that the service gets."""
        asked = {"client_id": client_id, "redirect_uri": redirect_uri, "response_type": "code", "state": "s"}
        page = await self.request("GET", "/hub/api/oauth2/authorize", params=asked)
        page = await self.follow(page, until=redirect_uri)
        form = {
            "client_id": client_id,
            "client_secret": secret,
            "grant_type": "authorization_code",
            "code": page.query["code"],
            "redirect_uri": redirect_uri,
        }
        async with httpx.AsyncClient(trust_env=False) as service:
            answer = await service.post(f"{self.hub_url}/hub/api/oauth2/token", data=form)
        token: str = answer.json()["access_token"]
        return token

    async def sign_out(self) -> Page:
        """Sign out at the hub."""
        return await self.open("/hub/logout")
