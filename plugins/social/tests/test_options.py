"""What is wrong with a social account is told before the hub starts."""

import pytest
from traitlets.config import Config, Configurable

from hubauth_core import ConfigError
from hubauth_social import SocialProvider

PAIR = {"KEY": "k", "SECRET": "s"}
IDP = {"entity_id": "https://idp.example", "url": "https://idp.example/sso", "x509cert": "x"}


def made(backend, settings=PAIR, **options):
    return SocialProvider("mine", backend=backend, settings=settings, **options)


def saml(**idp):
    return made("saml", {"SP_ENTITY_ID": "https://hub.example", "ENABLED_IDPS": {"uni": {**IDP, **idp}}})


def test_label_and_icon_come_with_the_backend():
    provider = made("twitter-oauth2")
    assert (provider.label, provider.icon) == ("X", "x-twitter")
    assert made("twitter-oauth2", label="Birds", icon="dove").label == "Birds"


def test_without_a_backend_it_only_says_what_it_lacks():
    assert SocialProvider("mine").missing_options() == ["backend"]


@pytest.mark.row("V16")
@pytest.mark.parametrize("name", ["coursera", "google-oauth2"])
def test_a_subject_that_passes_from_one_person_to_another_stops_the_start(name):
    settings = PAIR | ({"ID_KEY": "email"} if name == "google-oauth2" else {})
    with pytest.raises(ConfigError, match="reusable_subject"):
        made(name, settings)
    assert made(name, settings, reusable_subject=True)


@pytest.mark.row("V16")
@pytest.mark.parametrize("attribute", [None, "urn:oid:0.9.2342.19200300.100.1.1", "mail", "eppn"])
def test_saml_knows_nobody_by_a_login_name(attribute):
    with pytest.raises(ConfigError, match="ENABLED_IDPS"):
        saml(**({"attr_user_permanent_id": attribute} if attribute else {}))
    assert saml(attr_user_permanent_id="urn:oid:1.3.6.1.4.1.5923.1.1.1.13")


@pytest.mark.parametrize("idps", [["uni"], "uni", {"uni": "https://idp.example"}])
def test_sources_of_saml_of_another_shape_stop_the_start(idps):
    with pytest.raises(ConfigError, match="dictionary"):
        made("saml", {"SP_ENTITY_ID": "hub", "ENABLED_IDPS": idps}, reusable_subject=True)


def test_a_source_of_saml_is_not_reached_without_encryption():
    with pytest.raises(ConfigError, match="ENABLED_IDPS"):
        saml(attr_user_permanent_id="name_id", url="http://idp.example/sso")


@pytest.mark.parametrize("name", ["email", "username"])
def test_a_backend_that_checks_no_password_does_not_start_by_accident(name):
    with pytest.raises(ConfigError, match="dangerous_no_proof"):
        made(name, {})
    provider = made(name, {}, dangerous_no_proof=True)
    assert provider.warnings() == ["dangerous_no_proof is set: everybody can sign in as anybody"]


@pytest.mark.parametrize("name", ["facebook-app", "google-onetap", "vk-openapi"])
def test_a_backend_that_lives_in_its_services_own_page_is_refused(name):
    with pytest.raises(ConfigError):
        made(name, PAIR | {"APP_ID": "1"} if name == "vk-openapi" else PAIR)


def test_a_source_is_not_reached_without_encryption():
    settings = PAIR | {"OIDC_ENDPOINT": "http://sso.example"}
    with pytest.raises(ConfigError, match="OIDC_ENDPOINT"):
        made("oidc", settings)
    assert made("oidc", settings, allow_insecure_hosts=["sso.example"])
    assert made("oidc", PAIR | {"OIDC_ENDPOINT": "http://127.0.0.1:9"})


def test_settings_can_stand_in_the_sections_of_the_class():
    parent = Configurable(config=Config({"SocialProvider": {"settings": PAIR}}))
    assert SocialProvider("mine", parent=parent, backend="reddit").resolved == PAIR


@pytest.mark.parametrize("settings", ["hush", ["hush"], {1: "hush"}])
def test_settings_of_another_shape_are_refused_and_not_quoted(settings):
    with pytest.raises(ConfigError) as refused:
        made("reddit", settings)
    assert "hush" not in refused.value.sentence
