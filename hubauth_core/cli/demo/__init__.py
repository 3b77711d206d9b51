"""The demo: a real JupyterHub on this machine, with two identity providers and a form."""
