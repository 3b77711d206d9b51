"""Sign in with Hugging Face.

huggingface.co, Settings, Connected Apps, Create App, scopes `openid` and `profile`. Redirect URL:
https://<your hub>/hub/auth/huggingface/callback. People are asked which organizations to show; those are groups.
"""


def organizations(claims):
    return [each["preferred_username"] for each in claims.get("orgs", [])]


c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {
    "huggingface": {
        "type": "oidc",
        "label": "Hugging Face",
        "issuer": "https://huggingface.co",
        "client_id": "12345678-90ab-cdef-1234-567890abcdef",
        "client_secret_file": "/etc/jupyterhub/huggingface-secret",
        "scope": ["openid", "profile"],
        "groups_claim": organizations,
        "allowed_groups": ["my-organization"],
    },
}
