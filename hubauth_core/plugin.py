"""What a plugin imports that brings pages, tables or REST resources of its own, beside `hubauth_core` itself."""

from __future__ import annotations

from .core import Core
from .database import Database
from .hub import hub_user
from .names import name_key, normalise
from .options import SecretOption, from_environment, read_secret, variable
from .provider import reusable
from .schema import Exact, Schema
from .types import HubUser, Page
from .urls import is_loopback, problem_with
from .web.acting import ActingHandler
from .web.answers import answer_to
from .web.api import caller_of
from .web.api_answers import Reply
from .web.callers import Caller
from .web.document import Described, as_json, document, exact_object, reference
from .web.hub_json import HubJSONHandler
from .web.json_handler import JSONHandler
from .web.session import drop as drop_cookie
from .web.session import keep as keep_cookie
from .web.session import recall as recall_cookie
from .web.session import recall_note

__all__ = [
    "ActingHandler",
    "Caller",
    "Core",
    "Database",
    "Described",
    "Exact",
    "HubJSONHandler",
    "HubUser",
    "JSONHandler",
    "Page",
    "Reply",
    "Schema",
    "SecretOption",
    "answer_to",
    "as_json",
    "caller_of",
    "document",
    "drop_cookie",
    "exact_object",
    "from_environment",
    "hub_user",
    "is_loopback",
    "keep_cookie",
    "name_key",
    "normalise",
    "problem_with",
    "read_secret",
    "recall_cookie",
    "recall_note",
    "reference",
    "reusable",
    "variable",
]
