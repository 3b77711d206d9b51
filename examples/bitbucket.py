"""Sign in with Bitbucket Cloud (`hubauth-bitbucket`).

Workspace settings, OAuth consumers, Add consumer, private, permissions Account: Read and Email. Callback URL:
https://<your hub>/hub/auth/bitbucket/callback. Workspaces are groups, by their slugs.
"""

c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {
    "bitbucket": {
        "client_id": "...",
        "client_secret_file": "/etc/jupyterhub/bitbucket-secret",
        "allowed_groups": ["engines"],
    },
}
