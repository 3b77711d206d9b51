"""What the templates make of their context, on top of the templates of the installed JupyterHub."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from markupsafe import Markup

from hubauth_core.types import PASSWORD_FORM, Field, Form
from hubauth_core.web.connections_view import Card, Day, Offer, Scope
from hubauth_core.web.view import TEMPLATES, Icon, Source, sign_in_url

HOSTILE = """"><script>alert(1)</script><img src=x onerror=alert(1)> 'quoted' {{ 7 * 7 }}"""
NEXT = "/hub/user/ann?path=a%20b&x=1"
HUB = {
    "base_url": "/hub/",
    "login_url": "/hub/login",
    "static_url": lambda path, **_: f"/hub/static/{path}",
    "xsrf": "the-xsrf-token",
}

Render = Callable[..., BeautifulSoup]


def environment(*admin: Path) -> Environment:
    """JupyterHub's own arrangement: the administrator's directories, ours, the stock one, `templates/` = stock."""
    stock = str(Path(sys.prefix) / "share" / "jupyterhub" / "templates")
    loaders = [PrefixLoader({"templates": FileSystemLoader(stock)}), FileSystemLoader([*admin, TEMPLATES, stock])]
    return Environment(autoescape=True, loader=ChoiceLoader(loaders))


@pytest.fixture
def render() -> Render:
    """`render(template, **context)` -> the parsed page."""

    def page(template: str, /, **context: Any) -> BeautifulSoup:
        html = environment().get_template(template).render(HUB | context)
        return BeautifulSoup(html, "html.parser")

    return page


def button(name: str, label: str = "", **more: Any) -> Source:
    return Source(name=name, label=label or name.title(), url=sign_in_url("/hub/", name, NEXT), **more)


def form(name: str, label: str = "", **more: Any) -> Source:
    return button(name, label, **{"form": PASSWORD_FORM} | more)


def main(page: BeautifulSoup) -> Tag:
    found = page.find("main")
    assert isinstance(found, Tag)
    return found


def autofocused(page: BeautifulSoup) -> list[str]:
    return [str(each["id"]) for each in page.select("[autofocus]")]


def hidden(page: BeautifulSoup, action: str) -> dict[str, str]:
    found = page.select_one(f'form[action="{action}"]')
    assert found is not None
    return {str(each["name"]): str(each["value"]) for each in found.select("input[type=hidden]")}


def card(provider: str, text: str = "", **more: Any) -> Card:
    """An identity as a page shows it."""
    shown: dict[str, Any] = {
        "label": text or provider.title(), "icon": Icon(), "username": text or "ann", "home": False,
        "since": Day("1 May 2026", "2026-05-01"), "last_used": Day("2 May 2026", "2026-05-02"), "state": "Ready to use",
        "good": True, "scopes": (), "renew": False, "further": (), "selected": False, "stays": "",
    }  # fmt: skip
    return Card(provider=provider, **shown | more)


def offer(provider: str, text: str = "", **more: Any) -> Offer:
    """A provider that can be connected."""
    shown: dict[str, Any] = {"icon": Icon(), "further": (), "selected": False, "problem": ""}
    return Offer(provider=provider, label=text or provider.title(), **shown | more)


CONNECTIONS: dict[str, Any] = {
    "connections_url": "/hub/connections",
    "users_url": "/hub/connections/hub-users",
    "cards": [
        card("uni", HOSTILE, home=True, stays=HOSTILE, state=HOSTILE, scopes=(HOSTILE,), good=False),
        card("forge", HOSTILE, renew=True, further=(Scope(HOSTILE), Scope("b", True)), selected=True),
    ],
    "offers": [offer("a", HOSTILE, problem=HOSTILE), offer("b", HOSTILE, further=(Scope(HOSTILE),), selected=True)],
    "again": [{"label": HOSTILE, "url": f"/hub/?{HOSTILE}"}, {"label": HOSTILE, "url": "/hub/x"}],
    "pending": {"label": HOSTILE, "username": HOSTILE},
    "unmet": True,
}
"""The page of connections with everything on it that can be, hostile wherever it is somebody's text."""

PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "sign-in": (
        "login.html",
        {
            "login_error": HOSTILE,
            "sources": [
                button("uni", HOSTILE, error=HOSTILE, icon=Icon(image=f"/a.png?{HOSTILE}")),
                button("corp", HOSTILE, unavailable=HOSTILE),
                form("guests", HOSTILE, error=HOSTILE, username=HOSTILE),
            ],
        },
    ),
    "form": (
        "hubauth-form.html",
        {
            "state": HOSTILE,
            "login_error": HOSTILE,
            "source": form(
                "guests",
                HOSTILE,
                error=HOSTILE,
                username=HOSTILE,
                form=Form(fields=(Field(name=HOSTILE, label=HOSTILE),), text=HOSTILE, submit=HOSTILE),
            ),
        },
    ),
    "refused": (
        "hubauth-refused.html",
        {"title": HOSTILE, "sentence": HOSTILE, "code": HOSTILE, "label": HOSTILE, "retry_url": f"/hub/?{HOSTILE}"},
    ),
    "is that you": (
        "hubauth-refused.html",
        {"title": HOSTILE, "sentence": HOSTILE, "label": HOSTILE, "offer_url": f"/hub/?{HOSTILE}"},
    ),
    "connections": (
        "hubauth-connections.html",
        CONNECTIONS | {"error": HOSTILE, "code": HOSTILE, "said": HOSTILE, "hub_name": HOSTILE, "elsewhere": [HOSTILE]},
    ),
    "hub user": (
        "hubauth-hub-user.html",
        CONNECTIONS
        | {"error": HOSTILE, "hub_name": HOSTILE, "may_act": True, "is_admin": True, "needs_consent": True}
        | {"consentable": [Source(name="x", label=HOSTILE, url="")], "action": f"/hub/{HOSTILE}"},
    ),
    "signed out": ("hubauth-signed-out.html", {"label": HOSTILE, "login_url": f"/hub/?{HOSTILE}"}),
    "onward": (
        "hubauth-onward.html",
        {"heading": HOSTILE, "go_on": HOSTILE, "url": f"https://forge.example/?{HOSTILE}", "fields": {}},
    ),
    "onward by a form": (
        "hubauth-onward.html",
        {"heading": HOSTILE, "go_on": HOSTILE, "url": "https://forge.example/", "fields": {HOSTILE: HOSTILE}},
    ),
}


@pytest.fixture(params=PAGES)
def hostile_page(request: pytest.FixtureRequest, render: Render) -> Iterator[BeautifulSoup]:
    """Each page, with hostile text wherever text can stand."""
    template, context = PAGES[request.param]
    return render(template, **context)


@pytest.mark.row("V11")
def test_texts_come_out_as_text(hostile_page: BeautifulSoup) -> None:
    assert not main(hostile_page).find_all("script")
    assert not hostile_page.find_all(attrs={"onerror": True})
    assert "alert(1)" not in "".join(each.get_text() for each in hostile_page.find_all("script"))
    assert HOSTILE in main(hostile_page).get_text()


@pytest.mark.row("V11")
def test_our_parts_bring_no_inline_script_and_no_inline_style(hostile_page: BeautifulSoup, render: Render) -> None:
    inline = [script.get_text(strip=True) for script in hostile_page.find_all("script") if not script.get("src")]
    attributes = [name for tag in main(hostile_page).find_all(True) for name in tag.attrs]

    assert inline == [script.get_text(strip=True) for script in render("page.html").find_all("script", src=False)]
    assert not [name for name in attributes if name == "style" or name.startswith("on")]
    assert not main(hostile_page).find_all("style")


