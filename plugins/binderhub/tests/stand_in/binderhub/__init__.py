"""As much of BinderHub as hubauth_binderhub touches, for machines that cannot have BinderHub.

BinderHub is not in the package index, so the tests run with this where it is not installed. Written after commit
b9fad995 (April 2026): same names, same arguments, same order of events. That the tests pass with BinderHub's own code
too is what makes it a stand-in; README.md says how to run them so.
"""
