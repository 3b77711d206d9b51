"""A source is asked again who somebody is, with its own token."""

from types import SimpleNamespace

import pytest
from social_core.exceptions import AuthCredentialError, AuthPolicyError, AuthProviderError

from hubauth_core import (
    Credential,
    Identity,
    ProviderError,
    ReauthRequired,
    Refused,
    Secret,
    Unavailable,
    Unchanged,
    Updated,
)
from hubauth_social.identity import Reading
from hubauth_social.refreshing import ask

ANN = Identity(provider="mine", subject="7", username="ann")
READING = Reading("mine", "Mine", groups="teams")


class Backend:
    """A backend whose source says what a test wants; `knows` is whose account an identifier is."""

    name = "mine"

    def __init__(self, says, *, knows="7", allowed=True):
        self.says, self.allowed = says, allowed
        account = SimpleNamespace(subject=knows) if knows else None
        user = SimpleNamespace(get_social_auth=lambda provider, uid, id_key: account)
        self.strategy = SimpleNamespace(storage=SimpleNamespace(user=user))

    def user_data(self, token, response=None):
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    def get_user_details(self, response):
        return {"username": response["login"], "email": ""}

    def get_user_id(self, details, response):
        return response["id"]

    def id_key(self):
        return "id"

    def auth_allowed(self, response, details):
        return self.allowed

    def get_user_groups(self, response):
        return None


def asked(backend):
    return ask(backend, ANN, Credential(access_token=Secret("hush")), READING)


def test_what_has_changed_is_told_without_the_token():
    outcome = asked(Backend({"id": 7, "login": "anna", "teams": ["new"]}))
    assert isinstance(outcome, Updated)
    assert (outcome.identity.subject, outcome.identity.username) == ("7", "anna")
    assert outcome.identity.groups == frozenset({"new"})
    assert "hush" not in str(dict(outcome.identity.claims))


@pytest.mark.row("V22")
@pytest.mark.parametrize("knows", ["8", None])
def test_an_answer_about_somebody_else_is_refused(knows):
    with pytest.raises(ProviderError):
        asked(Backend({"id": 8, "login": "eve"}, knows=knows))


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        (AuthProviderError(None, code="timeout"), Unavailable()),
        (AuthProviderError(None, code="unavailable", status_code=503), Unavailable()),
        (AuthProviderError(None, code="http_error", status_code=401), ReauthRequired("refused")),
        (AuthCredentialError(None, code="token_revoked"), ReauthRequired("refused")),
        (AuthPolicyError(None, code="membership_required"), Refused("not_allowed")),
        (KeyError("expires"), Unchanged()),
        ({}, Unchanged()),
        (None, Unchanged()),
    ],
)
def test_what_a_source_does_instead_is_told_apart(says, outcome):
    assert asked(Backend(says)) == outcome


def test_whom_the_settings_do_not_allow_any_more_is_refused():
    assert asked(Backend({"id": 7, "login": "ann"}, allowed=False)) == Refused("not_allowed")


def test_another_failure_of_the_source_says_nothing_of_the_person():
    with pytest.raises(ProviderError):
        asked(Backend(AuthProviderError(None, code="http_error", status_code=400)))
