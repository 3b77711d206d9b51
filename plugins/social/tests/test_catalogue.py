"""The catalogue says what social-auth-core has."""

import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from hubauth_core import ConfigError
from hubauth_social import catalogue
from hubauth_social.catalogue import backends, find

GENERATE = Path(__file__).parents[1] / "generate.py"


@pytest.mark.filterwarnings("ignore")
def test_it_says_what_the_installed_social_auth_core_says():
    generate = runpy.run_path(str(GENERATE))
    assert generate["text"]() == catalogue.DATA.read_text(), "run python plugins/social/generate.py"


def test_it_is_complete():
    kinds = Counter(each.kind for each in backends())
    assert len({each.path for each in backends()}) == 217
    assert kinds == {
        "oauth2": 136,
        "oidc": 42,
        "oauth1": 14,
        "openid": 11,
        "embedded": 7,
        "own": 4,
        "unproven": 2,
        "saml": 1,
    }
    assert {each.name for each in backends() if each.only_connects} == {"drip", "lastfm", "mixcloud", "twilio"}


def test_a_backend_is_found_by_its_name_and_by_its_path():
    assert find("twitter-oauth2") is find("social_core.backends.twitter_oauth2.TwitterOAuth2")


def test_a_name_of_several_is_refused_and_names_them():
    with pytest.raises(ConfigError) as refused:
        find("github")
    assert "social_core.backends.github.GithubOAuth2" in refused.value.sentence
    assert "social_core.backends.github.GithubMemberOAuth2" in refused.value.sentence


def test_a_misspelt_name_is_told_the_nearest():
    with pytest.raises(ConfigError, match="twitter-oauth2"):
        find("twiter-oauth2")


@pytest.mark.parametrize(
    "path", ["social_core.backends.oauth.BaseOAuth2", "json.JSONDecoder", "json.nothing", "no.such"]
)
def test_a_path_that_leads_to_no_backend_is_refused(path):
    with pytest.raises(ConfigError):
        find(path)


def test_somebody_elses_class_is_described(monkeypatch, tmp_path):
    (tmp_path / "hubauth_test_forge.py").write_text(
        "from social_core.backends.oauth import BaseOAuth2\n"
        "class Forge(BaseOAuth2):\n"
        "    name = 'forge'\n"
        "    def authorization_url(self):\n"
        "        return self.setting('FORGE_URL')\n"
        "    def access_token_url(self):\n"
        "        return self.setting('FORGE_URL') + (self.setting('PATH') or '')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    forge = find("hubauth_test_forge.Forge")
    assert (forge.name, forge.kind, forge.needs) == ("forge", "oauth2", ("KEY", "SECRET", "FORGE_URL"))
    assert "PATH" in forge.knows


def test_one_backend_is_imported_for_one_provider():
    code = (
        "import sys; from hubauth_social.catalogue import find; find('twitter-oauth2').load(); "
        "print(*(name for name in sys.modules if name.startswith('social_core.backends.')))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    bases = {"base", "oauth", "utils"}
    assert {name.rpartition(".")[2] for name in shown.stdout.split()} - bases == {"twitter_oauth2"}
