"""`hubauth social`: which backends there are, and what each needs."""

from __future__ import annotations

import click


@click.group(short_help="Backends of python-social-auth: which there are, what each needs")
def social() -> None:
    """Look into the backends of python-social-auth that are installed."""
