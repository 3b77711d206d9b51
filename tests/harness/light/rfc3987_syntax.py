"""Stands for the package of this name, which jsonschema does without where it is not installed.

That one builds a parser for IRIs when it is imported, for a second, in each hub and each server (by jupyter_events);
nothing here has an IRI to check.
"""

raise ImportError(__doc__)
