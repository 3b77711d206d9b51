"""Sign in with Auth0.

Dashboard, Applications, Create Application, Regular Web Application. Allowed Callback URLs:
https://<your hub>/hub/auth/auth0/callback. Auth0 sends claims of its own about a person only; for groups or roles
write an Action (post-login) that sets a namespaced claim:
`api.idToken.setCustomClaim("https://hub.uni.example/groups", ...)`.
"""

c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {
    "auth0": {
        "type": "oidc",
        "label": "Auth0",
        "issuer": "https://uni.eu.auth0.com/",  # with the slash
        "client_id": "jupyterhub",
        "client_secret_file": "/etc/jupyterhub/auth0-secret",
        "scope": ["openid", "profile", "email", "offline_access"],
        "username_claim": "nickname",
        "groups_claim": "https://hub.uni.example/groups",
        "require_verified_email": True,
        "allowed_groups": ["students"],
        "admin_groups": ["staff"],
    },
}
