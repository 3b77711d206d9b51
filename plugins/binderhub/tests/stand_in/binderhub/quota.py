"""binderhub/quota.py."""

from traitlets.config import LoggingConfigurable


class LaunchQuota(LoggingConfigurable):
    """Unlimited here."""
