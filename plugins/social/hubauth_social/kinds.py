"""A backend's class under the name of a provider, with state, nonce and proof of possession always on (row V18).

The state is that of hubauth's transaction, so that each answer finds the browser's own one, whatever the protocol.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthResponseError
from social_core.utils import url_add_parameters

from hubauth_core import Redirect

if TYPE_CHECKING:
    from .strategy import SocialStrategy

MOST_IN_A_URL: Final = 2000
"""Characters of an address with which the browser is sent on; a longer request is posted (OpenID 2.0, section 5.2)."""

PROMPTS: Final = {"social_core.backends.google_openidconnect": "select_account"}
"""What asks a person again whom an OpenID provider knows, by the backend's module, where that is not `login`."""

DAY: Final = 24 * 3600

OPENIDS: Final = ("openid.claimed_id", "openid.identity", "openid1_claimed_id")
"""What an answer of OpenID says somebody is."""

VERIFIER: Final = "hubauth_code_verifier"
"""Where the proof of possession stands in the session of a sign-in."""


class Bound(BaseAuth[Any]):
    """What every backend has: it begins what only the browser of this transaction can end."""

    @property
    def _state(self) -> str:
        return cast("SocialStrategy", self.strategy).visit.state

    def state_token(self) -> str:
        """The state of OAuth."""
        return self._state

    def once(self, scope: str, value: str, until: int) -> None:
        """Raises AuthResponseError for what has been used before; it is good until that Unix time (row F19)."""
        if not self.strategy.storage.nonce.use(scope, until, value):
            raise AuthResponseError(backend=self, code="response_expired", stage="callback")

    def prepare_auth(self, user: Any = None) -> None:
        """The state of what can only be connected, which is bound to the person, too."""
        if self.ASSOCIATION_ONLY:
            person = self.require_association_user(user, stage="begin")
            self.strategy.session_set(f"{self.name}_state", {"state": self._state, "user_id": str(person.id)})


