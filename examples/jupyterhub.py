"""Sign in at another JupyterHub.

There, this hub is a service:

    c.JupyterHub.services = [{
        "name": "second-hub",
        "oauth_client_id": "service-second-hub",
        "api_token": "<the client secret, at least 32 random characters>",
        "oauth_redirect_uri": "https://<this hub>/hub/auth/campus/callback",
        "oauth_client_allowed_scopes": ["read:users!user"],
        "oauth_no_confirm": True,
    }]
    c.JupyterHub.load_roles = [{"name": "user", "scopes": ["self", "access:services!service=second-hub"]}]

A JupyterHub tells no id of a user, and a name can pass to somebody else after a deletion; name and time of creation
together cannot. Somebody who is renamed there is somebody new here.
"""


def user(claims):
    return f"{claims['name']} {claims['created']}"


c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {
    "campus": {
        "type": "oauth2",
        "label": "Campus JupyterHub",
        "authorize_url": "https://hub.campus.example/hub/api/oauth2/authorize",
        "token_url": "https://hub.campus.example/hub/api/oauth2/token",
        "userinfo_url": "https://hub.campus.example/hub/api/user",
        "client_id": "service-second-hub",
        "client_secret_file": "/etc/jupyterhub/campus-secret",
        "client_authentication": "post",
        "scope": ["read:users!user"],
        "subject_claim": user,
        "username_claim": "name",
        "groups_claim": "groups",
        "required_groups": ["physics"],
        "allow_all": True,
    },
}
