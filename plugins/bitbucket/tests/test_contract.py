"""Bitbucket keeps the contract. The answers have the shape that Atlassian documents."""

from hubauth_bitbucket import BitbucketProvider
from hubauth_core import Identity
from hubauth_core.testing.contract import ProviderContract

# https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/#api-user-get
ADA = {
    "type": "user",
    "uuid": "{470c176d-3574-44ea-bb41-89e8638bcca4}",
    "account_id": "557058:c0b72ad0-1cb5-4018-9cdc-0cde8492c443",
    "username": "ada",
    "nickname": "countess",
    "display_name": "Ada Lovelace",
    "account_status": "active",
    "links": {"avatar": {"href": "https://bitbucket.test/ada.png"}},
}
EMAILS = "https://api.bitbucket.org/2.0/user/emails"
WORKSPACES = "https://api.bitbucket.org/2.0/user/workspaces"


def page(*values: object) -> dict[str, object]:
    return {"pagelen": 100, "page": 1, "size": len(values), "values": list(values)}


class TestBitbucket(ProviderContract):
    provider_type = BitbucketProvider
    options = {"client_id": "hub", "client_secret": "canary-bitbucket-secret"}
    authorize_url = "https://bitbucket.org/site/oauth2/authorize"
    token_url = "https://bitbucket.org/site/oauth2/access_token"
    userinfo_url = "https://api.bitbucket.org/2.0/user"
    userinfo = ADA
    further = {
        EMAILS: page({"type": "email", "email": "ada@uni.test", "is_primary": True, "is_confirmed": True}),
        WORKSPACES: page(
            {"type": "workspace_access", "administrator": False, "workspace": {"uuid": "{a1}", "slug": "engines"}}
        ),
    }
    unverified = {EMAILS: page({"type": "email", "email": "ada@uni.test", "is_primary": True, "is_confirmed": False})}
    identity = Identity(
        subject="{470c176d-3574-44ea-bb41-89e8638bcca4}",
        username="ada",
        name="Ada Lovelace",
        email="ada@uni.test",
        email_verified=True,
        groups=frozenset({"engines"}),
        avatar="https://bitbucket.test/ada.png",
    )
