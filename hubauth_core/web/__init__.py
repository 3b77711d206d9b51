"""The rim: pages, and what they show."""
