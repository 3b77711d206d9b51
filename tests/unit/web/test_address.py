"""Where a request comes from."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hubauth_core.web.address import believed


@pytest.mark.row("S04")
@pytest.mark.parametrize(
    ("headers", "trusted", "address"),
    [
        ({"X-Forwarded-For": "203.0.113.9"}, (), "SAID"),
        ({"X-Real-Ip": "198.51.100.1", "X-Forwarded-For": "8.8.8.8"}, (), "8.8.8.8"),
        ({"X-Real-Ip": "198.51.100.1", "X-Forwarded-For": "10.0.0.9, 8.8.8.8"}, (), "8.8.8.8"),
        ({"X-Real-Ip": "198.51.100.1", "X-Forwarded-For": "2606:4700::1111"}, (), "2606:4700::1111"),
        ({"X-Real-Ip": "198.51.100.1", "X-Forwarded-For": "198.51.100.1, 8.8.8.8"}, ("8.8.8.8",), "SAID"),
        ({"X-Real-Ip": "198.51.100.1", "X-Forwarded-For": "198.51.100.1, 127.0.0.1"}, (), "SAID"),
        ({"X-Real-Ip": "198.51.100.1", "X-Forwarded-For": "rubbish"}, (), "SAID"),
        ({"X-Real-Ip": "198.51.100.1"}, (), "SAID"),
    ],
    ids=["no-claim", "direct", "direct-with-a-chain", "direct-v6", "trusted-proxy", "own-proxy", "rubbish", "no-proxy"],
)
def test_a_browser_does_not_choose_where_it_comes_from(
    headers: dict[str, str], trusted: tuple[str, ...], address: str
) -> None:
    connection = SimpleNamespace(context=SimpleNamespace(trusted_downstream=set(trusted)))
    request = SimpleNamespace(remote_ip="SAID", headers=headers, connection=connection)
    assert believed(request) == address
