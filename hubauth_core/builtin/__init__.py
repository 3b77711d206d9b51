"""The provider types that come with the core, registered by entry point like any plugin's."""
