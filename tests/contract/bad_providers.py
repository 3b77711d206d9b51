"""Providers with one fault each, and the tests of the kit that must catch it (`caught_by`). Run by `test_kit.py`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar

from traitlets import Bool

from hubauth_core import (
    Credential,
    HubCall,
    Identity,
    ProviderError,
    ProviderUnavailable,
    ReauthRequired,
    Redirect,
    RefreshedIdentity,
    Refused,
    Request,
    Rotated,
    Secret,
    SignIn,
    Transaction,
    Unavailable,
    Unchanged,
    Updated,
)
from hubauth_core.oauth2 import Api, Claims, OAuth2Provider, subject, text
from hubauth_core.testing.contract import ProviderContract
from hubauth_core.types import RefreshedCredential


class Forge(OAuth2Provider):
    """Without fault."""

    title = "Forge"
    default_authorize_url = "https://forge.test/oauth/authorize"
    default_token_url = "https://forge.test/oauth/token"
    default_userinfo_url = "https://forge.test/api/user"

    def parse_identity(self, claims: Claims) -> Identity:
        return Identity(
            subject=subject(claims["id"]),
            username=text(claims["username"]),
            email=claims.get("email"),
            email_verified=claims.get("confirmed") is True,
        )


class Facts(ProviderContract):
    provider_type: ClassVar[type[OAuth2Provider]] = Forge
    options: ClassVar[dict[str, Any]] = {"client_id": "hub", "client_secret": "canary-forge-secret"}
    authorize_url = "https://forge.test/oauth/authorize"
    token_url = "https://forge.test/oauth/token"
    userinfo_url = "https://forge.test/api/user"
    userinfo: ClassVar[dict[str, Any]] = {"id": 7, "username": "ann", "email": "ann@forge.test", "confirmed": True}
    unverified: ClassVar[dict[str, Any]] = {"id": 7, "username": "ann", "email": "ann@forge.test", "confirmed": False}
    identity = Identity(subject="7", username="ann", email="ann@forge.test", email_verified=True)


class TestNothingWrong(Facts):
    caught_by: ClassVar[set[str]] = set()


class NoPkce(Forge):
    async def begin_login(self, request: Request, transaction: Transaction) -> Redirect:
        step = await super().begin_login(request, transaction)
        return Redirect(url=step.url.replace("code_challenge=", "ignored="), memo=step.memo)


class TestNoPkce(Facts):
    provider_type = NoPkce
    caught_by: ClassVar[set[str]] = {
        "test_the_browser_leaves_with_state_nonce_and_pkce",
        "test_no_two_sign_ins_are_alike",
    }


class PkceByOption(Forge):
    enable_pkce = Bool(True).tag(config=True)

    async def begin_login(self, request: Request, transaction: Transaction) -> Redirect:
        step = await super().begin_login(request, transaction)
        return step if self.enable_pkce else Redirect(url=step.url.replace("code_challenge=", "no="), memo=step.memo)


class TestPkceByOption(Facts):
    provider_type = PkceByOption
    caught_by: ClassVar[set[str]] = {"test_no_option_switches_state_nonce_or_pkce_off"}


class OneState(Forge):
    async def begin_login(self, request: Request, transaction: Transaction) -> Redirect:
        step = await super().begin_login(request, transaction)
        return Redirect(url=step.url.replace(transaction.state, "one-state-for-all"), memo=step.memo)


class TestOneState(Facts):
    provider_type = OneState
    caught_by: ClassVar[set[str]] = {
        "test_the_browser_leaves_with_state_nonce_and_pkce",
        "test_no_two_sign_ins_are_alike",
    }


class EverybodyStays(Forge):
    async def refresh_identity(
        self, identity: Identity, credential: Credential | None, hub: HubCall
    ) -> RefreshedIdentity:
        return Updated(identity)


class TestEverybodyStays(Facts):
    provider_type = EverybodyStays
    caught_by: ClassVar[set[str]] = {
        "test_without_a_token_nobody_is_asked", "test_a_token_that_is_not_taken", "test_down_while_people_work"
    }  # fmt: skip


class SilenceIsNo(Forge):
    async def refresh_identity(
        self, identity: Identity, credential: Credential | None, hub: HubCall
    ) -> RefreshedIdentity:
        answer = await super().refresh_identity(identity, credential, hub)
        return Refused("gone") if isinstance(answer, Unavailable) else answer


class TestSilenceIsNo(Facts):
    provider_type = SilenceIsNo
    caught_by: ClassVar[set[str]] = {"test_down_while_people_work"}


class WhoeverItIs(Forge):
    async def refresh_identity(
        self, identity: Identity, credential: Credential | None, hub: HubCall
    ) -> RefreshedIdentity:
        if credential is None:
            return Unchanged()
        return Updated(self.identity(await self.fetch_claims(credential, self.api)))


class TestWhoeverItIs(Facts):
    provider_type = WhoeverItIs
    caught_by: ClassVar[set[str]] = {"test_somebody_else_behind_the_token"}


class LoginIsSubject(Forge):
    def parse_identity(self, claims: Claims) -> Identity:
        return Identity(subject=text(claims["username"]), username=text(claims["username"]))


class TestLoginIsSubject(Facts):
    provider_type = LoginIsSubject
    caught_by: ClassVar[set[str]] = {
        "test_sign_in", "test_the_subject_is_no_name_and_no_address", "test_a_renamed_account_keeps_its_subject",
        "test_a_namesake_is_somebody_else",
    }  # fmt: skip


class AddressIsSubject(Forge):
    def parse_identity(self, claims: Claims) -> Identity:
        return Identity(subject=text(claims["email"]), username=text(claims["username"]), email=claims["email"])


class TestAddressIsSubject(Facts):
    provider_type = AddressIsSubject
    caught_by: ClassVar[set[str]] = {
        "test_the_subject_is_no_name_and_no_address", "test_a_renamed_account_keeps_its_subject"
    }  # fmt: skip


class AnythingIsSubject(Forge):
    def parse_identity(self, claims: Claims) -> Identity:
        return Identity(subject=str(claims.get("id")), username=str(claims.get("username")))


class TestAnythingIsSubject(Facts):
    provider_type = AnythingIsSubject
    caught_by: ClassVar[set[str]] = {"test_no_subject", "test_no_username"}


class TrustsEveryAddress(Forge):
    def parse_identity(self, claims: Claims) -> Identity:
        return Identity(subject=subject(claims["id"]), username=claims["username"], email_verified=True)


class TestTrustsEveryAddress(Facts):
    provider_type = TrustsEveryAddress
    caught_by: ClassVar[set[str]] = {"test_an_unverified_address_is_not_taken_for_verified"}


class Logs(Forge):
    async def fetch_claims(self, tokens: Credential, api: Api) -> Claims:
        self.log.debug("asking with %s", tokens.access_token.reveal())
        return await super().fetch_claims(tokens, api)


class TestLogs(Facts):
    provider_type = Logs
    caught_by: ClassVar[set[str]] = {"test_sign_in", "test_userinfo_rubbish"}


class TellsInErrors(Forge):
    async def fetch_claims(self, tokens: Credential, api: Api) -> Claims:
        try:
            return await super().fetch_claims(tokens, api)
        except ProviderUnavailable:
            raise
        except ProviderError as error:
            raise ProviderError(f"{tokens.access_token.reveal()} was not good") from error


class TestTellsInErrors(Facts):
    provider_type = TellsInErrors
    caught_by: ClassVar[set[str]] = {"test_userinfo_rubbish"}


class TokenInAddress(Forge):
    async def fetch_claims(self, tokens: Credential, api: Api) -> Claims:
        params = {"access_token": tokens.access_token.reveal()}
        return (await api.get_json(self.userinfo_url, params=params)).mapping()


class TestTokenInAddress(Facts):
    provider_type = TokenInAddress
    caught_by: ClassVar[set[str]] = {"test_secrets_travel_in_headers_and_bodies_only"}


class SharesMemory(Forge):
    seen: ClassVar[dict[str, Claims]] = {}

    async def fetch_claims(self, tokens: Credential, api: Api) -> Claims:
        self.seen[self.name] = await super().fetch_claims(tokens, api)
        return self.seen[self.name]


class TestSharesMemory(Facts):
    provider_type = SharesMemory
    caught_by: ClassVar[set[str]] = {"test_two_instances_sign_in_side_by_side"}


class OwnHook(Forge):
    async def hubauth_begin_login(self, request: Request, transaction: Transaction) -> Redirect:  # type: ignore[misc]  # the fault
        return await self.begin_login(request, transaction)


class TestOwnHook(Facts):
    provider_type = OwnHook
    caught_by: ClassVar[set[str]] = {"test_the_hooks_are_the_cores_own"}


class SendsTheCodeAgain(Forge):
    async def finish_login(self, request: Request, transaction: Transaction) -> SignIn:
        try:
            return await super().finish_login(request, transaction)
        except ProviderError:
            return await super().finish_login(request, transaction)


class TestSendsTheCodeAgain(Facts):
    provider_type = SendsTheCodeAgain
    caught_by: ClassVar[set[str]] = {"test_token_endpoint_down", "test_token_endpoint_rubbish"}


class TakesWhateverComes(Forge):
    async def fetch_claims(self, tokens: Credential, api: Api) -> Claims:
        try:
            return await super().fetch_claims(tokens, api)
        except ProviderError:
            return {"id": 7, "username": "ann"}


class TestTakesWhateverComes(Facts):
    provider_type = TakesWhateverComes
    caught_by: ClassVar[set[str]] = {"test_userinfo_down", "test_userinfo_rubbish"}


class ForgetsWhatIsRotated(Forge):
    async def refresh_credential(self, credential: Credential) -> RefreshedCredential:
        outcome = await super().refresh_credential(credential)
        if isinstance(outcome, Rotated):
            return Rotated(replace(outcome.credential, refresh_token=credential.refresh_token))
        return outcome


class TestForgetsWhatIsRotated(Facts):
    provider_type = ForgetsWhatIsRotated
    caught_by: ClassVar[set[str]] = {"test_a_renewal_keeps_what_is_rotated"}


class LosesWhatDoesNotComeAgain(Forge):
    async def refresh_credential(self, credential: Credential) -> RefreshedCredential:
        outcome = await super().refresh_credential(credential)
        again = isinstance(outcome, Rotated) and outcome.credential.refresh_token != credential.refresh_token
        return outcome if again or not isinstance(outcome, Rotated) else ReauthRequired()


class TestLosesWhatDoesNotComeAgain(Facts):
    provider_type = LosesWhatDoesNotComeAgain
    caught_by: ClassVar[set[str]] = {"test_a_renewal_without_a_new_refresh_token_keeps_the_old_one"}


class EveryFaultIsTheEnd(Forge):
    async def refresh_credential(self, credential: Credential) -> RefreshedCredential:
        try:
            outcome = await super().refresh_credential(credential)
        except ProviderError:
            return ReauthRequired("refused")
        return ReauthRequired("refused") if isinstance(outcome, Unavailable) else outcome


class TestEveryFaultIsTheEnd(Facts):
    provider_type = EveryFaultIsTheEnd
    caught_by: ClassVar[set[str]] = {
        "test_a_source_that_is_down_keeps_the_grant", "test_a_source_that_never_answers_keeps_the_grant",
        "test_rubbish_keeps_the_grant",
    }  # fmt: skip


class RenewsTwice(Forge):
    async def refresh_credential(self, credential: Credential) -> RefreshedCredential:
        await super().refresh_credential(credential)
        return await super().refresh_credential(credential)


class TestRenewsTwice(Facts):
    provider_type = RenewsTwice
    caught_by: ClassVar[set[str]] = {
        "test_a_renewal_keeps_what_is_rotated", "test_a_source_that_is_down_keeps_the_grant",
    }  # fmt: skip


class ExchangesAnything(Forge):
    async def retrieve_credential(self, credential: Credential, resource: str) -> Credential:
        fields = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "audience": resource}
        token = credential.access_token.reveal()
        answer = await self.api.post_form(f"{self.token_url}?subject_token={token}", fields)
        found = self.api.answer(answer).mapping()
        return Credential(access_token=Secret(found["access_token"]), resource=resource)


class TestExchangesAnything(Facts):
    provider_type = ExchangesAnything
    caught_by: ClassVar[set[str]] = {
        "test_only_ones_own_token_is_exchanged_for_what_is_configured",
        "test_what_is_not_configured_is_asked_of_nobody",
        "test_another_token_than_was_asked_for_is_not_taken",
        "test_a_refused_exchange_is_told_as_such",
    }


class TakesBackInTheAddress(Forge):
    async def revoke_credential(self, credential: Credential) -> None:
        with suppress(ProviderError):
            await self.api.post_form(f"{self.revocation_url}?token={credential.access_token.reveal()}", {})


class TestTakesBackInTheAddress(Facts):
    provider_type = TakesBackInTheAddress
    options: ClassVar[dict[str, Any]] = {**Facts.options, "revocation_url": "https://forge.test/revoke"}
    revocation = ("POST", "https://forge.test/revoke", 200)
    caught_by: ClassVar[set[str]] = {"test_a_credential_is_taken_back", "test_a_source_that_is_down_is_told_later"}


class TestAsksWhatNobodyStated(Facts):
    class AsksMore(Forge):
        async def fetch_claims(self, tokens: Credential, api: Api) -> Claims:
            with suppress(ProviderError):
                await api.get_json("https://forge.test/api/more", token=tokens.access_token)
            return await super().fetch_claims(tokens, api)

    provider_type = AsksMore
    caught_by: ClassVar[set[str]] = {"test_sign_in"}


class TestStatesWhatNobodyAsks(Facts):
    further: ClassVar[dict[str, Any]] = {"https://forge.test/api/more": []}
    caught_by: ClassVar[set[str]] = {"test_sign_in"}


class TestStatesNoAddress(Facts):
    """Every test says which fact is missing."""

    token_url = ProviderContract.token_url
    caught_by: ClassVar[set[str]] = {"test_sign_in", "test_cancel", "test_title_and_required_options"}
