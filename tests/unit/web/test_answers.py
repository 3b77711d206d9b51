"""Which status and title an error gets."""

from __future__ import annotations

import pytest

from hubauth_core.errors import (
    ConfigError,
    CredentialError,
    HubAuthError,
    LoginRefused,
    ProviderError,
    ProviderUnavailable,
    StoreError,
)
from hubauth_core.web.answers import BY_BRANCH, BY_CODE, answer_to


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (LoginRefused("No."), 403),
        (LoginRefused("No.", code="bad_credentials"), 403),
        (LoginRefused("No.", code="state_expired"), 400),
        (LoginRefused("No.", code="a_plugin's_own"), 403),
        (ProviderUnavailable("Down."), 503),
        (ProviderError("Rubbish."), 403),
        (ProviderError("A bug.", code="plugin_failed"), 500),
        (StoreError("Locked."), 503),
        (CredentialError("Gone."), 409),
        (ConfigError("Wrong."), 500),
        (HubAuthError("Hm."), 500),
    ],
    ids=lambda value: getattr(value, "code", value),
)
def test_status_says_who_must_act(error: HubAuthError, status: int) -> None:
    assert answer_to(error).status == status


def test_no_branch_is_hidden_behind_a_wider_one() -> None:
    seen: list[type[HubAuthError]] = []
    for branch, _ in BY_BRANCH:
        assert not any(issubclass(branch, wider) for wider in seen), branch
        seen.append(branch)


def test_titles_are_plain_words() -> None:
    titles = [answer.title for answer in (*BY_CODE.values(), *dict(BY_BRANCH).values())]

    assert all(title[0].isupper() and "_" not in title and not any(map(str.isdigit, title)) for title in titles)
