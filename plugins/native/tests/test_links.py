"""One-time links."""

from __future__ import annotations

import pytest

from hubauth_native import NativeProvider, links

PURPOSE: links.Purpose = "reset"


def made(native: NativeProvider, **more: object) -> str:
    def work(connection: object) -> str:
        return links.make(connection, "local", PURPOSE, **{"lifetime": 60.0, "email": "a@b.test", **more}).reveal()  # type: ignore[arg-type]

    return native.house.database.write_now(work)


def used(native: NativeProvider, token: str, provider: str = "local", purpose: links.Purpose = PURPOSE) -> links.Link:
    return native.house.database.write_now(lambda connection: links.use(connection, provider, purpose, token))


@pytest.mark.row("S02")
def test_a_link_works_once(native: NativeProvider) -> None:
    token = made(native, data={"x": 1})
    with native.house.database.read() as connection:
        assert links.look(connection, "local", PURPOSE, token).data == {"x": 1}
    assert used(native, token).email == "a@b.test"
    with pytest.raises(links.LinkOver):
        used(native, token)


@pytest.mark.row("S02")
@pytest.mark.parametrize(("provider", "purpose"), [("other", PURPOSE), ("local", "verify")])
def test_a_link_is_for_one_purpose_of_one_provider(
    native: NativeProvider, provider: str, purpose: links.Purpose
) -> None:
    token = made(native)
    with pytest.raises(links.LinkOver):
        used(native, token, provider, purpose)
    assert used(native, token)


@pytest.mark.row("S02")
def test_a_newer_link_ends_the_older_one(native: NativeProvider) -> None:
    account = native.house.database.write_now(lambda connection: native.house.accounts.create(connection, "ann"))
    old, new = made(native, account_id=account.id), made(native, account_id=account.id)
    with pytest.raises(links.LinkOver):
        used(native, old)
    assert used(native, new).account_id == account.id


@pytest.mark.parametrize("token", ["", "x", "\0", "x" * 100_000, "\ud800", "é" * 43])
def test_what_is_no_token_is_a_link_that_is_over(native: NativeProvider, token: str) -> None:
    with pytest.raises(links.LinkOver):
        used(native, token)


@pytest.mark.row("S02")
def test_a_link_runs_out(native: NativeProvider) -> None:
    token = made(native, lifetime=-1.0)
    with pytest.raises(links.LinkOver):
        used(native, token)
