"""GitHub keeps the contract. The answers have the shape that GitHub documents."""

from dataclasses import replace

from hubauth_core import Identity
from hubauth_core.testing.contract import ProviderContract
from hubauth_github import GitHubProvider

USER = "https://api.github.com/user"
EMAILS = "https://api.github.com/user/emails"


class GitHubFacts:
    provider_type = GitHubProvider
    options = {"client_id": "Iv1.8a61f9b3a7aba766", "client_secret": "canary-github-secret"}
    authorize_url = "https://github.com/login/oauth/authorize"
    token_url = "https://github.com/login/oauth/access_token"
    userinfo_url = USER
    revocation = ("DELETE", "https://api.github.com/applications/Iv1.8a61f9b3a7aba766/token", 204)
    userinfo = {
        "login": "octocat",
        "id": 583231,
        "node_id": "MDQ6VXNlcjU4MzIzMQ==",
        "avatar_url": "https://avatars.githubusercontent.com/u/583231",
        "type": "User",
        "site_admin": False,
        "name": "The Octocat",
        "email": None,
    }
    token = {"access_token": "gho_canary9d41", "token_type": "bearer"}


class TestGitHubWithoutScope(GitHubFacts, ProviderContract):
    """The public profile is enough."""

    options = {**GitHubFacts.options, "scope": []}
    unverified = {**GitHubFacts.userinfo, "email": "octocat@github.test"}
    identity = Identity(
        subject="583231",
        username="octocat",
        name="The Octocat",
        avatar="https://avatars.githubusercontent.com/u/583231",
    )


class TestGitHub(GitHubFacts, ProviderContract):
    """With `user:email`: the primary address, if it is verified. GitHub parts scopes by commas."""

    token = {**GitHubFacts.token, "scope": "read:user,user:email"}
    further = {
        EMAILS: [
            {"email": "old@github.test", "primary": False, "verified": True, "visibility": None},
            {"email": "octocat@github.test", "primary": True, "verified": True, "visibility": "private"},
        ]
    }
    unverified = {
        EMAILS: [
            {"email": "old@github.test", "primary": False, "verified": True, "visibility": None},
            {"email": "octocat@github.test", "primary": True, "verified": False, "visibility": "private"},
        ]
    }
    identity = Identity(
        subject="583231",
        username="octocat",
        name="The Octocat",
        email="octocat@github.test",
        email_verified=True,
        avatar="https://avatars.githubusercontent.com/u/583231",
    )


class TestGitHubByOrganization(TestGitHub):
    """With rules by organization, and teams as groups."""

    options = {**GitHubFacts.options, "allowed_organizations": ["My-Org"], "teams_as_groups": True}
    token = {**GitHubFacts.token, "scope": "read:user,user:email,read:org"}
    further = {
        **TestGitHub.further,
        "https://api.github.com/user/memberships/orgs/my-org": {
            "state": "active",
            "role": "member",
            "organization": {"login": "My-Org", "id": 7},
        },
        "https://api.github.com/user/teams": [{"id": 9, "slug": "staff", "organization": {"login": "My-Org", "id": 7}}],
    }
    identity = replace(TestGitHub.identity, groups=frozenset({"My-Org:staff"}))
