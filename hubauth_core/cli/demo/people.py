"""The people of the demo, and where they belong."""

from __future__ import annotations

from typing import Final

from ...testing.idp import Person

UNIVERSITY: Final = (
    Person(
        subject="u-1001",
        username="ada",
        name="Ada Brandt",
        email="ada@university.example",
        groups=("staff",),
        note="administrator of the hub",
    ),
    Person(subject="u-1002", username="ben", name="Ben Okafor", email="ben@university.example", groups=("students",)),
    Person(subject="u-1003", username="chen", name="Chen Wei", email="chen@university.example", groups=("students",)),
)

LIBRARY: Final = (
    Person(subject="card-51", username="dana", name="Dana Reyes", email="dana@library.example"),
    Person(
        subject="card-52",
        username="ben",
        name="Ben Lindqvist",
        email="ben@library.example",
        note="another Ben than the University's",
    ),
    Person(subject="card-53", username="zoe", name="Zoe Adler", note="not on the list, so the hub turns her away"),
)

FORGE: Final = (
    Person(subject="4711", username="ben-codes", name="Ben Okafor", note="has the private repository"),
    Person(subject="4712", username="dreyes", name="Dana Reyes", note="may not see the repository"),
)
MEMBERS: Final = frozenset({"4711"})
"""Subjects of those who may see the repository."""

GUEST: Final = "guest"
GUEST_PASSWORD: Final = "welcome"  # shown on the screen, and good for the demo only