class BoundOAuth2(Bound):
    """OAuth 2.0 and OpenID Connect. RFC 6749, section 10.12; RFC 7636."""

    STATE_PARAMETER = True
    DEFAULT_USE_PKCE = True

    def auth_params(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The backend's own parameters, with a challenge where it makes none itself."""
        params: dict[str, Any] = super().auth_params(*args, **kwargs)  # type: ignore[misc]
        if cast("SocialStrategy", self.strategy).visit.anew and hasattr(self, "PROMPT"):
            params["prompt"] = PROMPTS.get(type(self).__module__, "login")
        if "code_challenge" in params or not self.setting("USE_PKCE", True):
            return params
        verifier = self.strategy.random_string(64)
        self.strategy.session_set(VERIFIER, verifier)
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return {**params, "code_challenge": challenge, "code_challenge_method": "S256"}

    def revoke_token(self, token: str, uid: str) -> Any:
        """The backend's own way; where it knows an address alone, the usual one. RFC 7009, section 2.1."""
        if self.revoke_token_params(token, uid):  # type: ignore[attr-defined]
            return super().revoke_token(token, uid)  # type: ignore[misc]
        key, secret = self.get_key_and_secret()
        told = {"token": token, "client_id": key, "client_secret": secret}
        url = self.revoke_token_url(token, uid)  # type: ignore[attr-defined]
        return self.request(url, method="POST", data=told, stage="disconnect")

    def request(self, url: str, **options: Any) -> Any:
        """Whatever redeems the code proves whose it is, also where a backend puts its parameters together itself."""
        verifier = self.strategy.session_get(VERIFIER)
        for name in ("data", "json", "params"):
            fields = options.get(name)
            if verifier and isinstance(fields, Mapping) and fields.get("code") and "code_verifier" not in fields:
                options[name] = {**fields, "code_verifier": verifier}
        return super().request(url, **options)


class BoundOAuth1(Bound):
    """OAuth 1.0a: the source keeps the query of the callback address. RFC 5849, section 2.2."""

    REDIRECT_STATE = True

    def setting(self, name: str, default: Any = None) -> Any:
        """MediaWiki has a setting for the address to come back to."""
        found = super().setting(name, default)
        if name == "CALLBACK" and not found:
            return url_add_parameters(self.redirect_uri or "", {"redirect_state": self._state})
        return found


class BoundOpenId(Bound):
    """OpenID 2.0: the state stands in `openid.return_to`, which the source signs."""

    def create_state(self) -> str:
        """The state."""
        self.strategy.session_set(f"{self.name}_state", self._state)
        return self._state

    def start(self) -> Redirect:
        """The request as an address, or as a form where that would be too long. One discovery either way."""
        request = self.setup_request(self.auth_extra_arguments())  # type: ignore[attr-defined]
        place = self.trust_root(), self._return_to_for_login()  # type: ignore[attr-defined]
        url: str = request.redirectURL(*place)
        if len(url) <= MOST_IN_A_URL:
            return Redirect(url=url)
        message: Mapping[str, str] = request.getMessage(*place).toPostArgs()
        return Redirect(url=request.endpoint.server_url, fields=dict(message))

    def auth_complete(self, *args: Any, **kwargs: Any) -> Any:
        """Of an answer about an address elsewhere nothing is believed: python3-openid would ask that address before it
        looks at the signature, and anybody can send such an answer (row F05)."""
        if self.requires_openid_provider_binding():  # type: ignore[attr-defined]
            ours = urlsplit(self._expected_openid_endpoint().server_url).hostname or ""  # type: ignore[attr-defined]
            for name in OPENIDS:
                if name in self.data and not _is_beside(urlsplit(self.data[name]).hostname or "", ours):
                    raise AuthResponseError(backend=self, claim="claimed_id", code="invalid_claim", stage="callback")
        return super().auth_complete(*args, **kwargs)


class BoundSaml(Bound):
    """SAML: the state stands in RelayState, and the source's answer names the request that the session holds."""

    BROWSER_RETURN_FIELD = "SAMLResponse"  # the page that sends an answer again with our cookies is the core's

    def generate_saml_config(self, idp: Any = None) -> dict[str, Any]:
        """What python3-saml is told: nothing of what is not set, which it stumbles over."""
        config: dict[str, Any] = super().generate_saml_config(idp)  # type: ignore[misc]
        config["contactPerson"] = {kind: who for kind, who in config["contactPerson"].items() if who}
        config["sp"] = {name: value for name, value in config["sp"].items() if value is not None}
        config["debug"] = False  # it prints
        return {name: value for name, value in config.items() if value is not None}

    def auth_url(self) -> str:
        """The address of the source, with RelayState."""
        self.data = {**self.data, "next": self._state}
        return super().auth_url()

    def _process_response(self, auth: Any, *args: Any, **kwargs: Any) -> None:
        """An assertion counts once, also where its source has not signed which request it answers."""
        super()._process_response(auth, *args, **kwargs)  # type: ignore[misc]
        self.once("saml", str(auth.get_last_assertion_id()), int(auth.get_last_assertion_not_on_or_after() or 0))


class BoundByAddress(Bound):
    """Whatever comes back to the address that it was given: Discourse, Telegram."""

    def auth_url(self) -> str:
        """The address of the source."""
        self.redirect_uri = url_add_parameters(self.redirect_uri or "", {"redirect_state": self._state})
        return super().auth_url()

    def auth_complete(self, *args: Any, **kwargs: Any) -> Any:
        """Without the state, which the source has not signed."""
        self.data = {name: value for name, value in self.data.items() if name != "redirect_state"}
        return super().auth_complete(*args, **kwargs)

    def verify_data(self, response: Mapping[str, Any]) -> None:
        """Telegram's: what it has signed is good for a day, and counts once."""
        super().verify_data(response)  # type: ignore[misc]
        self.once("telegram", response["hash"], int(response["auth_date"]) + DAY)


MIXINS: Final[Mapping[str, type[Any]]] = {
    "oauth2": BoundOAuth2,
    "oidc": BoundOAuth2,
    "oauth1": BoundOAuth1,
    "openid": BoundOpenId,
    "saml": BoundSaml,
    "own": BoundByAddress,
    "unproven": Bound,
}


def under(name: str, backend: type[BaseAuth[Any]], kind: str) -> type[BaseAuth[Any]]:
    """The backend's class under the name of a provider, so that two of one class share nothing."""
    mixin = Bound if backend.ASSOCIATION_ONLY and kind == "own" else MIXINS[kind]
    return type(backend.__name__, (mixin, backend), {"name": name, "__module__": backend.__module__})


def _is_beside(host: str, ours: str) -> bool:
    """Whether two hosts are one source's: the same, or both below the same domain."""
    domain = ours.split(".")[-2:]
    return host == ours or (host.split(".")[-2:] == domain and not domain[-1].isdigit())
