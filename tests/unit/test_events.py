"""The audit trail: what it says, what it never says, and what happens when it cannot be written."""

from __future__ import annotations

import json
import logging
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from hubauth_core import Event, StoreError
from hubauth_core.events import LONGEST, Audit

LOG = logging.getLogger("hubauth.test.events")
LOGIN = Event(kind="login", provider="uni", subject="7", username="ann", hub_user="ann", address="192.0.2.7")
REFUSED = Event(kind="login_refused", provider="uni", reason="not_allowed", subject="7", username="ann")


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture(autouse=True)
def _log_all(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOG.name)


def ignore(event: Event) -> None: ...


def written(trail: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in trail.read_text().splitlines()]


def count(kind: str, provider: str, reason: str) -> float:
    labels = {"kind": kind, "provider": provider, "reason": reason}
    return REGISTRY.get_sample_value("hubauth_events_total", labels) or 0.0


def test_an_event_is_one_line_of_json_in_file_and_log(trail: Path, caplog: pytest.LogCaptureFixture) -> None:
    audit = Audit(ignore, LOG, path=trail)
    audit.record(LOGIN)
    audit.record(REFUSED)
    login, refused = written(trail)
    assert login.pop("time") > 1.7e9
    assert login == {
        "kind": "login",
        "provider": "uni",
        "subject": "7",
        "username": "ann",
        "hub_user": "ann",
        "address": "192.0.2.7",
    }
    assert refused["reason"] == "not_allowed"
    assert [record.getMessage().split("{")[0] for record in caplog.records] == ["hubauth event "] * 2


def test_without_a_file_events_go_to_log_listeners_and_metrics(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Event] = []
    before = count("login", "uni", "")
    Audit(heard.append, LOG).record(LOGIN)
    assert count("login", "uni", "") == before + 1
    assert '"username": "ann"' in caplog.text
    assert [(event.kind, event.username) for event in heard] == [("login", "ann")]


def test_a_time_that_was_told_is_kept(trail: Path) -> None:
    Audit(ignore, LOG, path=trail).record(Event(kind="login", time=12.5))
    assert written(trail) == [{"kind": "login", "time": 12.5}]


@pytest.mark.row("V14")
@pytest.mark.parametrize("name", ["subject", "username", "hub_user", "address"])
def test_what_a_stranger_chose_is_cut(trail: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Event] = []
    Audit(heard.append, LOG, path=trail).record(Event(kind="login_refused", reason="x", **{name: "a" * 100_000}))
    [line] = written(trail)
    assert line[name] == "a" * LONGEST + "... (100000 characters)"
    assert getattr(heard[0], name) == line[name]
    assert max(len(record.getMessage()) for record in caplog.records) < 500


@pytest.mark.row("V14")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=80))
def test_no_name_makes_a_second_line_or_prints_a_control_character(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()
    Audit(ignore, LOG).record(Event(kind="login_refused", reason="x", username=name, subject=name))
    [record] = caplog.records
    assert record.getMessage().isascii()
    assert record.getMessage().isprintable()


@pytest.mark.row("V14")
@pytest.mark.parametrize("name", ["a\nlogin root", "\x1b[2Jx", "\u202egnp", "\udc80", '"},{"kind":"login'])
def test_a_name_cannot_forge_a_line_of_the_file(trail: Path, name: str) -> None:
    Audit(ignore, LOG, path=trail).record(Event(kind="login_refused", reason="x", username=name))
    [line] = written(trail)
    assert line["username"] == name
    assert line["kind"] == "login_refused"


@pytest.mark.row("V14")
@pytest.mark.parametrize("reason", ["access denied", "a" * 65, "x\ny", "<b>", "Ä", "7up"])
def test_a_reason_that_is_no_code_makes_no_time_series(reason: str) -> None:
    before, heard = count("login_refused", "uni", "other"), list[Event]()
    Audit(heard.append, LOG).record(Event(kind="login_refused", provider="uni", reason=reason))
    assert count("login_refused", "uni", "other") == before + 1
    assert count("login_refused", "uni", reason) == 0
    assert heard[0].reason == "other"


@pytest.mark.row("F15")
def test_a_sign_in_that_cannot_be_recorded_does_not_count(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Event] = []
    audit = Audit(heard.append, LOG, path=tmp_path / "no" / "such" / "folder")
    with pytest.raises(StoreError) as refused:
        audit.record(LOGIN)
    assert refused.value.code == "audit_failed"
    assert heard == []
    assert str(tmp_path) in caplog.text
    assert str(tmp_path) not in refused.value.sentence
    (tmp_path / "no" / "such").mkdir(parents=True)
    audit.record(LOGIN)
    assert len(heard) == 1


@pytest.mark.row("F15")
def test_a_full_disk_is_noticed() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(StoreError):
        Audit(ignore, LOG, path=full).record(LOGIN)


@pytest.mark.row("F15")
def test_a_sign_in_counts_where_the_administrator_does_not_require_the_file(tmp_path: Path) -> None:
    heard: list[Event] = []
    Audit(heard.append, LOG, path=tmp_path / "no" / "file", required=False).record(LOGIN)
    assert len(heard) == 1


@pytest.mark.row("F15")
def test_a_refusal_that_cannot_be_recorded_stays_a_refusal(tmp_path: Path) -> None:
    heard: list[Event] = []
    Audit(heard.append, LOG, path=tmp_path / "no" / "file").record(REFUSED)
    assert len(heard) == 1


def test_an_event_has_no_room_for_a_secret() -> None:
    assert {field.name for field in fields(Event)} == {
        "kind",
        "provider",
        "reason",
        "subject",
        "username",
        "hub_user",
        "actor",
        "resource",
        "address",
        "time",
    }


def test_a_trail_that_was_moved_away_begins_anew(trail: Path) -> None:
    audit = Audit(ignore, LOG, path=trail)
    audit.record(LOGIN)
    kept = trail.rename(trail.with_suffix(".1"))
    audit.record(REFUSED)
    assert [event["kind"] for event in written(kept)] == ["login"]
    assert [event["kind"] for event in written(trail)] == ["login_refused"]
