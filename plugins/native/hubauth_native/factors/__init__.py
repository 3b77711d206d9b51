"""Second factors: codes of an authenticator app, recovery codes, passkeys, and browsers that are not asked again."""
