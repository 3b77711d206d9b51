"""Passwords: what one is, what it is hashed to, which are good enough, and where one is set."""
