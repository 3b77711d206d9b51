"""The provider type: any backend of python-social-auth."""

from __future__ import annotations

from hubauth_core import Provider


class SocialProvider(Provider):
    """One backend of python-social-auth, configured."""

    title = "Social account"
    by_itself = False
