"""What the pages are told: addresses, icons, what an input shows again."""

from __future__ import annotations

from pathlib import Path

import pytest
from markupsafe import Markup

from hubauth_core.types import PASSWORD_FORM, Field, Form
from hubauth_core.web.view import BRANDS, Source, find_icon, sign_in_url

USERNAME, PASSWORD = PASSWORD_FORM.fields
HOSTILE_ADDRESSES = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "data:image/svg+xml,<svg onload=alert(1)>",
    "http://icons.example/a.png",
    "//icons.example/a.png",
    "/\\icons.example/a.png",
    "https:icons.example",
    "https://user@icons.example/a.png",
    "https://icons.example/a b.png",
    "\tjavascript:alert(1)",
    "https://[broken",
    "../../../etc/passwd",
    "GitHub",
]


@pytest.fixture
def hub_static(tmp_path: Path) -> Path:
    """A hub's static directory with one brand in it."""
    (tmp_path / BRANDS).mkdir(parents=True)
    (tmp_path / BRANDS / "github.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>')
    return tmp_path


@pytest.mark.parametrize(
    "next_url", ["/hub/spawn", "/user/ann/lab?path=a%20b&x=1#end", "/hub/a+b=ü&c", 'x"><script>alert(1)</script>']
)
def test_next_survives_the_address_and_the_hidden_field_unchanged(next_url: str) -> None:
    source = Source(name="uni", label="University", url=sign_in_url("/hub/", "uni", next_url), form=PASSWORD_FORM)

    assert source.next == next_url
    assert source.action == "/hub/auth/uni/login"


def test_without_next_the_address_has_no_query() -> None:
    assert sign_in_url("/base/hub/", "uni") == "/base/hub/auth/uni/login"


def test_a_button_names_its_provider_unless_the_form_says_otherwise() -> None:
    url = sign_in_url("/hub/", "guests")

    assert Source(name="guests", label="Guests", url=url, form=PASSWORD_FORM).submit == "Sign in with Guests"
    assert Source(name="guests", label="Guests", url=url, form=Form(submit="Continue")).submit == "Continue"
    assert Source(name="guests", label="Guests", url=url, form=PASSWORD_FORM).go_on == "Continue"
    assert Source(name="guests", label="Guests", url=url, form=Form(submit="Verify")).go_on == "Verify"


def test_only_the_username_is_shown_again() -> None:
    source = Source(name="pam", label="PAM", url="/hub/auth/pam/login", form=PASSWORD_FORM, username="ann")
    sly = Field(name="username", label="Password", type="password", autocomplete="username")

    assert source.value_of(USERNAME) == "ann"
    assert source.value_of(PASSWORD) == ""
    assert source.value_of(sly) == ""
    assert source.first_empty == "password"


def test_markup_that_is_a_whole_form_is_told_from_fields() -> None:
    whole = Form(html=Markup('<FORM action="/hub/auth/lti/login">...</FORM>'))
    fields = Form(html=Markup('<input name="badge">'))

    assert Source(name="lti", label="LTI", url="/x", form=whole).brings_own_form
    assert not Source(name="lti", label="LTI", url="/x", form=fields).brings_own_form


def test_a_brand_is_drawn_and_hidden_from_screen_readers(hub_static: Path) -> None:
    icon = find_icon("github", hub_static)

    assert icon.drawing.startswith('<svg class="hubauth-icon" aria-hidden="true"')
    assert not icon.problem


def test_an_unknown_brand_is_nothing_and_says_which_one_is_near(hub_static: Path) -> None:
    icon = find_icon("githup", hub_static)

    assert not icon.drawing
    assert "'github'" in icon.problem


@pytest.mark.parametrize("address", ["https://icons.example/a.png", "/hub/static/images/uni.svg?v=2"])
def test_an_image_may_stand_on_this_site_or_on_https(hub_static: Path, address: str) -> None:
    assert find_icon(address, hub_static).image == address


@pytest.mark.row("V11")
@pytest.mark.parametrize("address", HOSTILE_ADDRESSES)
def test_no_other_address_reaches_the_page(hub_static: Path, address: str) -> None:
    icon = find_icon(address, hub_static)

    assert not icon.image
    assert not icon.drawing
    assert "icon" in icon.problem


def test_no_icon_is_no_problem(hub_static: Path) -> None:
    assert not find_icon("", hub_static).problem
