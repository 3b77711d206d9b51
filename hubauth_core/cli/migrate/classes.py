"""What each class of OAuthenticator has of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from .common import claim_of
from .reading import Source
from .writing import Draft


def auth0(source: Source, draft: Draft) -> None:
    domain, short = source.take("auth0_domain"), source.take("auth0_subdomain")
    draft.put("issuer", f"https://{domain or f'{short}.auth0.com'}/")
    source.options.setdefault("username_claim", "email")
    if source.take("allow_unverified_email"):
        draft.notes.append("allow_unverified_email was left out: an address that nobody has proved names nobody.")
    else:
        draft.put("require_verified_email", True)
    _with_scope(source, "openid")


def azuread(source: Source, draft: Draft) -> None:
    tenant = source.take("tenant_id")
    remark = "" if tenant else "People of any directory, as before."
    if tenant and not re.fullmatch(r"[0-9a-fA-F-]{36}|organizations|common", tenant):
        remark = "Put in the directory's id (Entra admin center, Overview, Tenant ID) in place of its name."
    draft.put("tenant", tenant or "organizations", remark)
    if cloud := source.take("graph_url"):
        draft.put("authority", cloud)
    source.options.setdefault("username_claim", "name")
    if claim := source.take("user_groups_claim"):
        source.options.setdefault("auth_state_groups_key", f"user.{claim}")
    if source.options["username_claim"] == "name":
        draft.remarks["username_claim"] = (
            "People can change their display name: who has a hub user keeps it, newcomers would better get another "
            "claim, such as preferred_username."
        )
    draft.notes.append(
        "auth_state had what Microsoft says under `user`; with auth_state_tokens it is under `entra_user`. The "
        "endpoints are those of version 2.0 now."
    )


def bitbucket(source: Source, draft: Draft) -> None:
    if teams := source.take("allowed_teams"):
        draft.put("allowed_groups", set(teams), "Workspaces by their slug, where OAuthenticator took their name.")


def cilogon(source: Source, draft: Draft) -> None:
    if (host := source.take("cilogon_host")) and host != "cilogon.org":
        draft.put("issuer", f"https://{host}")
    idps = {entity: _institution(dict(entry)) for entity, entry in dict(source.take("idps") or {}).items()}
    draft.put("idps", {entity: entry for entity, (entry, _) in idps.items()})
    if first := [entity for entity, (_, is_default) in idps.items() if is_default]:
        draft.put("default_idp", first[0])
    if skin := source.take("skin"):
        draft.put("skin", skin)
    if any(entry.get("verifies_email") for entry, _ in idps.values()):
        draft.remarks["idps"] = (
            "verifies_email: OAuthenticator believed any address. Take it out, and another claim such as eppn, where "
            "people at an institution can choose their address."
        )
    _with_scope(source, "openid", "org.cilogon.userinfo")


def _institution(entry: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    names = dict(entry.get("username_derivation", {}))
    found: dict[str, Any] = {"username_claim": names.get("username_claim", "")}
    if names.get("action") == "strip_idp_domain":
        found["strip_domain"] = names.get("domain", "")
    elif names.get("action") == "prefix":
        found["prefix"] = names.get("prefix", "")
    if entry.get("allow_all"):
        found["allow_all"] = True
    if domains := entry.get("allowed_domains"):
        found["allowed_domains"] = list(domains)
    if claim := entry.get("allowed_domains_claim"):
        found["domain_claim"] = claim
    looked_at = {found["username_claim"], *([found.get("domain_claim", "")] if domains else [])}
    if looked_at & {"email", "mail"}:
        found["verifies_email"] = True
    return found, bool(entry.get("default"))


def generic(source: Source, draft: Draft) -> None:
    if source.options.get("auth_state_groups_key") is None:
        source.options.setdefault("claim_groups_key", "groups")
    realm = re.fullmatch(r"(.*/realms/[^/]+)/protocol/openid-connect/auth", source.options.get("authorize_url") or "")
    if source.take("userdata_from_id_token"):
        draft.type = "oidc"
        draft.put(
            "issuer",
            realm[1] if realm else _site(source.options.get("authorize_url")),
            "" if realm else "Put in the source's issuer, as it stands in its /.well-known/openid-configuration.",
        )
        draft.put("userinfo", "never")
        _with_scope(source, "openid")
    elif realm:
        draft.notes.append(f'Better: "type": "oidc" with "issuer": "{realm[1]}", which verifies ID tokens, too.')
    draft.remarks["subject_claim"] = "The claim that never changes; look whether your source has it."
    draft.put("subject_claim", "sub")
    source.options.setdefault("username_claim", "username")
    source.options.setdefault("basic_auth", False)


def github(source: Source, draft: Draft) -> None:
    if url := source.take("github_url"):
        draft.put("url", url.rstrip("/"))
    if api := source.take("github_api"):
        draft.put("api_url", api.rstrip("/"))
    if entries := source.take("allowed_organizations"):
        draft.put("allowed_organizations", set(entries))
        _with_scope(source, "read:org")
    if source.take("populate_teams_in_auth_state"):
        draft.put("teams_as_groups", True, "Groups are called `organization:team-slug`; group_map gives other names.")
        source.take("auth_state_groups_key")
        _with_scope(source, "read:org")


def gitlab(source: Source, draft: Draft) -> None:
    if url := source.take("gitlab_url"):
        draft.put("url", url.rstrip("/"))
    api, version = source.take("gitlab_api"), source.take("gitlab_api_version")
    if api:
        draft.put("api_url", api.rstrip("/"))
    if version not in (None, "4"):
        draft.notes.append(f"gitlab_api_version = {version!r} was left out: only version 4 is there.")
    for option in ("allowed_gitlab_groups", "allowed_project_ids"):
        if entries := source.take(option):
            draft.put(option, set(entries))
            _with_scope(source, "read_api", instead_of={"api"})


def globus(source: Source, draft: Draft) -> None:
    if home := source.take("identity_provider"):
        draft.put("required_identity_providers", [home])
    anybody = (
        "People of any identity provider lose their domain, as before: whoever comes first under a name has it. "
        "required_identity_providers keeps to those of one."
    )
    draft.put("strip_domain", True, "" if home else anybody)
    if source.take("username_from_email"):
        source.options["username_claim"] = "email"
    for option in ("allowed_globus_groups", "admin_globus_groups"):
        if groups := source.take(option):
            draft.put(option.replace("globus_", ""), set(groups))
    if url := source.take("globus_groups_url"):
        draft.put("groups_url", url)
    source.take("revocation_url")
    if source.take("revoke_tokens_on_logout"):
        draft.notes.append("revoke_tokens_on_logout is c.HubAuthenticator.revoke_on_logout now, for all providers.")
    if source.take("exclude_tokens") or source.take("globus_local_endpoint"):
        draft.notes.append(
            "exclude_tokens and globus_local_endpoint have no counterpart: no token is put into servers unless "
            "spawner_environment names it."
        )


def google(source: Source, draft: Draft) -> None:
    domains = source.take("hosted_domain") or []
    domains = [domains] if isinstance(domains, str) else list(domains)
    if domains:
        draft.put("required_hosted_domains", domains)
    if (strip := source.take("strip_domain")) is not None:
        draft.put("strip_domain", strip)
    keys, names = (
        dict(source.take("google_service_account_keys") or {}),
        dict(source.take("gsuite_administrator") or {}),
    )
    if keys:
        draft.put(
            "directory",
            {
                domain: {"key_file": file, "administrator": f"{names.get(domain, 'admin')}@{domain}"}
                for domain, file in keys.items()
            },
        )
    for option, new in (("allowed_google_groups", "allowed_groups"), ("admin_google_groups", "admin_groups")):
        if groups := source.take(option):
            whole = {
                group if "@" in group else f"{group}@{domain}" for domain, each in groups.items() for group in each
            }
            draft.put(new, whole)
    if source.take("include_nested_groups"):
        draft.put("nested_groups", True)
    source.take("google_api_url")


def mediawiki(source: Source, draft: Draft) -> None:
    """OAuth 1.0a: python-social-auth speaks it, too."""
    draft.put("backend", "mediawiki")
    url = source.take("mw_index_url") or "https://meta.wikimedia.org/w/index.php"
    draft.put("settings", {"MEDIAWIKI_URL": url})
    source.take("executor_threads")
    draft.notes.append(
        "Needs hubauth-social. Register https://<your hub>/hub/auth/mediawiki/callback as the prefix of callback "
        "addresses (`Allow consumer to specify a callback`): the sign-in puts its own into each. Hub "
        "usernames are in lower case now: rename hub users with capitals in the hub before `hubauth migrate --bind`."
    )


def openshift(source: Source, draft: Draft) -> None:
    url = source.take("openshift_url") or "https://openshift.default.svc.cluster.local"
    api, auth = source.take("openshift_rest_api_url") or url, source.take("openshift_auth_api_url")
    remark = "" if auth else f"Put in the issuer that {url}/.well-known/oauth-authorization-server names."
    auth = auth or "https://oauth-openshift.apps.example.org"
    if "authorize_url" not in source.options:
        draft.put("authorize_url", f"{auth}/oauth/authorize", remark)
    source.options.setdefault("token_url", f"{auth}/oauth/token")
    source.options.setdefault("userdata_url", f"{api}/apis/user.openshift.io/v1/users/~")
    source.options.setdefault("scope", ["user:info"])
    source.options.setdefault("username_claim", "metadata.name")
    source.options.setdefault("auth_state_groups_key", "groups")
    source.options.setdefault("basic_auth", False)
    source.options["auth_state_groups_key"] = claim_of(source, source.options["auth_state_groups_key"])
    draft.put("subject_claim", "metadata.uid")


def _with_scope(source: Source, *needed: str, instead_of: frozenset[str] | set[str] = frozenset()) -> None:
    """What a rule needs is asked for, where the scope is written out; else the type does it by itself."""
    scope = source.options.get("scope")
    if scope and not instead_of & set(scope):
        source.options["scope"] = [*scope, *(each for each in needed if each not in scope)]
    elif scope is not None and not scope:
        del source.options["scope"]


def _site(url: str | None) -> str:
    parts = urlsplit(url or "https://sso.example.org")
    return f"{parts.scheme}://{parts.netloc}"


OWN: Final[Mapping[str, Callable[[Source, Draft], None]]] = {
    "Auth0OAuthenticator": auth0,
    "AzureAdOAuthenticator": azuread,
    "BitbucketOAuthenticator": bitbucket,
    "CILogonOAuthenticator": cilogon,
    "GenericOAuthenticator": generic,
    "GitHubOAuthenticator": github,
    "GitLabOAuthenticator": gitlab,
    "GlobusOAuthenticator": globus,
    "GoogleOAuthenticator": google,
    "MWOAuthenticator": mediawiki,
    "OpenShiftOAuthenticator": openshift,
}
"""By the name of the class; each takes its own options, and leaves the common ones."""
