"""Every option of a native provider."""

from __future__ import annotations

from .administration import AdministrationOptions
from .factors import FactorOptions
from .mail import MailOptions
from .passwords import PasswordOptions
from .signup import SignUpOptions
from .throttle import ThrottleOptions


class NativeOptions(SignUpOptions, PasswordOptions, ThrottleOptions, FactorOptions, MailOptions, AdministrationOptions):
    """Mixed into `NativeProvider`; each room is handed it for what concerns the room."""
