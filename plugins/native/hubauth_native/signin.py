"""A sign-in, from what somebody types to who they are: counted, verified, further steps, written down.

Whatever is wrong - the name, the password, an account that waits for approval, is closed or has no password - the
answer is the same, after the same work (rows S03, 6.3.8). That an account waits is said in a letter, not here: to
somebody who guesses, it would tell a right password.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from markupsafe import Markup
from sqlalchemy import Connection

from hubauth_core import Field, Form, LoginRefused, Request, SignIn, Step, Transaction

from .accounts import Account
from .factors.passkeys import SIGN_IN_BUTTON
from .further import Further, one
from .house import House
from .identity import Meant, People, decision_of, identity_of
from .known import KnownBrowsers
from .options.throttle import ThrottleOptions
from .passwords.changing import renew_hash

KIND: Final = "sign_in"

WRONG: Final = "The username or the password is not right, or this account cannot be used at present."

SPARED: Final = 10
"""Of the failures in a row that an account may have, those that are left to its owner's own browsers (row P10)."""

NOBODY: Final = "nobody"
"""The id of no account."""

_START: Final = ""
"""The step before all further ones."""


class SigningIn:
    """Sign-ins at one provider. `steps` are asked in their order after a right password.

    `passkey_steps` names those that somebody passes too who signed in with a passkey.
    """

    def __init__(
        self,
        house: House,
        options: ThrottleOptions,
        steps: Mapping[str, Further],
        passkey_steps: Iterable[str] = (),
    ) -> None:
        self._house = house
        self._options = options
        self._steps = steps
        self._passkey_steps = frozenset(passkey_steps)
        self._people = People(house.core, house.accounts)
        self._known = KnownBrowsers(house.name, house.core.public_url)
        self._links: Markup | None = None

    async def begin(self, request: Request, transaction: Transaction) -> Form:
        """The form. Raises StoreError."""
        form = await self._form(request)
        due = self._house.captcha is not None and self._is_due("", request.address)
        return replace(form, inside=self._house.captcha.field()) if due and self._house.captcha else form

    async def finish(self, request: Request, transaction: Transaction) -> SignIn | Step:
        """Who has answered a form, or the next one. Raises LoginRefused, Busy, StoreError."""
        if transaction.memo.get("account"):
            return await self._go_on(request, transaction)
        if one(request, "passkey"):
            return await self._by_passkey(request, transaction)
        return await self._by_password(request, transaction)

    async def _by_password(self, request: Request, transaction: Transaction) -> SignIn | Step:
        typed, password = one(request, "username"), one(request, "password")
        if not typed.strip() or not password:
            raise LoginRefused("Type your username and your password.", code="bad_credentials")
        meant = self._people.find(typed, request)
        device = self._known.device(request, meant.account)
        if not device and not await self._is_person(meant, request):
            return await self._ask_person(typed, request)
        account = meant.account
        shut = await self._house.throttle.write(
            partial(self._count, meant=meant, device=device, address=request.address)
        )
        usable = account if account is not None and not shut and account.may_sign_in(time.time()) else None
        found = await self._house.hasher.verify(usable.password_hash if usable else None, password)
        if usable is None or not found.ok:
            raise _wrong(account)
        if found.rehashed is not None and usable.password_hash is not None:
            old, new = usable.password_hash, found.rehashed
            await self._house.throttle.write(partial(renew_hash, account_id=usable.id, old=old, new=new))
        return await self._ask(usable, request, transaction, amr=("pwd",))

    async def _by_passkey(self, request: Request, transaction: Transaction) -> SignIn | Step:
        await self._house.throttle.admit(KIND, address=request.address)
        account = self._house.accounts.by_id(await self._house.passkeys.sign_in(request))
        if account is None or not account.may_sign_in(time.time()):
            raise _wrong(account)
        return await self._ask(account, request, transaction, amr=("hwk", "user", "mfa"))

    def _count(self, connection: Connection, *, meant: Meant, device: str, address: str) -> bool:
        """Count an attempt as a failure until it has succeeded; whether the account is shut for it. Raises TooMany."""
        house = self._house
        house.throttle.take(connection, kind=KIND, account=meant.key, address=address, device=device)
        account_id = (
            meant.account.id if meant.account else NOBODY
        )  # the same work for a name that is nobody's (row S03)
        account = house.accounts.held(connection, account_id)
        failures = account.failures if account else 0
        shut = failures >= self._options.most_failures - (0 if device else SPARED)
        if not shut:
            now = {"failures": failures + 1, "last_failure_at": time.time()}
            house.accounts.change(connection, account_id, **now)
        if account is not None and (shut or failures >= self._options.tell_after_failures):
            self._tell(connection, account, shut=shut, address=address)
        return shut

    def _tell(self, connection: Connection, account: Account, *, shut: bool, address: str) -> None:
        """Let the owner know of what others try, once a day, and once more when it has come to its end (row 6.3.5)."""
        if not self._house.throttle.tell(connection, f"{account.id} {'shut' if shut else ''}"):
            return
        if shut:
            self._house.accounts.note(connection, account.id, "sign_in_shut", address=address)
        if account.email and account.email_verified:
            self._house.post.put(
                connection,
                "suspicious",
                account.email,
                username=account.username,
                failures=account.failures,
                shut=shut,
                forgotten=self._house.addresses.page("forgotten"),
            )

    async def _go_on(self, request: Request, transaction: Transaction) -> SignIn | Step:
        """The answer to a further step."""
        memo = transaction.memo
        account = self._house.accounts.by_id(memo["account"])
        if account is None or not account.may_sign_in(time.time()) or memo["since"] != repr(account.password_set_at):
            raise LoginRefused("This sign-in is over. Begin again.", code="state_expired")
        step, amr = memo["step"], tuple(memo["amr"].split())
        form = await self._steps[step].answer(account, request)
        if form is not None:
            return form
        # A step may have changed the account.
        account = self._house.accounts.by_id(account.id) or account
        before = float(memo["failed"]) if memo["failed"] else None
        account = replace(account, last_failure_at=before)
        return await self._ask(account, request, transaction, amr=(*amr, *_shown(step)), after=step)

    async def _ask(
        self, account: Account, request: Request, transaction: Transaction, *, amr: tuple[str, ...], after: str = _START
    ) -> SignIn | Step:
        """The next step that is needed after one, or the end."""
        names = list(self._steps)
        for name in names[names.index(after) + 1 if after else 0 :]:
            if "pwd" not in amr and name not in self._passkey_steps:
                continue
            form = await self._steps[name].ask(account, request)
            if form is not None:
                failed = "" if account.last_failure_at is None else repr(account.last_failure_at)
                known = {"account": account.id, "since": repr(account.password_set_at), "failed": failed}
                return replace(form, memo={**form.memo, **known, "step": name, "amr": " ".join(amr)})
        return await self._end(account, request, transaction, amr)

    async def _end(self, account: Account, request: Request, transaction: Transaction, amr: tuple[str, ...]) -> SignIn:
        if transaction.purpose == "login" and not account.vouched and self._house.core.hub_user(account.id) is None:
            # The name was free when they signed up; by now it may stand in the configuration, or be a hub user's.
            self._house.core.free_name(account.username)
        device = self._known.device(request, account)
        end = partial(self._succeeded, account=account, address=request.address, device=device)
        if not await self._house.throttle.write(end):
            raise _wrong(account)
        self._known.remember(request, account)
        return SignIn(identity=identity_of(account, amr), decision=decision_of(account))

    def _succeeded(self, connection: Connection, *, account: Account, address: str, device: str) -> bool:
        """Write a success down; False where the account was closed, or got another password, while we looked."""
        house, now = self._house, time.time()
        house.throttle.forget(connection, kind=KIND, account=account.id, address=address, device=device)
        held = house.accounts.held(connection, account.id)
        if held is None or not held.may_sign_in(now) or held.password_set_at != account.password_set_at:
            return False
        fresh = {"failures": 0, "last_failure_at": account.last_failure_at, "last_sign_in_at": now}
        return house.accounts.change(connection, account.id, **fresh)

    # The form, and what stands around it.

    async def _form(self, request: Request, username: str = "") -> Form:
        name = Field(name="username", label="Username or e-mail", autocomplete="username", value=username)
        password = Field(name="password", label="Password", type="password", autocomplete="current-password")
        form = Form(fields=(name, password), more=await self._below(request))
        passkeys = self._house.passkeys
        if not (passkeys.passwordless and passkeys.possible(request.handler)):
            return form
        return replace(form, buttons=(SIGN_IN_BUTTON,), script=passkeys.script)

    async def _below(self, request: Request) -> Markup | None:
        """Other ways on, below the form; the same for everybody, so they are written once."""
        if request.handler is None or self._links is not None:
            return self._links
        house = self._house
        shown: dict[str, Any] = {
            "url": f"{house.core.base_url}auth/{house.name}/",
            "offers_sign_up": house.sign_up.offered,
        }
        page = await request.handler.render_template("native-below.html", **shown)
        self._links = Markup(page)  # noqa: S704  # the template has escaped it
        return self._links

    def _is_due(self, key: str, address: str) -> bool:
        """Whether so much was tried lately that a person has to show that they are one; the same for every name."""
        level = self._house.throttle.level(KIND, account=key, address=address)
        return level > self._options.captcha_after - 0.5  # half an attempt drains while people type

    async def _is_person(self, meant: Meant, request: Request) -> bool:
        if self._house.captcha is None or not self._is_due(meant.key, request.address):
            return True
        return await self._house.captcha.check(request)

    async def _ask_person(self, typed: str, request: Request) -> Form:
        assert self._house.captcha is not None  # noqa: S101  # nobody else asks
        form = await self._form(request, username=typed)
        error = "Show that you are a person, and type your password again."
        return replace(form, inside=self._house.captcha.field(), error=error)


def _shown(step: str) -> tuple[str, ...]:
    """What a step has shown beside the password, in the words of RFC 8176."""
    return ("mfa",) if step == "second_factor" else ()


def _wrong(account: Account | None) -> LoginRefused:
    """The answer to everything that is wrong; the audit trail knows whose account it was."""
    refusal = LoginRefused(WRONG, code="bad_credentials")
    refusal.username = account.username if account else ""
    return refusal
