"""The rooms of one native provider, put together from its options; those that need others come after them."""

from __future__ import annotations

from collections.abc import Set
from functools import partial

from hubauth_core import Core

from .accounts import Accounts
from .addresses import Addresses
from .administration import Administration
from .approval import Approval
from .deletion import close_orphans
from .email_change import EmailChange
from .endings import Endings
from .factors import rooms as factors
from .further import Further, NewPassword, NewTerms
from .house import House
from .invitations import Invitations
from .mail.opening import open_post
from .options.factors import REQUIRED
from .options.native import NativeOptions
from .password_change import PasswordChange
from .passwords.hashing import Hasher
from .passwords.policy import Policy
from .passwords.pool import Pool
from .passwords.stored import Stored
from .recovery import Recovery
from .schema import SCHEMA
from .signin import SigningIn
from .signup import SignUp
from .throttle import Throttle
from .verification import Verification


def furnish(name: str, options: NativeOptions, core: Core, admins: Set[str]) -> House:
    """Open the tables, put the rooms together, begin what goes on in the background.

    `admins`: whom the configuration makes administrators. Raises ConfigError for options that contradict each other.
    """
    house = _open(name, options, core)
    factors.furnish(house, options, admins)
    house.add(recovery=Recovery(house, options), password_change=PasswordChange(house))
    house.add(email_change=EmailChange(house, options))
    _add_sign_up(house, options)
    _add_sign_in(house, options)
    house.add(administration=Administration(house))
    core.in_background(partial(close_orphans, house))
    core.in_background(house.approval.run)
    core.in_background(house.endings.run)
    core.in_background(Stored(house.hasher, house.database, name).run)
    core.in_background(house.recovery.run)
    core.in_background(house.throttle.run)
    return house


def _open(name: str, options: NativeOptions, core: Core) -> House:
    """The rooms that need no other."""
    database, addresses = core.store(SCHEMA), Addresses(core, name)
    return House(
        name=name,
        core=core,
        database=database,
        accounts=Accounts(database, name),
        addresses=addresses,
        post=open_post(options, core, database, addresses, name),
        endings=Endings(core, database, name),
        hasher=Hasher(options.argon2_cost, Pool(options.hash_threads, options.hash_queue)),
        policy=Policy(
            options.password_rules(core.public_url, second_factor=options.second_factor == REQUIRED), core.log
        ),
        throttle=Throttle(options, database, core.key("throttle")),
        captcha=options.new_captcha(),
    )


def _add_sign_up(house: House, options: NativeOptions) -> None:
    invitations, approval = Invitations(house), Approval(house, options)
    verification = Verification(house, options, approval)
    house.add(invitations=invitations, approval=approval, verification=verification)
    house.add(sign_up=SignUp(house, options, invitations, approval, verification))


def _add_sign_in(house: House, options: NativeOptions) -> None:
    steps: dict[str, Further] = {
        "second_factor": house.second_factor,
        "new_password": NewPassword(house),
        "terms": NewTerms(house, house.sign_up.terms),
    }
    house.add(sign_in=SigningIn(house, options, steps, passkey_steps={"terms"}))
