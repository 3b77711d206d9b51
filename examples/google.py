"""Sign in with Google (`hubauth-google`).

Google Cloud console, APIs & Services, Credentials, Create credentials, OAuth client ID, Web application. Authorized
redirect URI: https://<your hub>/hub/auth/google/callback. The README of hubauth-google says what groups need.
"""

c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {
    "google": {
        "client_id": "1234.apps.googleusercontent.com",
        "client_secret_file": "/etc/jupyterhub/google-secret",
        "required_hosted_domains": ["uni.example"],
        "directory": {
            "uni.example": {"key_file": "/etc/jupyterhub/google-key.json", "administrator": "root@uni.example"},
        },
        "allowed_groups": ["data@uni.example"],
        "admin_groups": ["hub-admins@uni.example"],
    },
}
