"""The demo: a real JupyterHub on this machine, with two identity providers, a form, and accounts of its own."""
