"""What the status page says, and that it lets nothing in."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from bs4 import BeautifulSoup

from hubauth_singleuser.extension.page import POLICY, STATES, render
from hubauth_singleuser.types import Connection


def connection(**more: Any) -> Connection:
    entry = {
        "provider": "github",
        "label": "GitHub",
        "username": "octocat",
        "scopes": ["repo", "gist"],
        "state": "ready",
        "resources": [],
        "git_urls": ["https://github.com"],
    }
    return Connection.parse(entry | more)


def page(*connections: Connection, problem: str = "") -> BeautifulSoup:
    return BeautifulSoup(render(connections, problem, "/hub/connections"), "html.parser")


def test_every_account_is_told() -> None:
    shown = page(connection(expires_at=1_900_000_000.9), connection(provider="gitlab", label="GitLab"))
    assert [each.text for each in shown.find_all("h2")] == ["GitHub", "GitLab"]
    text = " ".join(shown.section.get_text(" ").split())
    assert (
        "Account octocat State Ready Token until 2030-03-17 17:46 UTC Scopes gist repo git https://github.com" in text
    )
    assert shown.time["datetime"].startswith("2030-03-17T17:46:40")
    assert 'get_token("github")' in text


def test_every_state_is_in_words() -> None:
    for state, words in STATES.items():
        shown = page(connection(state=state))
        assert words in shown.section.text
        assert bool(shown.select("dd.attention")) is (state != "ready")
    assert "new_state" in page(connection(state="new_state")).text


def test_there_is_a_way_to_the_hub() -> None:
    assert page().find("a")["href"] == "/hub/connections"
    assert "No account is connected yet" in page().text


def test_a_problem_is_said() -> None:
    shown = page(problem="The hub does not answer.")
    assert shown.find(role="alert").text == "The hub does not answer."
    assert "No account" not in shown.text


def test_nothing_that_a_provider_says_becomes_markup() -> None:
    bad = '"><script>alert(1)</script>'
    shown = page(
        connection(label=bad, username=bad, scopes=[bad], state=bad, git_urls=[bad], provider=bad), problem=bad
    )
    assert shown.find_all("script") == []
    assert not [each for each in shown.find_all(True) if any(name.startswith("on") for name in each.attrs)]


def test_the_policy_allows_the_style_that_is_there_and_nothing_else() -> None:
    style = page().style.string
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in POLICY
    assert POLICY.startswith("default-src 'none';")
    assert "unsafe" not in POLICY
