"""Sign in with ORCID.

orcid.org, your name, Developer tools, Register for the public API. Redirect URI:
https://<your hub>/hub/auth/orcid/callback. An ORCID iD is public and never changes hands, so it is the username, too;
anybody can get one, so name the people.
"""

c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {
    "orcid": {
        "type": "oidc",
        "label": "ORCID",
        "issuer": "https://orcid.org",  # to try: https://sandbox.orcid.org
        "client_id": "APP-1234567890ABCDEF",
        "client_secret_file": "/etc/jupyterhub/orcid-secret",
        "client_authentication": "post",
        "scope": ["openid"],
        "username_claim": "sub",
        "allowed_users": ["0000-0002-1825-0097"],
    },
}
