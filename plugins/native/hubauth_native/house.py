"""What one native provider is made of, put together once; pages, resources and commands are handed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hubauth_core import Core
from hubauth_core.plugin import Database

from .accounts import Accounts
from .addresses import Addresses
from .captcha import Captcha
from .endings import Endings
from .mail.post import Post
from .passwords.hashing import Hasher
from .passwords.policy import Policy
from .throttle import Throttle

if TYPE_CHECKING:
    from .administration import Administration
    from .approval import Approval
    from .email_change import EmailChange
    from .factors.enrolment import Enrolment
    from .factors.passkeys import Passkeys
    from .factors.proof import Proof
    from .factors.recovery import RecoveryCodes
    from .factors.second_factor import SecondFactor
    from .factors.step_up import StepUp
    from .factors.store import Factors
    from .factors.totp import Totp
    from .invitations import Invitations
    from .password_change import PasswordChange
    from .recovery import Recovery
    from .signin import SigningIn
    from .signup import SignUp
    from .verification import Verification


@dataclass(kw_only=True)
class House:
    """Rooms that know each other. `name` is the provider's.

    Those without `init` work with several others, and are handed the house; `add` puts them in.
    """

    name: str
    core: Core
    database: Database
    accounts: Accounts
    addresses: Addresses
    post: Post
    endings: Endings
    hasher: Hasher
    policy: Policy
    throttle: Throttle
    captcha: Captcha | None
    invitations: Invitations = field(init=False)
    approval: Approval = field(init=False)
    verification: Verification = field(init=False)
    sign_up: SignUp = field(init=False)
    sign_in: SigningIn = field(init=False)
    administration: Administration = field(init=False)
    recovery: Recovery = field(init=False)
    password_change: PasswordChange = field(init=False)
    email_change: EmailChange = field(init=False)
    factors: Factors = field(init=False)
    totp: Totp = field(init=False)
    recovery_codes: RecoveryCodes = field(init=False)
    enrolment: Enrolment = field(init=False)
    passkeys: Passkeys = field(init=False)
    proof: Proof = field(init=False)
    second_factor: SecondFactor = field(init=False)
    step_up: StepUp = field(init=False)

    def add(self, **rooms: object) -> None:
        """Put rooms in that need the others; once, when the provider starts."""
        for name, room in rooms.items():
            setattr(self, name, room)
