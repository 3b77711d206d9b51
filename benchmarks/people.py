"""People who sign in with a name and a password, as browsers do: the page with the form, then the form."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from urllib.parse import urljoin

import httpx

_FORM = re.compile(r'<form[^>]*action="([^"]*)"[^>]*method="post".*?</form>', re.S)
_HIDDEN = re.compile(r'<input[^>]*type="hidden"[^>]*>', re.S)
_HEADERS = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Tried:
    """One try: the status of the answer, and how long the form took, in milliseconds."""

    status: int
    milliseconds: float


class Person:
    """One browser. Each sign-in begins without cookies; the connection is kept."""

    def __init__(self, hub_url: str) -> None:
        self._hub_url = hub_url
        limits = httpx.Limits(keepalive_expiry=600)
        self._client = httpx.AsyncClient(headers=_HEADERS, timeout=120, trust_env=False, limits=limits)

    async def sign_in(self, name: str, password: str) -> Tried:
        """Open the page, send its form."""
        self._client.cookies.clear()
        page = await self._client.get(f"{self._hub_url}/hub/login")
        return await self.send(page, name, password)

    async def send(self, page: httpx.Response, name: str, password: str) -> Tried:
        """Send the first form of a page that was opened before."""
        form = _FORM.search(page.text)
        if form is None:
            raise RuntimeError(f"no form at {page.url}: {page.status_code} {page.text[:300]}")
        fields = {"username": name, "password": password}
        for hidden in _HIDDEN.findall(form[0]):
            [key] = re.findall(r'name="([^"]*)"', hidden)
            [value] = re.findall(r'value="([^"]*)"', hidden) or [""]
            fields[key] = unescape(value)
        fields.setdefault("_xsrf", self._client.cookies.get("_xsrf") or "")
        begun = time.perf_counter()
        answer = await self._client.post(urljoin(str(page.url), unescape(form[1])), data=fields)
        return Tried(answer.status_code, (time.perf_counter() - begun) * 1000)

    async def open(self) -> httpx.Response:
        """The page with the form."""
        return await self._client.get(f"{self._hub_url}/hub/login")


async def sign_in_at_once(hub_url: str, names: Sequence[str], password: str, seconds: float) -> tuple[float, int]:
    """Everybody signs in again and again; sign-ins a second, and how many there were.

    Raises RuntimeError for one that did not work.
    """
    people = [Person(hub_url) for _ in names]
    begun = time.perf_counter()
    count = 0

    async def keep_on(person: Person, name: str) -> None:
        nonlocal count
        while time.perf_counter() < begun + seconds:
            await _sign_in(person, name, password)
            count += 1

    await asyncio.gather(*map(keep_on, people, names))
    return count / (time.perf_counter() - begun), count


async def sign_in_in_waves(
    hub_url: str, names: Sequence[str], password: str, seconds: float, rate: float = 0.0
) -> tuple[float, int]:
    """Everybody signs in at the same moment, then everybody again; otherwise as `sign_in_at_once`.

    A wave begins when the one before is over; with a `rate`, not before its turn at so many sign-ins a second.
    """
    people = [Person(hub_url) for _ in names]
    begun = time.perf_counter()
    count = 0
    while time.perf_counter() < begun + seconds:
        turn = begun + count / rate if rate else 0.0
        await asyncio.sleep(max(0.0, turn - time.perf_counter()))
        await asyncio.gather(*(_sign_in(person, name, password) for person, name in zip(people, names, strict=True)))
        count += len(people)
    return count / (time.perf_counter() - begun), count


async def _sign_in(person: Person, name: str, password: str) -> None:
    tried = await person.sign_in(name, password)
    if tried.status != 302:
        raise RuntimeError(f"{name} could not sign in: {tried.status}")
