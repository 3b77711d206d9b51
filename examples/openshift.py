"""Sign in with OpenShift.

    oc get --raw /.well-known/oauth-authorization-server

says `authorization_endpoint` and `token_endpoint`; the user API is at the cluster's API server. Register the hub:

    oc create -f - <<END
    {apiVersion: oauth.openshift.io/v1, kind: OAuthClient, metadata: {name: jupyterhub}, secret: "...",
     grantMethod: prompt, redirectURIs: ["https://<your hub>/hub/auth/openshift/callback"]}
    END

Where the cluster's certificates come from an authority of its own, let the hub's process know it (`SSL_CERT_FILE`).
`kube:admin`, which has no id, cannot sign in.
"""

c.JupyterHub.authenticator_class = "hubauth"
c.Authenticator.manage_groups = True
c.HubAuthenticator.providers = {
    "openshift": {
        "type": "oauth2",
        "label": "OpenShift",
        "authorize_url": "https://oauth-openshift.apps.cluster.example/oauth/authorize",
        "token_url": "https://oauth-openshift.apps.cluster.example/oauth/token",
        "userinfo_url": "https://api.cluster.example:6443/apis/user.openshift.io/v1/users/~",
        "client_id": "jupyterhub",
        "client_secret_file": "/etc/jupyterhub/openshift-secret",
        "scope": ["user:info"],
        "subject_claim": "metadata.uid",
        "username_claim": "metadata.name",
        "groups_claim": "groups",
        "allowed_groups": ["data-scientists"],
        "admin_groups": ["hub-admins"],
    },
}
