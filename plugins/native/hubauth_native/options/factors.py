"""Options about second factors."""

from __future__ import annotations

from traitlets import Bool, Enum, HasTraits, Integer, List, Unicode

OPTIONAL = "optional"
REQUIRED = "required"
ADMINS = "admins"


class FactorOptions(HasTraits):
    """Mixed into `NativeProvider`."""

    second_factor = Enum(
        [OPTIONAL, REQUIRED, ADMINS],
        OPTIONAL,
        help="Who needs a second factor beside the password: `optional` - who has added one; `required` - everybody; "
        "`admins` - administrators, and who has added one. Who needs one and has none adds it during the sign-in.",
    ).tag(config=True)
    passwordless = Bool(
        True, help="Whether a passkey alone, on a device that has checked who holds it, signs people in."
    ).tag(config=True)
    remember_browser_days = Integer(
        0,
        min=0,
        max=90,
        help="Days for which a browser is not asked for the second factor again, where its user wants that; 0 asks "
        "at every sign-in.",
    ).tag(config=True)
    second_factor_for = List(
        Unicode(),
        help="Names of other providers: after a sign-in there, people who have added a second factor on the page "
        "`/hub/auth/<name>/security` are asked for it.",
    ).tag(config=True)
    second_factor_required_for = List(
        Unicode(),
        help="The same, and people without a second factor add one during the sign-in. Needs crypt keys.",
    ).tag(config=True)
    second_factor_amr = List(
        Unicode(),
        ["mfa"],
        help="What a source says in the claim `amr` of somebody who has shown a second factor there already; such "
        "people are not asked for another one (RFC 8176).",
    ).tag(config=True)
    second_factor_acr = List(
        Unicode(), help="The same for the claim `acr`, whose values are an agreement with the source."
    ).tag(config=True)
    totp_issuer = Unicode(
        "JupyterHub", help="What authenticator apps call this hub, and what passkeys are said to be for."
    ).tag(config=True)
