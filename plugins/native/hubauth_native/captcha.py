"""What tells people from programs, where the administrator wants it: a field of a form, and a check of its answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final, NamedTuple

import httpx
from markupsafe import Markup

from hubauth_core import Request

TIMEOUT: Final = 5.0
"""Seconds within which a service has to answer; else nobody passes."""

LONGEST: Final = 8192
"""Characters of an answer that are sent on."""

MOST: Final = 64 * 1024
"""Bytes of what a service says that are read."""


class Captcha:
    """What sign-in, sign-up and reset ask; extend it for a service of your own."""

    answer = ""
    """The name of the form's field that holds the answer."""

    def field(self) -> Markup:
        """What stands in the form."""
        raise NotImplementedError

    async def check(self, request: Request) -> bool:
        """Whether a person has sent this; a service that does not answer says no."""
        raise NotImplementedError


class Service(NamedTuple):
    """Addresses of a service, and what it calls its parts."""

    script: str
    verify_url: str
    css: str
    answer: str


SERVICES: Final = {
    "turnstile": Service(
        "https://challenges.cloudflare.com/turnstile/v0/api.js",
        "https://challenges.cloudflare.com/turnstile/v0/siteverify",
        "cf-turnstile",
        "cf-turnstile-response",
    ),
    "hcaptcha": Service(
        "https://js.hcaptcha.com/1/api.js", "https://api.hcaptcha.com/siteverify", "h-captcha", "h-captcha-response"
    ),
    "recaptcha": Service(
        "https://www.google.com/recaptcha/api.js",
        "https://www.google.com/recaptcha/api/siteverify",
        "g-recaptcha",
        "g-recaptcha-response",
    ),
}


class SiteVerify(Captcha):
    """Turnstile, hCaptcha or reCAPTCHA version 2, which share one protocol; `verify_url` and `script` for another one.

    A hub with a policy for scripts (`Content-Security-Policy`) has to allow the service's.
    """

    def __init__(
        self, *, site_key: str, secret: str, service: str = "turnstile", verify_url: str = "", script: str = ""
    ) -> None:
        if service not in SERVICES:
            raise ValueError(f"captcha_options has no service {service!r}; there are {', '.join(SERVICES)}")
        known = SERVICES[service]
        self.answer = known.answer
        self._css = known.css
        self._site_key = site_key
        self._secret = secret
        self._verify_url = verify_url or known.verify_url
        self._script = script or known.script

    def field(self) -> Markup:
        widget = Markup('<div class="{}" data-sitekey="{}"></div><script src="{}" async defer></script>')
        return widget.format(self._css, self._site_key, self._script)

    async def check(self, request: Request) -> bool:
        answers = request.form.get(self.answer, ())
        if len(answers) != 1 or not 0 < len(answers[0]) <= LONGEST:
            return False
        asked = {"secret": self._secret, "response": answers[0], "remoteip": request.address}
        try:
            async with asyncio.timeout(TIMEOUT), httpx.AsyncClient(timeout=TIMEOUT) as client:
                said: Any = json.loads(await _ask(client, self._verify_url, asked))
        except (httpx.HTTPError, TimeoutError, ValueError):
            return False
        return isinstance(said, dict) and said.get("success") is True


async def _ask(client: httpx.AsyncClient, url: str, asked: dict[str, str]) -> bytes:
    """What a service answers, up to `MOST` bytes. Raises httpx.HTTPError."""
    body = b""
    async with client.stream("POST", url, data=asked) as answer:
        answer.raise_for_status()
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > MOST:
                break
    return body
