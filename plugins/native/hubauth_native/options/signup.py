"""Options about how people get an account: who may apply, what is asked, who decides."""

from __future__ import annotations

from typing import Final

from traitlets import Bool, Enum, Float, HasTraits, Integer, List, Set, Unicode

HOUR: Final = 3600.0


class SignUpOptions(HasTraits):
    """Mixed into `NativeProvider`."""

    signup = Enum(
        ["closed", "approval", "invitation", "email_domain", "open"],
        "approval",
        help="Who gets an account: `closed`: nobody applies, administrators make accounts; `approval`: everybody may "
        "apply, an administrator decides; `invitation`: only with a link that an administrator gave out; "
        "`email_domain`: whoever proves an address at `allowed_email_domains`; `open`: everybody. An invitation works "
        "always but under `closed`.",
    ).tag(config=True)
    open_signup = Bool(
        False, help='NativeAuthenticator\'s word for `signup = "open"`. False leaves it to `signup`.'
    ).tag(config=True)
    allowed_email_domains = List(
        Unicode(),
        help='The domains of `signup = "email_domain"`, whole: `example.org` is not `sub.example.org`.',
    ).tag(config=True)
    self_approval_domains = List(
        Unicode(),
        help='With `signup = "approval"`: who proves an address at one of these domains needs no administrator.',
    ).tag(config=True)
    ask_email = Enum(["no", "optional", "required"], "optional", help="Whether the form asks for a mail address.").tag(
        config=True
    )
    verify_email = Bool(
        True,
        help="Whether somebody who gives an address has to prove it, by a link, before the account can be used. Where "
        "the hub sends no mail, an address that need not be given is kept unproved, and counts for nothing.",
    ).tag(config=True)
    ask_full_name = Bool(True, help="Whether the form asks for a name beside the username; it may be left out.").tag(
        config=True
    )
    verification_lasts = Float(
        24 * HOUR, min=300.0, max=7 * 24 * HOUR, help="Seconds for which the link that proves an address works."
    ).tag(config=True)
    unverified_lasts = Float(
        72 * HOUR,
        min=HOUR,
        help="Seconds after which an account whose address had to be proved, and was not, is deleted; its name is "
        "free again.",
    ).tag(config=True)
    terms_text = Unicode(help="Terms that an applicant must accept, as plain text.").tag(config=True)
    terms_url = Unicode(help="The address of the terms, in place of their text or beside it.").tag(config=True)
    terms_version = Unicode(
        help="What is recorded as accepted, at most 64 characters. Defaults to a digest of `terms_text` and "
        "`terms_url`, which changes with them."
    ).tag(config=True)
    invitation_approves = Bool(
        True, help="Whether somebody who signs up by an invitation needs nobody's approval any more."
    ).tag(config=True)
    reserved_names = Set(
        Unicode(),
        help="Further names that nobody may sign up under. Names in the configuration of the hub, and words such as "
        "`admin` and `root`, always are.",
    ).tag(config=True)
    system_users = Bool(
        False,
        help="Set it where servers run as system users of the same name: sign-up then takes only names that are fit "
        "for one, and none that the system knows already.",
    ).tag(config=True)
    notify_admins = List(
        Unicode(),
        help="Who is told by mail that people wait for approval: addresses, and the word `admins` for every "
        "administrator among these accounts whose address is proved.",
    ).tag(config=True)
    notify_every = Float(
        900.0, min=0.0, help="Seconds between two such mails; applications that come meanwhile stand in the next one."
    ).tag(config=True)
    most_waiting = Integer(
        1000, min=1, help="How many accounts may wait for approval or for a proof; beyond it nobody may apply."
    ).tag(config=True)

    @property
    def mode(self) -> str:
        """Who gets an account, after `open_signup` too."""
        return "open" if self.open_signup else str(self.signup)

    @property
    def asks_email(self) -> str:
        """Whether the form asks for an address; where the domain decides, it does."""
        return "required" if self.mode == "email_domain" else str(self.ask_email)
