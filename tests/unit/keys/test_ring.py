"""The keys as a running gateway holds them: a new one works at once, a revoked one for a moment at most."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tidegate.core.errors import Misconfigured
from tidegate.keys.file import KeyFile
from tidegate.keys.order import order_from
from tidegate.keys.ring import LOOK_S, KeyRing


class Clocks:
    def __init__(self) -> None:
        self.s = 0.0
        self.wall = 1_000_000.0


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.sqlite3")


@pytest.fixture
def ring(file: KeyFile, clocks: Clocks):
    made = KeyRing(file.path, lambda: clocks.s, lambda: clocks.wall)
    made.open()
    yield made
    made.close()


def made(file: KeyFile, name: str = "team", **more: object) -> str:
    return file.create(order_from({"name": name, **more}), 1_000_000.0)[0]


def test_without_a_file_there_are_no_keys(ring: KeyRing, clocks: Clocks) -> None:
    assert not ring.exist
    assert ring.find("tg_guess") is None
    clocks.s = 100
    assert not ring.exist


def test_a_new_key_works_at_once(ring: KeyRing, file: KeyFile) -> None:
    assert ring.find("tg_guess") is None
    first = made(file)
    found = ring.find(first)
    assert found is not None and found.name == "team"
    second = made(file, "other")
    assert ring.find(second) is not None and ring.find(first) is not None
    assert ring.find(first + "x") is None


def test_a_revoked_key_works_no_longer_than_until_the_next_look(ring: KeyRing, file: KeyFile, clocks: Clocks) -> None:
    key = made(file)
    assert ring.find(key) is not None
    file.revoke("team", 0.0)
    clocks.s = LOOK_S
    assert ring.find(key) is None
    assert ring.exist, "nobody can come in any more, and the door is not open because of it"


def test_a_look_makes_it_at_once(ring: KeyRing, file: KeyFile) -> None:
    key = made(file)
    assert ring.find(key) is not None
    file.revoke("team", 0.0)
    ring.look()
    assert ring.find(key) is None


def test_the_first_key_is_seen_by_who_asks_without_one(ring: KeyRing, file: KeyFile, clocks: Clocks) -> None:
    assert not ring.exist
    made(file)
    clocks.s = LOOK_S
    assert ring.exist


def test_between_two_looks_nothing_is_read(ring: KeyRing, file: KeyFile, clocks: Clocks) -> None:
    key = made(file)
    assert ring.find(key) is not None
    asked: list[str] = []
    assert ring._database is not None
    ring._database.set_trace_callback(asked.append)
    clocks.s = LOOK_S * 0.9
    assert ring.find(key) is not None
    assert asked == []
    clocks.s = LOOK_S
    assert ring.find(key) is not None
    assert asked == ["PRAGMA data_version"], "and the rows only when they have changed"


def test_a_key_works_until_its_time_is_over(ring: KeyRing, file: KeyFile, clocks: Clocks) -> None:
    key = made(file, expires_in_days=1)
    assert ring.find(key) is not None
    clocks.wall += 86_400
    assert ring.find(key) is None


def test_a_file_that_is_lost_locks_nobody_in_or_out(ring: KeyRing, file: KeyFile, clocks: Clocks) -> None:
    key = made(file)
    assert ring.find(key) is not None
    file.path.unlink()
    clocks.s = LOOK_S
    assert ring.find(key) is not None and ring.exist
    other = made(file, "other")
    assert ring.find(other) is not None
    assert ring.find(key) is None, "the new file has not heard of it"


def test_a_file_that_breaks_is_told_once_and_changes_nothing(
    ring: KeyRing, file: KeyFile, clocks: Clocks, caplog: pytest.LogCaptureFixture
) -> None:
    key = made(file)
    assert ring.find(key) is not None
    file.path.write_bytes(b"\0" * 8192)
    with caplog.at_level(logging.ERROR, logger="tidegate.keys"):
        for turn in (1, 2, 3):
            clocks.s = LOOK_S * turn
            assert ring.find(key) is not None
    assert len(caplog.records) == 1
    assert key not in caplog.text


def test_a_file_that_somebody_writes_is_read_later(ring: KeyRing, file: KeyFile, clocks: Clocks) -> None:
    key = made(file)
    assert ring.find(key) is not None
    with closing(sqlite3.connect(file.path, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        database.execute("UPDATE keys SET revoked_at = 1")
        clocks.s = LOOK_S
        assert ring.find(key) is not None
        database.execute("COMMIT")
    clocks.s = LOOK_S * 2
    assert ring.find(key) is None


def test_a_broken_file_is_refused_at_the_start(file: KeyFile) -> None:
    file.path.write_bytes(b"no database" * 100)
    with pytest.raises(Misconfigured, match=r"the file of keys .*keys\.sqlite3"):
        KeyRing(file.path).open()


def test_it_holds_no_key(ring: KeyRing, file: KeyFile) -> None:
    key = made(file)
    assert ring.find(key) is not None
    assert "team" in repr(vars(ring))
    assert key not in repr(vars(ring))
