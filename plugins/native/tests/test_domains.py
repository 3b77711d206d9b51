"""Domains that rules name."""

from __future__ import annotations

import pytest

from hubauth_core import ConfigError
from hubauth_native.domains import NOWHERE, domain_of, domains_of


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("ann@uni.example", "uni.example"),
        ("ann@UNI.Example", "uni.example"),
        ("ann@bücher.example", "xn--bcher-kva.example"),
        ("ann@xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("", NOWHERE),
        ("ann", NOWHERE),
        ("ann@", NOWHERE),
        ("ann@uni.example@evil.example", NOWHERE),
        ("ann@uni.example\0", NOWHERE),
        ("\ud800@uni.example", NOWHERE),
    ],
)
def test_the_domain_of_an_address(address: str, domain: str) -> None:
    assert domain_of(address) == domain


@pytest.mark.parametrize("entry", ["uni.example", "@uni.example", " Uni.Example "])
def test_a_rule_names_one_whole_domain(entry: str) -> None:
    named = domains_of("allowed_email_domains", [entry])
    assert named == {"uni.example"}
    for other in ("x.uni.example", "uni.example.evil.example", "notuni.example", "uniXexample.example"):
        assert domain_of(f"ann@{other}") not in named


@pytest.mark.parametrize("entry", ["", "*", "*.uni.example", "^.*@uni.example", "a b", "ann@uni.example"])
def test_a_pattern_is_no_domain(entry: str) -> None:
    with pytest.raises(ConfigError, match="allowed_email_domains"):
        domains_of("allowed_email_domains", [entry])
