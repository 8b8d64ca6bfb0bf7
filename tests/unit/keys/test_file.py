"""The file of keys: made, listed, revoked; readable by its owner only, and no key in it."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tidegate.core.errors import ClientMistake, Misconfigured, NotFound
from tidegate.keys.file import KEY_BYTES, PREFIX, KeyFile, key_digest
from tidegate.keys.order import order_from

TEAM = order_from({"name": "team", "budget_usd_per_day": "1", "expires_in_days": 2})


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "state" / "keys.sqlite3")


def test_a_key_is_long_random_and_known_by_its_beginning(file: KeyFile) -> None:
    keys = {file.create(order_from({"name": f"n{number}"}), 0.0)[0] for number in range(20)}
    assert len(keys) == 20
    assert all(key.startswith(PREFIX) and len(key) >= len(PREFIX) + KEY_BYTES * 4 // 3 for key in keys)
    assert all(key.replace("-", "").replace("_", "").isalnum() for key in keys), "it can stand in a header and a URL"


def test_what_was_made_is_listed_the_oldest_first(file: KeyFile) -> None:
    assert file.records() == []
    _, first = file.create(TEAM, 100.0)
    _, second = file.create(order_from({"name": "other"}), 101.0)
    assert file.records() == [first, second]
    assert (first.name, first.created_at, first.expires_at) == ("team", 100.0, 100.0 + 2 * 86_400)
    assert first.terms == TEAM.terms(first.key_id)


def test_the_file_is_its_owners_and_holds_no_key(file: KeyFile) -> None:
    key, _ = file.create(TEAM, 0.0)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    held = b"".join(one.read_bytes() for one in file.path.parent.iterdir())
    assert b"team" in held
    assert key.encode() not in held
    assert key.removeprefix(PREFIX).encode() not in held


def test_what_is_kept_is_a_keyed_digest(file: KeyFile) -> None:
    key, record = file.create(TEAM, 0.0)
    with closing(sqlite3.connect(file.path)) as database:
        (hash_key,) = database.execute("SELECT key FROM hashing").fetchone()
        assert database.execute("SELECT key_id, digest FROM keys").fetchall() == [
            (record.key_id, key_digest(key, hash_key))
        ]
    assert len(hash_key) == KEY_BYTES
    assert key_digest(key, b"other") != key_digest(key, hash_key)


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_key_is_revoked_by_id_or_name_and_stays_so(file: KeyFile, by: str) -> None:
    _, record = file.create(TEAM, 0.0)
    revoked = file.revoke(record.key_id if by == "id" else "team", 7.0)
    assert (revoked.key_id, revoked.revoked_at, revoked.state(8.0)) == (record.key_id, 7.0, "revoked")
    assert file.revoke(record.key_id, 9.0).revoked_at == 7.0
    with pytest.raises(NotFound):
        file.revoke("team", 9.0)


def test_a_name_is_given_again_once_nobody_uses_it(file: KeyFile) -> None:
    _, first = file.create(TEAM, 0.0)
    with pytest.raises(ClientMistake, match=f"in use .{first.key_id}"):
        file.create(TEAM, 1.0)
    file.revoke("team", 2.0)
    _, second = file.create(TEAM, 3.0)
    _, third = file.create(TEAM, second.expires_at or 0.0)
    assert len({first.key_id, second.key_id, third.key_id}) == 3


@pytest.mark.parametrize("which", ["nobody", "key_0", ""])
def test_who_is_not_there_cannot_be_revoked(file: KeyFile, which: str) -> None:
    with pytest.raises(NotFound, match="no such key"):
        file.revoke(which, 0.0)
    file.create(TEAM, 0.0)
    with pytest.raises(NotFound, match="no such key"):
        file.revoke(which, 0.0)


def test_to_look_makes_no_file(file: KeyFile) -> None:
    file.records()
    with pytest.raises(NotFound):
        file.revoke("team", 0.0)
    assert not file.path.exists()


@pytest.mark.parametrize("damage", ["no database", "newer"])
def test_a_file_that_cannot_be_used_is_named(file: KeyFile, damage: str) -> None:
    file.create(TEAM, 0.0)
    if damage == "newer":
        with closing(sqlite3.connect(file.path)) as database:
            database.execute("PRAGMA user_version = 2")
    else:
        file.path.write_bytes(b"no database" * 100)
    for call in (file.records, lambda: file.revoke("team", 0.0), lambda: file.create(TEAM, 0.0)):
        with pytest.raises(Misconfigured, match=r"the file of keys .*keys\.sqlite3"):
            call()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(Misconfigured, match=r"keys\.sqlite3"):
        KeyFile(tmp_path / "state" / "keys.sqlite3").create(TEAM, 0.0)
