"""Sign in with Keycloak.

Realm, Clients, Create client, OpenID Connect, Client authentication on, Standard flow. Valid redirect URI:
https://<your hub>/hub/auth/keycloak/callback. For groups: Client scopes, `<client>-dedicated`, Add mapper, Group
Membership, claim name `groups`, Full group path off. For roles of the client: the mapper `client roles` of the scope
`roles`, Add to ID token on.
"""

c.JupyterHub.authenticator_class = "hubauth"
c.Authenticator.manage_groups = True
c.Authenticator.manage_roles = True
c.HubAuthenticator.managed_roles = [{"name": "instructor", "scopes": ["list:users", "admin:servers"]}]
c.HubAuthenticator.providers = {
    "keycloak": {
        "type": "oidc",
        "label": "University",
        "issuer": "https://sso.uni.example/realms/main",
        "client_id": "jupyterhub",
        "client_secret_file": "/etc/jupyterhub/keycloak-secret",
        "groups_claim": "groups",
        "roles_claim": "resource_access.jupyterhub.roles",
        "role_map": {"hub-instructor": "instructor"},
        "admin_groups": ["hub-admins"],
        "allowed_groups": ["staff", "students"],
    },
}
