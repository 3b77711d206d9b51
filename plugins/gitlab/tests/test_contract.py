"""GitLab keeps the contract, gitlab.com and one of somebody's own. The answers have the shape that GitLab documents."""

from hubauth_core import Identity
from hubauth_core.testing.contract import ProviderContract
from hubauth_gitlab import GitLabProvider

ACCOUNT = {
    "id": 4711,
    "username": "john_smith",
    "email": "john@gitlab.test",
    "name": "John Smith",
    "state": "active",
    "locked": False,
    "avatar_url": "https://gitlab.test/uploads/user/avatar/4711/index.jpg",
    "web_url": "https://gitlab.test/john_smith",
    "created_at": "2024-05-23T08:00:58Z",
    "confirmed_at": "2024-05-23T09:05:22Z",
    "commit_email": "4711-john_smith@users.noreply.gitlab.test",
    "two_factor_enabled": True,
    "external": False,
}


class TestGitLab(ProviderContract):
    provider_type = GitLabProvider
    options = {"client_id": "hub", "client_secret": "canary-gitlab-secret"}
    authorize_url = "https://gitlab.com/oauth/authorize"
    token_url = "https://gitlab.com/oauth/token"
    userinfo_url = "https://gitlab.com/api/v4/user"
    revocation = ("POST", "https://gitlab.com/oauth/revoke", 200)
    userinfo = ACCOUNT
    unverified = {**ACCOUNT, "confirmed_at": None}
    identity = Identity(
        subject="4711",
        username="john_smith",
        name="John Smith",
        email="john@gitlab.test",
        email_verified=True,
        avatar="https://gitlab.test/uploads/user/avatar/4711/index.jpg",
    )


class TestOwnGitLab(TestGitLab):
    """Below a path, and its address written with a slash at the end."""

    options = {**TestGitLab.options, "url": "https://git.corp.test/gitlab/"}
    authorize_url = "https://git.corp.test/gitlab/oauth/authorize"
    token_url = "https://git.corp.test/gitlab/oauth/token"
    userinfo_url = "https://git.corp.test/gitlab/api/v4/user"
    revocation = ("POST", "https://git.corp.test/gitlab/oauth/revoke", 200)
