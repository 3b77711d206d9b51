"""The metadata of an authorization server: where its endpoints are, by its own word.

https://www.rfc-editor.org/rfc/rfc8414
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from authlib.oauth2.rfc8414.well_known import get_well_known_url

from ..errors import ProviderError
from ..urls import problem_with, strays_from
from .http import Api
from .rfc6749 import reserved_in

OPENID: Final = "openid-configuration"
OAUTH: Final = "oauth-authorization-server"


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What of the metadata is used. Section 2."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    revocation_endpoint: str = ""
    end_session_endpoint: str = ""
    sends_issuer: bool = False


def well_known(issuer: str) -> list[str]:
    """Where the metadata may be: appended as OpenID Connect Discovery 1.0 (section 4) has it, then inserted (3.1)."""
    appended = f"{issuer.rstrip('/')}/.well-known/{OPENID}"
    inserted = [str(get_well_known_url(issuer.rstrip("/"), external=True, suffix=suffix)) for suffix in (OAUTH, OPENID)]
    return list(dict.fromkeys([appended, *inserted]))


async def fetch_metadata(api: Api, issuer: str, named: str = "") -> Metadata:
    """The metadata of an issuer, which it may call by another name there.

    Raises ProviderError; what does not name the issuer exactly is not used (row C25).
    """
    for url in well_known(issuer):
        answer = await api.get_json(url)
        if not 400 <= answer.status < 500:
            return parse_metadata(answer.mapping(), named or issuer, api)
    raise ProviderError(
        f"{api.label} has no metadata; {well_known(issuer)[0]} is not there.", code="discovery_not_found"
    )


def parse_metadata(document: dict[str, Any], issuer: str, api: Api) -> Metadata:
    """The metadata in a document. Raises ProviderError."""
    if document.get("issuer") != issuer:
        raise ProviderError(
            f"{api.label} does not call itself {issuer!r}, as it is configured here; a slash at the end counts.",
            code="discovery_issuer",
        )
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_browser_endpoint(document, issuer, api),
        token_endpoint=_endpoint(document, "token_endpoint", issuer, api),
        jwks_uri=_endpoint(document, "jwks_uri", issuer, api),
        userinfo_endpoint=_endpoint(document, "userinfo_endpoint", issuer, api, required=False),
        revocation_endpoint=_endpoint(document, "revocation_endpoint", issuer, api, required=False),
        end_session_endpoint=_way_out(document, issuer, api),
        sends_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def issuer_problem(issuer: str, insecure_hosts: Collection[str]) -> str | None:
    """Why a text is no issuer, None if it is one. Section 2."""
    return problem_with(issuer, insecure_hosts) or ("it holds a query" if "?" in issuer else None)


def _browser_endpoint(document: dict[str, Any], issuer: str, api: Api) -> str:
    url = _endpoint(document, "authorization_endpoint", issuer, api)
    if reserved_in(url):
        raise api.bad_response()
    return url


def _way_out(document: dict[str, Any], issuer: str, api: Api) -> str:
    """OpenID Connect RP-Initiated Logout 1.0, section 2.1. One that cannot be used must not keep people from coming."""
    try:
        return _endpoint(document, "end_session_endpoint", issuer, api, required=False)
    except ProviderError:
        return ""


def _endpoint(document: dict[str, Any], name: str, issuer: str, api: Api, *, required: bool = True) -> str:
    url = document.get(name, "")
    if not isinstance(url, str) or (required and not url):
        raise api.bad_response()
    if url and (problem_with(url, api.insecure_hosts) or strays_from(url, issuer, api.insecure_hosts)):
        raise ProviderError(
            f"{api.label} names an address that cannot be used.", code="provider_insecure_url"
        )  # row X24
    return url
