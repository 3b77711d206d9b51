"""How a source is reached: time-outs, a proxy, authorities of one's own, and hosts without TLS."""

from __future__ import annotations

import ssl
from typing import Final
from urllib.parse import urlsplit

from traitlets import Float, List, Unicode

from ..errors import ConfigError
from ..provider import Provider
from ..urls import problem_with
from .http import Api

ENVIRONMENT: Final = "environment"
NONE: Final = "none"


class Reaching(Provider):
    """A provider that asks servers over HTTP."""

    allow_insecure_hosts = List(
        Unicode(), help="Hosts that may be reached over plain http; this machine always may. For an intranet or a test."
    ).tag(config=True)
    connect_timeout = Float(5, min=0.1, max=30, help="Seconds to wait for a connection.").tag(config=True)
    request_timeout = Float(
        10,
        min=0.1,
        max=60,
        help="Seconds that the source may take for one step of a sign-in, all its answers together.",
    ).tag(config=True)
    proxy = Unicode(
        ENVIRONMENT,
        help="The proxy on the way to the source: `http://proxy.example:3128`, `none`, or `environment` for what "
        "`HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say; only there a password may stand.",
    ).tag(config=True)
    ca_file = Unicode(
        help="A PEM file with certificates of authorities to trust for this source, beside those of the machine."
    ).tag(config=True)

    def check_reach(self) -> None:
        """Look at these options. Raises ConfigError that names the one that is wrong."""
        if self.proxy not in (ENVIRONMENT, NONE):
            parts = urlsplit(self.proxy)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
                raise ConfigError("proxy must be an address like 'http://proxy.example:3128', 'none' or 'environment'")
            if parts.username is not None:
                raise ConfigError("proxy cannot hold a password; set HTTPS_PROXY in the hub's environment instead")
        if self.ca_file:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(self.ca_file)
            except OSError as error:  # SSLError is one
                raise ConfigError(
                    f"the file of 'ca_file' holds no certificates: {error.strerror}: {self.ca_file}"
                ) from None

    def check_url(self, option: str) -> None:
        """Check the address in an option, or each of several, where it is set. Raises ConfigError."""
        value = getattr(self, option)
        for url in [value] if isinstance(value, str) else value:
            if url and (problem := problem_with(url, self.allow_insecure_hosts)):
                raise ConfigError(f"{option} = {url!r} cannot be used: {problem}")

    def new_api(self) -> Api:
        """Requests to one server, as the options have them."""
        return Api(
            self.label,
            insecure_hosts=frozenset(self.allow_insecure_hosts),
            connect_timeout=self.connect_timeout,
            timeout=self.request_timeout,
            proxy=None if self.proxy in (ENVIRONMENT, NONE) else self.proxy,
            proxy_from_environment=self.proxy == ENVIRONMENT,
            ca_file=self.ca_file,
            log=self.log,
        )

    @property
    def longest_call(self) -> float:
        """Seconds of a renewal: the token endpoint, and the keys that a new ID token is verified with."""
        return 2 * self.request_timeout
