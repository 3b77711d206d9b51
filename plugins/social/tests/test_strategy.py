"""What python-social-auth learns of a request, and what its session takes."""

from __future__ import annotations

import pytest
from social_core.exceptions import AuthConfigurationError

from hubauth_core import Redirect
from hubauth_social.storage import SocialStorage
from hubauth_social.strategy import SocialStrategy
from hubauth_social.visit import Html, Visit

HUB = "https://hub.test:8443/hub/auth/acme/callback"


def strategy(session=None, settings=None, render=None, **visit) -> SocialStrategy:
    asked = Visit(**{"url": HUB, "redirect_uri": HUB, "state": "s", **visit})
    return SocialStrategy(
        SocialStorage, asked, settings=settings or {}, steps=["a.step"], session=session or {}, render=render
    )


def test_a_request_as_python_social_auth_asks_for_it():
    seen = strategy(method="POST", query={"a": "query", "b": "query"}, form={"b": "form"})
    assert seen.request_data() == {"a": "query", "b": "form"}
    assert seen.request_data(merge=False) == {"b": "form"}
    assert (seen.request_get(), seen.request_post()) == ({"a": "query", "b": "query"}, {"b": "form"})
    assert strategy(query={"a": "1"}).request_data(merge=False) == {"a": "1"}
    assert (seen.request_host(), seen.request_port(), seen.request_path()) == (
        "hub.test:8443",
        8443,
        "/hub/auth/acme/callback",
    )
    assert seen.request_is_secure()
    plain = strategy(url="http://hub.test/hub/")
    assert (plain.request_is_secure(), plain.request_port(), strategy(url="https://hub.test/").request_port()) == (
        False,
        80,
        443,
    )


def test_addresses_stand_on_this_host():
    assert strategy().build_absolute_uri("/x") == "https://hub.test:8443/x"
    assert strategy().absolute_uri("https://elsewhere.test/x") == "https://elsewhere.test/x"
    assert strategy().build_absolute_uri() == "https://hub.test:8443"


def test_answers_are_values():
    assert strategy().redirect("https://idp.test/") == Redirect(url="https://idp.test/")
    assert strategy().html("<p>") == Html(content="<p>")
    assert strategy().html_with_headers("<p>", {"X-A": "b"}) == Html(content="<p>", headers={"X-A": "b"})


def test_settings_are_those_of_this_provider():
    seen = strategy(settings={"KEY": "mine", "SOCIAL_AUTH_SCOPE": ["a"]})
    assert seen.setting("KEY") == "mine"
    assert seen.setting("SCOPE") == ["a"]
    assert seen.setting("SECRET", "none") == "none"
    with pytest.raises(KeyError):
        seen.get_setting("SECRET")
    assert seen.get_pipeline() == ["a.step"]
    assert strategy(settings={"PIPELINE": ["social_core.pipeline.user.create_user"]}).get_pipeline() == ["a.step"]


def test_a_template_is_named_and_never_brought():
    with pytest.raises(AuthConfigurationError):
        strategy().render_html(tpl="page.html")
    rendered = strategy(render=lambda template, context: f"{template}: {context['a']}")
    assert rendered.render_html(tpl="page.html", context={"a": 1}) == "page.html: 1"
    with pytest.raises(AuthConfigurationError):
        rendered.render_html(html="{{ anything }}")


@pytest.mark.row("V22")
def test_the_session_is_json():
    seen = strategy(session={"there": 1})
    kept = {"list": (1, "é"), "none": None}
    seen.session_set("new", kept)
    kept["none"] = "changed afterwards"
    assert (seen.session_get("there"), seen.session_get("new")) == (1, {"list": [1, "é"], "none": None})
    assert (seen.session_get("gone"), seen.session_get("gone", 2), seen.session_pop("gone")) == (None, 2, None)
    assert (seen.session_pop("there"), seen.session_get("there")) == (1, None)
    for value in (b"bytes", object(), {1, 2}, float("nan")):
        with pytest.raises((TypeError, ValueError)):
            seen.session_set("bad", value)
    assert seen.session == {"new": {"list": [1, "é"], "none": None}}


def test_two_visits_share_nothing():
    before = {"a": [1]}
    one = strategy(session=before)
    one.session_set("b", 2)
    assert before == {"a": [1]}


def test_what_a_pipeline_keeps_can_be_kept():
    seen = strategy()
    assert seen.to_session_value({"ids": (1, [2, {"x"}]), "name": "é"}) == {"ids": [1, [2, ["x"]]], "name": "é"}
