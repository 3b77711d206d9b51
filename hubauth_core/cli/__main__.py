"""`python -m hubauth_core.cli`, where the command itself is not on the path."""

from . import main

main(prog_name="hubauth")
