"""Sign in with authentik.

Admin interface, Applications, Create with provider, OAuth2/OpenID, confidential, Subject mode "Based on the User's
UUID". Redirect URI (strict): https://<your hub>/hub/auth/authentik/callback. The issuer ends with the application's
slug and a slash; groups come with the scope `profile`.
"""

c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {
    "authentik": {
        "type": "oidc",
        "label": "authentik",
        "issuer": "https://auth.uni.example/application/o/jupyterhub/",
        "client_id": "jupyterhub",
        "client_secret_file": "/etc/jupyterhub/authentik-secret",
        "scope": ["openid", "profile", "email", "offline_access"],
        "groups_claim": "groups",
        "required_groups": ["jupyter"],
        "allow_all": True,
        "admin_groups": ["authentik Admins"],
    },
}
