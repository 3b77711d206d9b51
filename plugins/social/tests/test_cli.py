"""`hubauth social` tells what there is."""

import json

from click.testing import CliRunner

from hubauth_social.cli import social


def shown(*words):
    return CliRunner().invoke(social, words)


def test_the_list_has_every_backend_its_kind_and_what_it_needs():
    told = shown("backends").output
    assert len(told.splitlines()) == 1 + 217
    assert "discourse" in told
    assert "SECRET, SERVER_URL" in told
    assert "social_core.backends.github.GithubOAuth2" in told  # its name stands for two


def test_the_list_in_json_is_of_one_kind():
    rows = json.loads(shown("backends", "--kind", "saml", "--json").output)
    assert [(each["name"], each["needs"]) for each in rows] == [("saml", ["ENABLED_IDPS", "SP_ENTITY_ID"])]


def test_the_settings_of_a_backend_tell_what_it_needs():
    told = shown("settings", "apple-id").output
    assert "needs: CLIENT, SECRET, TEAM, KEY" in told
    assert "EMAIL_AS_USERNAME" in told


def test_the_settings_of_a_backend_warn_of_one_that_checks_no_password():
    assert "believed" in shown("settings", "email").output


def test_a_misspelt_backend_is_told_the_nearest():
    answer = shown("settings", "twiter-oauth2")
    assert answer.exit_code == 1
    assert "twitter-oauth2" in answer.output
