"""Sign in with Microsoft Entra ID (`hubauth-entra`).

Entra admin center, App registrations, New registration, platform Web. Redirect URI:
https://<your hub>/hub/auth/entra/callback. Token configuration: groups claim as group ids. App roles:
`Hub.Instructor`.
"""

c.JupyterHub.authenticator_class = "hubauth"
c.Authenticator.manage_roles = True
c.HubAuthenticator.managed_roles = [{"name": "instructor", "scopes": ["list:users", "admin:servers"]}]
c.HubAuthenticator.providers = {
    "entra": {
        "label": "Contoso",
        "tenant": "aaaabbbb-0000-cccc-1111-dddd2222eeee",
        "client_id": "00001111-aaaa-2222-bbbb-3333cccc4444",
        "client_secret_file": "/etc/jupyterhub/entra-secret",
        "allowed_groups": ["bbbbcccc-1111-dddd-2222-eeee3333ffff"],
        "role_map": {"Hub.Instructor": "instructor"},
    },
}