def test_ids_are_unique_and_every_input_has_its_label(render: Render) -> None:
    page = render("login.html", sources=[form("a", error="Wrong."), form("b"), form("a_b", error="Wrong.")])
    ids = [str(each["id"]) for each in page.select("[id]")]
    labelled = {str(each["for"]) for each in page.find_all("label")}
    referred = [
        str(each[name]) for name in ("aria-labelledby", "aria-describedby") for each in page.select(f"[{name}]")
    ]

    assert len(ids) == len(set(ids))
    assert {str(each["id"]) for each in main(page).select("input:not([type=hidden])")} == labelled
    assert set(referred) <= set(ids)


def test_the_page_of_connections_has_unique_ids_and_a_label_for_every_input(render: Render) -> None:
    page = main(render("hubauth-connections.html", **CONNECTIONS))
    ids = [str(each["id"]) for each in page.select("[id]")]
    labelled = {str(each["for"]) for each in page.find_all("label")}

    assert len(ids) == len(set(ids))
    assert {str(each["id"]) for each in page.select("input:not([type=hidden])")} == labelled
    assert {str(each["aria-labelledby"]) for each in page.select("[aria-labelledby]")} <= set(ids)


def test_every_act_is_a_post_of_its_own_with_the_token(render: Render) -> None:
    page = render("hubauth-connections.html", **CONNECTIONS)
    acts = {str(each["action"]): each for each in main(page).select("form[method=post]")}

    assert set(acts) == {
        "/hub/connections/offer",
        "/hub/connections/forge/connect",
        "/hub/connections/forge/disconnect",
        "/hub/connections/b/connect",
    }
    assert all(each.select_one("input[name=_xsrf]")["value"] == "the-xsrf-token" for each in acts.values())  # type: ignore[index]  # it is there
    assert [each["action"] for each in main(page).select("form:not([method=post])")] == ["/hub/connections/hub-users"]


def test_what_is_preselected_is_checked_and_shown(render: Render) -> None:
    page = render("hubauth-connections.html", **CONNECTIONS)

    assert [each["value"] for each in page.select("input[checked]")] == ["b"]
    assert len(page.select("details[open]")) == 1


@pytest.mark.parametrize("base", ["", "hubauth-page.html", "templates/page.html"])
def test_the_navigation_has_our_entry_also_in_an_administrators_frame(tmp_path: Path, base: str) -> None:
    if base:
        block = "{% block nav_bar_left_items %}{{ super() }}NAV<li>Theirs</li>{% endblock %}"
        block = block.replace("NAV", '{% include "hubauth-nav.html" %}' if base.startswith("templates/") else "")
        (tmp_path / "page.html").write_text(f'{{% extends "{base}" %}}{block}')
    signed_in = {"user": {"name": "ann"}, "parsed_scopes": {}, "no_spawner_check": True}
    html = environment(tmp_path).get_template("404.html").render(HUB | signed_in)
    page = BeautifulSoup(html, "html.parser")

    assert [each.get_text() for each in page.select('nav a[href="/hub/connections"]')] == ["Connections"]
    assert ("Theirs" in html) == bool(base)


def test_the_way_on_needs_no_script(render: Render) -> None:
    shown = {"heading": "On to Forge", "go_on": "Continue at Forge", "fields": {}}
    page = render("hubauth-onward.html", url="https://forge.example/a?b=1&c=2", **shown)
    meta = page.select_one("meta[http-equiv=refresh]")

    assert meta is not None
    assert meta["content"] == "0; url=https://forge.example/a?b=1&c=2"
    assert main(page).select_one('a[href="https://forge.example/a?b=1&c=2"]')


def test_the_way_on_by_a_form_needs_no_script_either(render: Render) -> None:
    shown = {"heading": "Back from Forge", "go_on": "Continue", "fields": {"SAMLResponse": "<x>"}}
    page = render("hubauth-onward.html", url="/hub/auth/forge/callback?a=1", **shown)
    form = main(page).select_one('form[method=post][action="/hub/auth/forge/callback?a=1"]')

    assert form is not None
    assert [(each["name"], each["value"]) for each in form.select("input[type=hidden]")] == [("SAMLResponse", "<x>")]
    assert form.select_one("button[type=submit]")
    assert not page.select_one("meta[http-equiv=refresh]")


