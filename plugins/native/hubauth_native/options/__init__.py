"""The options of a native provider, by what they are about."""
