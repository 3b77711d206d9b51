"""What is known of OAuthenticator 17.4: its classes, old names of options, and variables that options come from.

Written down here, because a hub that has moved has no OAuthenticator any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Kind:
    """One class. `key`: where its auth_state has what the source said. `name`, `type`: of the provider in its place."""

    cls: str
    entry_point: str
    type: str
    name: str
    key: str
    own_variables: str = ""
    """What its environment variables `<...>_CLIENT_ID` and `<...>_CLIENT_SECRET` begin with, beside `OAUTH`."""


KINDS: Final = (
    Kind("Auth0OAuthenticator", "auth0", "oidc", "auth0", "auth0_user"),
    Kind("AzureAdOAuthenticator", "azuread", "entra", "entra", "user"),
    Kind("BitbucketOAuthenticator", "bitbucket", "bitbucket", "bitbucket", "bitbucket_user", "BITBUCKET"),
    Kind("CILogonOAuthenticator", "cilogon", "cilogon", "cilogon", "cilogon_user", "CILOGON"),
    Kind("GenericOAuthenticator", "generic-oauth", "oauth2", "oauth", "oauth_user"),
    Kind("GitHubOAuthenticator", "github", "github", "github", "github_user", "GITHUB"),
    Kind("GitLabOAuthenticator", "gitlab", "gitlab", "gitlab", "gitlab_user", "GITLAB"),
    Kind("GlobusOAuthenticator", "globus", "globus", "globus", "globus_user"),
    Kind("GoogleOAuthenticator", "google", "google", "google", "google_user"),
    Kind("MWOAuthenticator", "mediawiki", "social", "mediawiki", "MEDIAWIKI_USER_IDENTITY"),
    Kind("OpenShiftOAuthenticator", "openshift", "oauth2", "openshift", "openshift_user"),
)

RENAMED: Final[Mapping[str, Mapping[str, str]]] = {
    "": {"whitelist": "allowed_users", "group_whitelist": "allowed_groups"},
    "Auth0OAuthenticator": {"username_key": "username_claim"},
    "BitbucketOAuthenticator": {"team_whitelist": "allowed_teams"},
    "CILogonOAuthenticator": {"allowed_idps": "idps"},
    "GenericOAuthenticator": {
        "username_key": "username_claim",
        "extra_params": "token_params",
        "tls_verify": "validate_server_cert",
    },
    "GitHubOAuthenticator": {
        "github_client_id": "client_id",
        "github_client_secret": "client_secret",
        "github_organization_whitelist": "allowed_organizations",
    },
    "GitLabOAuthenticator": {
        "gitlab_group_whitelist": "allowed_gitlab_groups",
        "gitlab_project_id_whitelist": "allowed_project_ids",
    },
    "GoogleOAuthenticator": {"google_group_whitelist": "allowed_google_groups"},
    "OpenShiftOAuthenticator": {"validate_cert": "validate_server_cert"},
}
"""Old name -> present one, by class; "" for all."""

REMOVED: Final[Mapping[str, tuple[str, ...]]] = {
    "CILogonOAuthenticator": (
        *("idp_whitelist", "idp", "shown_idps", "strip_idp_domain", "additional_username_claims"),
        "username_claim",
    ),
    "OpenShiftOAuthenticator": ("ca_certs",),
}
"""Options that stop OAuthenticator 17 itself."""

VARIABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "": {
        "LOGIN_SERVICE": "login_service",
        "OAUTH2_AUTHORIZE_URL": "authorize_url",
        "OAUTH2_TOKEN_URL": "token_url",
        "OAUTH2_USERDATA_URL": "userdata_url",
        "OAUTH2_USERNAME_KEY": "username_claim",
        "OAUTH_CALLBACK_URL": "oauth_callback_url",
        "OAUTH_LOGOUT_REDIRECT_URL": "logout_redirect_url",
    },
    "Auth0OAuthenticator": {"AUTH0_DOMAIN": "auth0_domain", "AUTH0_SUBDOMAIN": "auth0_subdomain"},
    "AzureAdOAuthenticator": {"AAD_TENANT_ID": "tenant_id"},
    "CILogonOAuthenticator": {"CILOGON_HOST": "cilogon_host"},
    "GenericOAuthenticator": {"OAUTH2_GROUPS_KEY": "claim_groups_key"},
    "GitHubOAuthenticator": {"GITHUB_URL": "github_url"},
    "GitLabOAuthenticator": {"GITLAB_URL": "gitlab_url"},
    "GlobusOAuthenticator": {"IDENTITY_PROVIDER": "identity_provider"},
    "MWOAuthenticator": {"MW_INDEX_URL": "mw_index_url"},
    "OpenShiftOAuthenticator": {"OPENSHIFT_URL": "openshift_url"},
}
"""Variable -> option that it stands for where the option is not set, by class; "" for all."""

OVERRIDDEN: Final[Mapping[str, str]] = {
    "authenticate": "a provider type of your own (docs/how-to/write-a-plugin.md)",
    "build_auth_state_dict": "auth_state_tokens, which gives the same keys",
    "check_allowed": "rules of the provider (allowed_..., required_...), or `admits` of a type of your own",
    "check_blocked_users": "required_claims, blocked_users, or `hubauth_check_login` of a plugin",
    "get_callback_url": "redirect_url",
    "get_handlers": "`pages` of a type of your own",
    "get_user_groups": "groups_claim, which may be a function of the claims",
    "post_spawn_stop": "`post_stop` of a type of your own",
    "pre_spawn_start": "auth_state_hook of the spawner, which auth_state_tokens gives the tokens to",
    "refresh_user": "`refresh_identity` of a type of your own",
    "token_to_user": "`fetch_claims` of a type of your own",
    "update_auth_model": "groups_claim, admin_groups, or a type of your own",
    "user_info_to_username": "username_claim, which may be a function of the claims",
}
"""Method that a class of the administrator's own may override -> what does it here."""
