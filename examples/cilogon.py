"""Sign in with CILogon (`hubauth-cilogon`).

cilogon.org/oauth2/register: confidential, scopes openid, email, profile, org.cilogon.userinfo. Callback URL:
https://<your hub>/hub/auth/cilogon/callback. The entity ids of institutions: cilogon.org/idplist.
"""

c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {
    "cilogon": {
        "client_id": "cilogon:/client_id/1234",
        "client_secret_file": "/etc/jupyterhub/cilogon-secret",
        "idps": {
            "https://idp.uni.example/shibboleth": {
                "username_claim": "eppn",
                "strip_domain": "uni.example",
                "allow_all": True,
            },
            "https://github.com/login/oauth/authorize": {"username_claim": "preferred_username", "prefix": "github"},
        },
        "default_idp": "https://idp.uni.example/shibboleth",
        "allowed_users": ["github:octocat"],
    },
}
