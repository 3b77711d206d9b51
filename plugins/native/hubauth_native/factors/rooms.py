"""The rooms about factors, put together for one provider."""

from __future__ import annotations

from collections.abc import Set

from ..house import House
from ..options.factors import FactorOptions
from .browsers import Browsers
from .enrolment import Enrolment
from .passkeys import Passkeys
from .proof import Proof
from .recovery import RecoveryCodes
from .second_factor import SecondFactor
from .step_up import StepUp
from .store import Factors
from .totp import Totp
from .upkeep import Upkeep


def furnish(house: House, options: FactorOptions, admins: Set[str] = frozenset()) -> None:
    """Add them to the house. `admins`: whom the configuration makes administrators.

    Raises ConfigError for options under which nobody could add what is demanded.
    """
    core, database = house.core, house.database
    factors = Factors(core, database, house.name)
    totp, recovery = Totp(core, database, factors), RecoveryCodes(database, factors)
    browsers = Browsers(core, database, house.name, options.remember_browser_days)
    enrolment = Enrolment(factors, totp, recovery, core.key("enrolment"))
    passkeys = Passkeys(
        core,
        database,
        factors,
        key=core.key("passkeys"),
        passwordless=options.passwordless,
        title=options.totp_issuer,
    )
    proof = Proof(house, factors, totp, recovery)
    second_factor = SecondFactor(
        house,
        options,
        factors=factors,
        totp=totp,
        passkeys=passkeys,
        browsers=browsers,
        enrolment=enrolment,
        proof=proof,
        admins=admins,
    )
    second_factor.check_options()
    step_up = StepUp(house, options, factors=factors, second_factor=second_factor, enrolment=enrolment, proof=proof)
    house.add(
        factors=factors,
        totp=totp,
        recovery_codes=recovery,
        enrolment=enrolment,
        passkeys=passkeys,
        proof=proof,
        second_factor=second_factor,
        step_up=step_up,
    )
    core.in_background(Upkeep(core, database, factors, totp, browsers).run)
