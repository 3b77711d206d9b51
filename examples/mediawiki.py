"""Sign in with a MediaWiki, such as Wikipedia (`hubauth-social`).

The wiki must have the extension OAuth. Special:OAuthConsumerRegistration/propose, OAuth 1.0a, callback URL
https://<your hub>/hub/auth/mediawiki/callback with "Allow consumer to specify a callback" ticked (the URL is a prefix),
grants: User identity verification only.
"""

c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {
    "mediawiki": {
        "type": "social",
        "label": "Wikimedia",
        "backend": "mediawiki",
        "settings": {"KEY": "...", "MEDIAWIKI_URL": "https://meta.wikimedia.org/w/index.php"},
        "setting_files": {"SECRET": "/etc/jupyterhub/mediawiki-secret"},
        "allowed_users": ["Ada Lovelace"],
    },
}
