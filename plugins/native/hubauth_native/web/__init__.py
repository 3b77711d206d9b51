"""The provider's own pages below `/hub/auth/<name>/`, and its resources for programs."""
