"""The rules that an administrator can set for a provider: their options, and how their entries are spelled.

Names tell what a rule does: `allow...` grants, and any one suffices; `required...` and `blocked...` restrict, and all
must hold, under `allow_all` too (row V05). `access` applies them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

from traitlets import Bool, Dict, Float, List, Set, TraitError, Unicode, validate
from traitlets.config import LoggingConfigurable
from traitlets.utils.bunch import Bunch

SUBJECT_MARK: Final = "id:"
"""What an entry of a rule begins with that names a subject in place of a username."""

DOMAIN: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


def is_lookalike(username: str) -> bool:
    """Whether a username may be taken for another one that differs in more than case: full-width letters, "ß" for "ss".

    To a source that lets people choose their names these are two accounts, and what is given by name is not for the
    second one (row V38).
    """
    composed = unicodedata.normalize("NFC", username)
    return unicodedata.normalize("NFKC", username) != composed or len(composed.casefold()) != len(composed)


class RuleOptions(LoggingConfigurable):
    """The rules of one provider, in its own language: its usernames, its groups, its claims."""

    allow_all = Bool(False, help="Allow everybody who signs in here, unless something else refuses them.").tag(
        config=True
    )
    allowed_users = Set(
        Unicode(),
        help="People who may enter: this provider's own usernames, or `id:<subject>`. A name counts for the "
        "first person who uses it.",
    ).tag(config=True)
    blocked_users = Set(
        Unicode(),
        help="People who may not enter, whatever else allows them: this provider's own usernames, or `id:<subject>`.",
    ).tag(config=True)
    admin_users = Set(
        Unicode(),
        help="People who may enter and are administrators of the hub: this provider's own usernames, or "
        "`id:<subject>`. Where it or `admin_groups` is set, everybody else of this provider is not an administrator, "
        "unless the hub-wide `admin_users` says so.",
    ).tag(config=True)
    allowed_groups = Set(Unicode(), help="Groups, as the provider names them, whose members may enter.").tag(
        config=True
    )
    required_groups = Set(
        Unicode(), help="Groups, as the provider names them, of which everybody who enters must be in each."
    ).tag(config=True)
    admin_groups = Set(
        Unicode(),
        help="Groups, as the provider names them, whose members may enter and are administrators of the hub. Who is in "
        "none any more is no administrator any more.",
    ).tag(config=True)
    required_claims = Dict(
        key_trait=Unicode(),
        help="Let in only people of whom the provider says all this: a claim (dots lead into objects) -> the value, or "
        "the list of values of which it must have one. Of a claim that is a list one entry must do.",
    ).tag(config=True)
    required_email_domains = List(
        Unicode(),
        help="Let in only people with an e-mail address at one of these domains that the provider has verified.",
    ).tag(config=True)
    require_verified_email = Bool(
        False, help="Let in only people with an e-mail address that the provider has verified."
    ).tag(config=True)
    group_map = Dict(
        key_trait=Unicode(),
        help="Hub groups for groups of this provider: its name -> the hub's, or a list of them. Any other group is "
        "called `<provider>:<group>` where the hub has several providers, else as the provider calls it.",
    ).tag(config=True)
    role_map = Dict(
        key_trait=Unicode(),
        help="Hub roles for groups and roles of this provider: its name -> a role of the hub, or a list of them. Needs "
        "`c.Authenticator.manage_roles`; the roles must exist.",
    ).tag(config=True)
    membership_max_age = Float(
        0,
        min=0,
        allow_none=True,
        help="Seconds for which what the provider said of somebody (groups, rights, whether the account is in use) "
        "counts before it is asked again while the person is at work; 0 asks at every refresh of the hub, None never. "
        "OAuth types have 900.",
    ).tag(config=True)
    membership_rate = Float(
        10,
        min=0,
        help="About how many people a second the provider is asked again at most; 0 for any number. Who has to wait "
        "goes on with what is recorded until the next refresh of the hub.",
    ).tag(config=True)

    def normalize_username(self, username: str) -> str:
        """The spelling in which two usernames of this source are the same one. Used by rules, never for keys."""
        return unicodedata.normalize("NFKC", username).strip().casefold()

    @property
    def grants(self) -> bool:
        """Whether any rule here can let somebody in; a type with rules of its own adds them."""
        return bool(
            self.allow_all or self.allowed_users or self.admin_users or self.allowed_groups or self.admin_groups
        )

    @property
    def says_groups(self) -> bool:
        """Whether this source can say in which groups somebody is; where not, rules about groups stop the start."""
        return True

    @property
    def says_roles(self) -> bool:
        """Whether this source can say which roles somebody has."""
        return True

    @property
    def rule_claims(self) -> Sequence[str]:
        """The claims that rules look at, as dotted paths; they are recorded at each sign-in, in the clear."""
        return tuple(self.required_claims)

    @property
    def asked_about(self) -> Sequence[str]:
        """What rules have the source asked about each person, where it answers that and no more: its organizations.

        What is recorded counts as known where all this had been asked; an entry that is new says no of nobody.
        """
        return ()

    @validate("allowed_users", "blocked_users", "admin_users")
    def _same_spelling(self, proposal: Bunch) -> set[str]:
        return {self._entry(proposal.trait.name, entry) for entry in proposal.value}

    @validate("allowed_groups", "required_groups", "admin_groups")
    def _group_names(self, proposal: Bunch) -> set[str]:
        if "" in proposal.value:
            raise TraitError(f"an entry of {proposal.trait.name!r} is empty")
        return set(proposal.value)

    @validate("required_claims")
    def _values(self, proposal: Bunch) -> dict[str, tuple[Any, ...]]:
        """Path -> the values of which one will do."""
        found: dict[str, tuple[Any, ...]] = {}
        for path, wanted in proposal.value.items():
            values = tuple(wanted) if isinstance(wanted, list | tuple | set | frozenset) else (wanted,)
            if not path or not values or not all(isinstance(value, str | int) for value in values):
                raise TraitError(
                    f"required_claims[{path!r}] must be a text, a number, a truth value, or a list of them"
                )
            found[path] = values
        return found

    @validate("required_email_domains")
    def _domains(self, proposal: Bunch) -> list[str]:
        domains = [entry.strip().removeprefix("@").lower() for entry in proposal.value]
        if wrong := [entry for entry in domains if not DOMAIN.fullmatch(entry)]:
            raise TraitError(f"required_email_domains: {wrong[0]!r} is no domain")
        return domains

    @validate("group_map", "role_map")
    def _names(self, proposal: Bunch) -> Mapping[str, tuple[str, ...]]:
        """The source's name -> the hub's names."""
        found: dict[str, tuple[str, ...]] = {}
        for name, wanted in proposal.value.items():
            names = (wanted,) if isinstance(wanted, str) else tuple(wanted) if isinstance(wanted, list | tuple) else ()
            if not name or not names or not all(isinstance(each, str) and each for each in names):
                raise TraitError(f"{proposal.trait.name}[{name!r}] must be a name, or a list of names")
            found[name] = names
        return found

    def _entry(self, option: str, entry: str) -> str:
        if entry.startswith(SUBJECT_MARK) and entry != SUBJECT_MARK:
            return entry
        name = self.normalize_username(entry)
        if not name or entry == SUBJECT_MARK:
            raise TraitError(f"an entry of {option!r} is empty")
        if name.startswith(SUBJECT_MARK):
            raise TraitError(
                f"the entry {entry!r} of {option!r}: a subject is written {SUBJECT_MARK!r} and nothing before"
            )
        return name
