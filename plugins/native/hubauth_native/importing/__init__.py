"""Accounts that come from elsewhere: one reader for each kind of place, and one way in for all of them."""
