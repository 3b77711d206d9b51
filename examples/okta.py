"""Sign in with Okta.

Admin Console, Applications, Create App Integration, OIDC, Web Application. Sign-in redirect URI:
https://<your hub>/hub/auth/okta/callback. For groups: Security, API, the authorization server `default`, Claims, Add
Claim `groups` of type Groups (with a filter) into the ID token, and a scope `groups`.
"""

c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {
    "okta": {
        "type": "oidc",
        "label": "Okta",
        "issuer": "https://uni.okta.com/oauth2/default",
        "client_id": "0oa1b2c3d4e5f6g7h8i9",
        "client_secret_file": "/etc/jupyterhub/okta-secret",
        "scope": ["openid", "profile", "email", "groups", "offline_access"],
        "groups_claim": "groups",
        "required_email_domains": ["uni.example"],
        "allowed_groups": ["hub-users"],
        "admin_groups": ["hub-admins"],
    },
}
