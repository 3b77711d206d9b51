"""What a person is asked before the browser is sent on, and which answers count."""

import pytest

from hubauth_core import LoginRefused, Request
from hubauth_social import SocialProvider
from hubauth_social.asking import ASKED, LONGEST, chosen, form, typed

IDP = {"entity_id": "e", "url": "https://idp.example/sso", "x509cert": "x", "attr_user_permanent_id": "name_id"}
SCRIPT = "<script>alert(1)</script>"


def made(backend, **settings):
    return SocialProvider("mine", backend=backend, settings=settings)


def saml(**labels):
    idps = {name: {**IDP, **({"label": label} if label else {})} for name, label in labels.items()}
    return made("saml", SP_ENTITY_ID="hub", ENABLED_IDPS=idps)


def test_a_backend_that_knows_its_source_asks_nothing():
    assert form(made("reddit", KEY="k", SECRET="s"), Request()) is None
    assert form(saml(uni=""), Request()) is None


def test_the_field_is_the_one_that_the_backend_reads():
    asked = form(made("openid"), Request())
    assert ([each.name for each in asked.fields], asked.memo) == (["openid_identifier"], {ASKED: "1"})


@pytest.mark.parametrize("given", [(), ("",), ("  ",), ("a", "b"), ("x" * (LONGEST + 1),)])
def test_nothing_twice_or_too_much_is_no_answer(given):
    with pytest.raises(LoginRefused):
        typed(made("openid"), Request(form={"openid_identifier": given}))


def test_what_is_typed_comes_without_the_space_around_it():
    assert typed(made("openid"), Request(form={"openid_identifier": [" ann.example "]})) == {
        "openid_identifier": "ann.example"
    }


def test_of_several_sources_the_person_chooses_one_and_no_other():
    provider = saml(uni="Our university", college=SCRIPT)
    asked = form(provider, Request())
    assert '<option value="uni">Our university</option>' in asked.inside
    assert SCRIPT not in asked.inside
    assert typed(provider, Request(form={"idp": ["college"]})) == {"idp": "college"}
    for other in ({"idp": ["evil"]}, {"idp": [""]}, {}):
        with pytest.raises(LoginRefused):
            typed(provider, Request(form=other))
        assert form(provider, Request(query=other)) is not None
    assert form(provider, Request(query={"idp": ["uni"]})) is None


def test_the_only_source_is_taken_whatever_the_address_says():
    assert chosen(saml(uni=""), {"idp": ["evil"]}) == {"idp": "uni"}
