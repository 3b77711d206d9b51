"""Sign in with Globus (`hubauth-globus`), with a token for transfers.

app.globus.org/settings/developers, Register a portal, science gateway, or other application. Redirect URL:
https://<your hub>/hub/auth/globus/callback.
"""

c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {
    "globus": {
        "client_id": "12345678-90ab-cdef-1234-567890abcdef",
        "client_secret_file": "/etc/jupyterhub/globus-secret",
        "required_identity_providers": ["uni.example"],
        "scope": [
            "openid",
            "profile",
            "email",
            "urn:globus:auth:scope:transfer.api.globus.org:all",
            "urn:globus:auth:scope:groups.api.globus.org:view_my_groups_and_memberships",
        ],
        "allowed_groups": ["2a0b1e7c-6f2f-11ee-8b3f-3f9d1c1a2b3c"],
    },
}
