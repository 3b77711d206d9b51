"""Private repositories on BinderHub, each with the visitor's own credential from hubauth."""