def test_sources_stand_in_the_order_of_the_configuration(render: Render) -> None:
    page = render("login.html", sources=[form("pam"), button("uni"), form("guests"), button("github")])
    names = [str(each.get("href") or each.get("action")).split("/")[3] for each in main(page).select("a, form")]

    assert names == ["pam", "uni", "guests", "github"]


def test_next_goes_along_encoded_exactly_once(render: Render) -> None:
    page = render("login.html", sources=[button("uni"), form("guests")])

    assert page.select_one(f'a[href="{sign_in_url("/hub/", "uni", NEXT)}"]')
    assert hidden(page, "/hub/auth/guests/login") == {"_xsrf": "the-xsrf-token", "next": NEXT}


def test_a_source_that_is_unavailable_says_so_and_leads_nowhere(render: Render) -> None:
    page = render("login.html", sources=[button("corp", unavailable="Not available now."), button("uni")])

    assert "Corp Not available now." in " ".join(main(page).get_text().split())
    assert not page.select('[href*="/corp/"], [action*="/corp/"]')


def test_an_error_stands_in_its_own_form_and_only_there(render: Render) -> None:
    page = render("login.html", sources=[form("guests"), form("pam", error="The password is wrong.", username="ann")])
    wrong, other = page.select("section")[1], page.select("section")[0]
    alert = wrong.select_one("[role=alert]")

    assert alert is not None
    assert alert.get_text() == "The password is wrong."
    assert {each["aria-describedby"] for each in wrong.select("[aria-invalid=true]")} == {alert["id"]}
    assert not other.select("[role=alert], [aria-invalid]")
    assert [each.get("value") for each in page.select("input[name=username]")] == [None, "ann"]


@pytest.mark.parametrize(
    ("sources", "focus"),
    [
        ([form("pam")], ["hubauth-pam-username"]),
        ([form("pam"), form("guests")], []),
        ([button("uni"), form("pam")], []),
        ([button("uni")], []),
        ([button("uni"), form("pam", error="Wrong."), form("guests")], ["hubauth-pam-username"]),
        ([form("guests"), form("pam", error="Wrong.", username="ann")], ["hubauth-pam-password"]),
    ],
    ids=["one form", "two forms", "form beside button", "button", "failed form", "failed form keeps the name"],
)
def test_focus_lands_where_typing_goes_on(render: Render, sources: list[Source], focus: list[str]) -> None:
    assert autofocused(render("login.html", sources=sources)) == focus


def test_a_further_step_carries_its_state_and_says_what_is_asked(render: Render) -> None:
    code = Form(
        fields=(Field(name="otp", label="Code", autocomplete="one-time-code"),), text="Look at the app.", submit="Go on"
    )
    page = render("hubauth-form.html", source=form("guests", form=code), state="sealed")

    assert hidden(page, "/hub/auth/guests/login")["state"] == "sealed"
    assert "Look at the app." in main(page).get_text()
    assert [each.get_text() for each in page.select("button[type=submit]")] == ["Go on"]
    assert autofocused(page) == ["hubauth-guests-otp"]


def test_the_administrators_markup_stands_in_place_of_the_fields(render: Render) -> None:
    page = render(
        "login.html", sources=[form("lti", form=Form(html=Markup('<input name="badge" aria-label="Badge">')))]
    )

    assert [each["name"] for each in page.select("form input")] == ["_xsrf", "next", "badge"]


def test_markup_that_is_a_whole_form_is_not_put_into_another_one(render: Render) -> None:
    whole = Form(html=Markup('<form action="/hub/auth/lti/login" method="post"><button>Go</button></form>'))
    page = render("login.html", sources=[form("lti", form=whole)])

    assert len(page.find_all("form")) == 1
    assert not page.select("form form")


