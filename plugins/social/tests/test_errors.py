"""python-social-auth's exceptions as people and administrators meet them."""

from __future__ import annotations

import pytest
from social_core import exceptions as theirs

from hubauth_core import CredentialError, LoginRefused, ProviderError, ProviderUnavailable
from hubauth_social.errors import SAYINGS, ours, shown

CASES = [
    (theirs.AuthConfigurationError(code="missing_setting"), ProviderError, "backend_misconfigured"),
    (theirs.AuthConfigurationError(provider_code="invalid_client"), ProviderError, "provider_refused_client"),
    (theirs.AuthInputError(parameter="state", stage="callback"), LoginRefused, "state_missing"),
    (theirs.AuthInputError(parameter="id", stage="callback"), LoginRefused, "bad_request"),
    (theirs.AuthInputError(parameter="openid_identifier", stage="begin"), LoginRefused, "input_invalid"),
    (theirs.AuthSessionError(code="state_mismatch"), LoginRefused, "state_unknown"),
    (theirs.AuthSessionError(code="user_mismatch"), LoginRefused, "session_changed"),
    (theirs.AuthResponseError(code="invalid_signature"), ProviderError, "provider_bad_response"),
    (theirs.AuthResponseError(code="nonce_mismatch"), LoginRefused, "code_refused"),
    (theirs.AuthResponseError(code="profile_email_missing"), LoginRefused, "email_missing"),
    (theirs.AuthCredentialError(code="authorization_code_rejected"), LoginRefused, "code_refused"),
    (theirs.AuthCredentialError(), LoginRefused, "provider_refused"),
    (theirs.AuthCredentialError(stage="refresh"), CredentialError, "needs_login"),
    (theirs.AuthPolicyError(), LoginRefused, "not_allowed"),
    (theirs.AuthAssociationError(), LoginRefused, "identity_conflict"),
    (theirs.AuthProviderError(code="timeout"), ProviderUnavailable, "provider_unreachable"),
    (theirs.AuthProviderError(status_code=503), ProviderUnavailable, "provider_unreachable"),
    (theirs.AuthProviderError(status_code=404), ProviderError, "provider_bad_response"),
    (theirs.AuthCanceled(), LoginRefused, "cancelled"),
    (theirs.AuthUnknownError(), ProviderError, "provider_bad_response"),
    (theirs.AuthException(), ProviderError, "provider_bad_response"),
]


@pytest.mark.parametrize(("error", "kind", "code"), CASES, ids=lambda each: getattr(each, "code", None) or str(each))
def test_each_error_says_who_must_act(error, kind, code):
    said = ours(error, "Acme")
    assert (type(said), said.code) == (kind, code)
    assert said.sentence.endswith(".")


def test_no_class_of_theirs_is_left_out():
    def leaves(kind):
        below = kind.__subclasses__()
        return {each for one in below for each in leaves(one)} | set(below)

    assert leaves(theirs.SocialAuthBaseException) - {theirs.AuthException} == set(SAYINGS)


def test_a_source_says_when_to_come_back():
    def wait(value):
        return ours(theirs.AuthProviderError(code="rate_limited", retry_after=value), "Acme").retry_after

    assert [wait(each) for each in ("30", "999999999999", "soon", None, "-1", "٣")] == [30.0, 3600.0] + [None] * 4


@pytest.mark.row("B3")
def test_neither_page_nor_log_repeat_what_a_source_has_written():
    error = theirs.AuthResponseError(
        None, "access_token=s3cret", "<script>", code="invalid_claim", claim="x" * 500, provider_code=401
    )
    assert "s3cret" not in shown(error) + ours(error, "Acme").sentence
    assert "invalid_claim at unknown" in shown(error)
    assert len(shown(error)) < 250
