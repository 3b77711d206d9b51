"""Settings are found under every name that python-social-auth documents, and what is wrong with one stops the start."""

import pytest

from hubauth_core import ConfigError
from hubauth_social.catalogue import find
from hubauth_social.settings import resolve

TWITTER = find("twitter-oauth2")
PAIR = {"KEY": "k", "SECRET": "s"}


def resolved(given, backend=TWITTER, files=(), provider="twitter"):
    return resolve(backend, given, dict(files), provider)


@pytest.mark.parametrize("written", ["SECRET", "SOCIAL_AUTH_SECRET", "SOCIAL_AUTH_TWITTER_OAUTH2_SECRET"])
def test_every_documented_name_of_a_setting_is_that_setting(written):
    assert resolved({"KEY": "k", written: "s"}) == PAIR


def test_a_missing_setting_stops_the_start_and_names_its_variable():
    with pytest.raises(ConfigError, match=r"'SECRET'.*HUBAUTH_TWITTER_SECRET"):
        resolved({"KEY": "k"})


def test_a_misspelt_setting_stops_the_start_and_names_the_nearest():
    with pytest.raises(ConfigError, match="'SECRET'"):
        resolved(PAIR | {"SECERT": "x"})


def test_a_setting_that_is_given_twice_is_refused():
    with pytest.raises(ConfigError, match="twice"):
        resolved(PAIR | {"SOCIAL_AUTH_KEY": "other"})


def test_a_setting_comes_from_a_file(tmp_path):
    (tmp_path / "secret").write_text("from-file\n")
    found = resolved({"KEY": "k"}, files={"SECRET": str(tmp_path / "secret")})
    assert found["SECRET"] == "from-file"


def test_a_needed_setting_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("HUBAUTH_TWITTER_SECRET", "from-environment")
    assert resolved({"KEY": "k"})["SECRET"] == "from-environment"


def test_what_hubauth_does_itself_cannot_be_set():
    with pytest.raises(ConfigError, match="hubauth does itself"):
        resolved(PAIR | {"SOCIAL_AUTH_PIPELINE": ["evil.step"]})


@pytest.mark.parametrize(
    ("name", "value", "backend"),
    [
        ("VERIFY_SSL", False, "twitter-oauth2"),
        ("VERIFY_SSL", 0, "twitter-oauth2"),
        ("VERIFY_SSL", "", "twitter-oauth2"),
        ("PKCE_CODE_CHALLENGE_METHOD", "plain", "twitter-oauth2"),
        ("AUTH_EXTRA_ARGUMENTS", {"state": "fixed"}, "twitter-oauth2"),
        ("SCOPE", "read write", "twitter-oauth2"),
        ("JWT_ALGORITHMS", ["RS256", "none"], "google-openidconnect"),
        ("JWT_LEEWAY", 86400, "azuread-v2-tenant-oauth2"),
        ("JWT_ALGORITHMS", 7, "google-openidconnect"),
        ("JWT_DECODE_OPTIONS", {"verify_aud": False}, "google-openidconnect"),
    ],
)
def test_no_setting_takes_a_protection_away(name, value, backend):
    with pytest.raises(ConfigError, match=name):
        resolved(PAIR | {name: value}, find(backend))


def test_no_setting_lets_a_saml_source_begin_a_sign_in():
    given = {"ENABLED_IDPS": {"uni": {}}, "SP_ENTITY_ID": "https://hub.example", "ALLOW_IDP_INITIATED": True}
    with pytest.raises(ConfigError, match="ALLOW_IDP_INITIATED"):
        resolved(given, find("saml"))


def test_azure_needs_no_secret_where_it_has_a_token_file():
    assert resolved({"KEY": "k", "FEDERATED_TOKEN_FILE": "/var/token"}, find("azuread-oauth2"))


def test_no_message_quotes_a_value(tmp_path):
    (tmp_path / "secret").write_text("hush")
    for given, files in [({"SECERT": "hush"}, {}), ({"KEY": "k"}, {"SECERT": str(tmp_path / "secret")})]:
        with pytest.raises(ConfigError) as refused:
            resolved(given, files=files)
        assert "hush" not in refused.value.sentence
