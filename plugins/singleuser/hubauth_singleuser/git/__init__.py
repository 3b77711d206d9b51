"""git's credential helper: `credential.helper = hubauth`."""
