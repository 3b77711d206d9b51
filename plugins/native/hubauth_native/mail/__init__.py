"""Mails: letters, an outbox in the database, and the way to a server."""