def test_a_hub_without_a_source_says_so(render: Render) -> None:
    assert "no sign-in source is set up" in main(render("login.html", sources=[])).get_text()


def test_the_refused_page_says_why_and_offers_the_way_on(render: Render) -> None:
    page = render(
        "hubauth-refused.html",
        sentence="Forge does not answer, try again.",
        code="provider_unreachable",
        label="Forge",
        retry_url=sign_in_url("/hub/", "forge", NEXT),
    )
    links = {" ".join(each.get_text().split()): each["href"] for each in main(page).find_all("a")}

    assert page.title is not None
    assert page.title.get_text() == "Sign-in did not work - JupyterHub"
    assert "Forge does not answer, try again." in main(page).get_text()
    assert "provider_unreachable" in main(page).get_text()
    assert links == {
        "Try again with Forge": sign_in_url("/hub/", "forge", NEXT),
        "Other ways to sign in": "/hub/login",
    }


def test_where_no_provider_is_known_the_one_way_on_is_the_sign_in_page(render: Render) -> None:
    page = render("hubauth-refused.html", sentence="No.", retry_url="/hub/login")

    assert [(each["href"], each.get_text()) for each in main(page).find_all("a")] == [
        ("/hub/login", "Back to the sign-in page")
    ]


def test_an_error_is_said_once(render: Render) -> None:
    failed = form("pam", error="The password is wrong.")
    page = render("login.html", sources=[failed], login_error=failed.error)

    assert str(page).count("The password is wrong.") == 1


def test_the_refused_page_shows_no_more_than_it_is_asked_to(render: Render) -> None:
    page = render("hubauth-refused.html", sentence="No.", state="STATE", token="TOKEN", error_description="DETAIL")

    assert not any(secret in str(page) for secret in ("STATE", "TOKEN", "DETAIL"))


@pytest.mark.parametrize("base", ["templates/login.html", "hubauth-login.html"])
def test_an_administrators_login_page_wins_and_keeps_the_sources(tmp_path: Path, base: str) -> None:
    override = '{% extends "BASE" %}{% block announcement %}<p>Maintenance on Friday</p>{% endblock %}'
    (tmp_path / "login.html").write_text(override.replace("BASE", base))
    admin = environment(tmp_path)
    context = HUB | {"sources": [button("uni"), form("guests")]}
    context["custom_html"] = Markup(admin.get_template("hubauth-sources.html").render(context))
    page = BeautifulSoup(admin.get_template("login.html").render(context), "html.parser")

    assert "Maintenance on Friday" in page.get_text()
    assert len(page.select('a[href*="/auth/uni/login"]')) == 1
    assert [each["action"] for each in page.find_all("form")] == ["/hub/auth/guests/login"]
    assert page.select_one("#insecure-login-warning")  # the stock script stumbles without it


def test_the_login_page_of_the_documentation_shows_its_own_words_and_ours(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs/how-to/sign-in-page.md").read_text()
    (tmp_path / "login.html").write_text(page.partition("```jinja\n")[2].partition("```")[0])
    html = environment(tmp_path).get_template("login.html").render(HUB | {"sources": [button("uni")]})

    assert "New here? Ask at the library desk." in html
    assert BeautifulSoup(html, "html.parser").select('main a[href*="/auth/uni/login"]')


def test_the_hubs_announcement_for_the_sign_in_page_shows(render: Render) -> None:
    page = render("login.html", sources=[], announcement_login="Closed on <b>Friday</b>")

    assert "Closed on Friday" in page.get_text()


def test_terms_are_linked_where_the_hub_has_some(render: Render) -> None:
    page = render("login.html", sources=[button("uni")], login_term_url="https://uni.example/terms")

    assert main(page).select_one('a[href="https://uni.example/terms"]')
