"""Kept content on disk: written by its own thread, found again, deleted when due, never readable without the key."""

from __future__ import annotations

import logging
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidegate.core.boundary import DataClass
from tidegate.core.errors import Misconfigured
from tidegate.privacy.keeping import content as module
from tidegate.privacy.keeping.content import ContentStore, Reading, read_content
from tidegate.privacy.keeping.kept import Content
from tidegate.privacy.keeping.sealed import HEADER_BYTES

SECRET = "a phrase that is long enough"
BOTH = frozenset({DataClass.PUBLIC, DataClass.INTERNAL})
HOUR = 3600.0
START = 1_790_000_000.0


@pytest.fixture(autouse=True)
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making a key is slow by intention, and how slow is not what is tested here."""
    monkeypatch.setattr("tidegate.privacy.keeping.sealed._SCRYPT_N", 2)


class Clock:
    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def exchange_id(at_s: float, number: int = 0) -> str:
    return f"ex_{int(at_s * 1000):012x}{number:020x}"


def kept(at_s: float, text: str = "CANARY", number: int = 0, **changes: object) -> Content:
    fields: dict[str, object] = {
        "exchange_id": exchange_id(at_s, number),
        "data_class": DataClass.PUBLIC,
        "action": None,
        "shadow": False,
        "size_bytes": len(text),
        "body": text.encode,
    }
    return Content(**(fields | changes))  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "content"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(folder: Path, clock: Clock) -> Iterator[ContentStore]:
    store = ContentStore(folder, SECRET, BOTH, 24 * HOUR, clock)
    store.open()
    yield store
    store.close()


def read(folder: Path, at_s: float, now_s: float = START, number: int = 0, secret: str = SECRET) -> Reading:
    return read_content(folder, secret, 24 * HOUR, exchange_id(at_s, number), now_s)


def test_what_was_put_is_found_once_the_store_is_closed(folder: Path, store: ContentStore) -> None:
    for number in range(5):
        store.put(kept(START, f"text {number}", number))
    store.close()
    assert [read(folder, START, number=number).body for number in range(5)] == [b"text %d" % n for n in range(5)]
    assert (store.written, store.dropped, store.refused, store.error) == (5, 0, 0, None)
    assert len(list(folder.iterdir())) == 1, "one file per period"


def test_only_its_owner_may_read_it_and_nothing_can_be_read_in_it(folder: Path, store: ContentStore) -> None:
    store.put(kept(START))
    store.close()
    (file,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"CANARY" not in file.read_bytes()
    assert SECRET.encode() not in file.read_bytes()
    assert file.name.startswith("1789999200-3600-")


def test_a_folder_open_to_others_is_refused(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o755)
    folder.chmod(0o750)
    with pytest.raises(Misconfigured, match=r"\[capture\] folder .*\(chmod 700\)"):
        ContentStore(folder, SECRET, BOTH, HOUR).open()


def test_a_folder_that_is_a_file_is_refused(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("")
    with pytest.raises(Misconfigured, match=r"\[capture\] folder .* cannot be used"):
        ContentStore(folder, SECRET, BOTH, HOUR).open()


def test_an_answer_that_ends_later_lies_with_its_arrival(folder: Path, store: ContentStore, clock: Clock) -> None:
    clock.now = START + 2 * HOUR
    store.put(kept(START, "early"))
    store.put(kept(START + 2 * HOUR, "late"))
    store.close()
    assert read(folder, START, clock.now).body == b"early"
    assert read(folder, START + 2 * HOUR, clock.now).body == b"late"


def test_files_are_deleted_when_their_oldest_content_is_due(folder: Path, store: ContentStore, clock: Clock) -> None:
    store.put(kept(START))
    store.put(kept(START + HOUR))
    store.close()
    (first, second) = sorted(folder.iterdir())
    begin = int(START // HOUR * HOUR)
    clock.now = begin + 24 * HOUR - 1
    store.delete_due()
    assert first.exists(), "kept for 11/12 of the time at least"
    clock.now = begin + 24 * HOUR
    store.delete_due()
    assert not first.exists()
    assert second.exists()


def test_the_writer_deletes_by_itself(folder: Path, store: ContentStore, clock: Clock) -> None:
    written = threading.Event()
    store.put(kept(START, body=lambda: written.set() or b"x"))
    assert written.wait(60)
    clock.now = START + 30 * HOUR
    store.put(kept(clock.now, "later"))
    store.close()
    assert len(list(folder.iterdir())) == 1
    assert read(folder, clock.now, clock.now).body == b"later"


def test_an_idle_writer_looks_again_and_again(folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = [threading.Event() for _ in range(3)]
    left = iter(looked)
    store = ContentStore(folder, SECRET, BOTH, 12.0, clock)

    def looking() -> None:
        clock.now += 12.0
        next(left, looked[-1]).set()

    monkeypatch.setattr(store, "delete_due", looking)
    clock.now -= 1
    store.open()
    assert all(event.wait(60) for event in looked[:1])
    clock.now += 12.0
    assert all(event.wait(60) for event in looked), "without a request coming in"
    store.close()


def test_what_is_due_is_deleted_at_the_start(folder: Path, store: ContentStore) -> None:
    store.put(kept(START))
    store.close()
    foreign = folder / "notes.txt"
    foreign.write_text("not ours")
    later = ContentStore(folder, SECRET, BOTH, HOUR, Clock(START + 2 * HOUR))
    later.open()
    later.close()
    assert list(folder.iterdir()) == [foreign]


def test_expired_content_is_not_read_even_before_it_is_deleted(folder: Path, store: ContentStore) -> None:
    store.put(kept(START))
    store.close()
    assert read(folder, START, START + 24 * HOUR).state == "expired"
    assert read(folder, START, START + 24 * HOUR - 1).state == "found"


def test_expired_content_is_not_even_written(folder: Path, store: ContentStore, clock: Clock) -> None:
    store.put(kept(START - 24 * HOUR))
    store.close()
    assert store.dropped == 1
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [{"data_class": DataClass.PRIVATE}, {"action": "mask"}, {"action": "local"}, {"shadow": True}],
    ids=str,
)
def test_the_writer_refuses_what_the_pipeline_should_not_have_sent(
    folder: Path, store: ContentStore, change: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    store.put(kept(START, body=lambda: pytest.fail("its content was looked at"), **change))
    store.close()
    assert (store.refused, store.written) == (1, 0)
    assert list(folder.iterdir()) == []
    assert "may not be kept" in caplog.text
    assert "CANARY" not in caplog.text


def test_a_full_queue_drops_and_counts(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, store: ContentStore
) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 2)
    waiting = ContentStore(folder, SECRET, BOTH, HOUR, clock)  # not opened: nothing is taken out
    for number in range(5):
        waiting.put(kept(START, number=number))
    assert waiting.dropped == 3
    monkeypatch.setattr(module, "_MOST_WAITING", 1000)
    monkeypatch.setattr(module, "_MOST_WAITING_BYTES", 20)
    waiting.put(kept(START, "x" * 21, number=9))
    assert waiting.dropped == 4


def test_room_is_there_again_once_it_was_written(folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING_BYTES", 10)
    store = ContentStore(folder, SECRET, BOTH, HOUR, clock)
    store.open()
    for number in range(3):
        done = threading.Event()
        store.put(kept(START, "0123456789", number, body=lambda done=done: done.set() or b"x"))
        assert done.wait(60)
    store.close()
    assert (store.written, store.dropped) == (3, 0)


def test_a_body_that_cannot_be_made_costs_only_itself_and_is_not_told(
    folder: Path, store: ContentStore, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> bytes:
        raise ValueError("CANARY")

    caplog.set_level(logging.DEBUG)
    store.put(kept(START, number=1, body=broken))
    store.put(kept(START, "good", number=2))
    store.close()
    assert (store.written, store.dropped, store.error) == (1, 1, "ValueError")
    assert read(folder, START, number=2).body == b"good"
    assert "CANARY" not in caplog.text


def test_a_piece_cut_short_by_a_full_disk_does_not_spoil_the_next(
    folder: Path, store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.write, iter(range(100))

    def full_once(descriptor: int, data: bytes) -> int:
        if next(calls) == 1:
            real(descriptor, bytes(data)[:9])
            raise OSError(28, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(module.os, "write", full_once)
    store.put(kept(START, "lost", number=1))
    store.put(kept(START, "good", number=2))
    store.close()
    assert (store.written, store.dropped, store.error) == (1, 1, "OSError")
    assert read(folder, START, number=2).body == b"good"


def test_two_processes_share_a_folder(folder: Path, store: ContentStore, clock: Clock) -> None:
    second = ContentStore(folder, "another key, also long", BOTH, 24 * HOUR, clock)
    second.open()
    store.put(kept(START, "one", number=1))
    second.put(kept(START, "two", number=2))
    store.close()
    second.close()
    assert read(folder, START, number=1).body == b"one"
    assert read(folder, START, number=2).state == "wrong key"
    assert read(folder, START, number=2, secret="another key, also long").body == b"two"


def test_what_was_never_kept_is_absent(folder: Path, store: ContentStore) -> None:
    assert read(folder, START).state == "absent"
    assert read_content(folder, SECRET, HOUR, "ex_1", START).state == "absent"
    assert read_content(folder / "none", SECRET, HOUR, exchange_id(START), START).state == "absent"


def test_damage_is_told(folder: Path, store: ContentStore) -> None:
    store.put(kept(START))
    store.close()
    (file,) = folder.iterdir()
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert read(folder, START).state == "damaged"
    file.write_bytes(data[: HEADER_BYTES + 30])
    assert read(folder, START).state == "damaged"


def test_a_file_renamed_to_be_kept_longer_is_not_read(folder: Path, store: ContentStore) -> None:
    store.put(kept(START))
    store.close()
    (file,) = folder.iterdir()
    file.rename(folder / file.name.replace("1789999200", "1790002800"))
    assert read(folder, START).state == "absent"


def test_few_files_are_open_at_a_time(folder: Path, store: ContentStore, clock: Clock) -> None:
    clock.now = START + 20 * HOUR
    for hour in range(12):
        store.put(kept(START + hour * HOUR, f"hour {hour}"))
    store.close()
    assert [read(folder, START + hour * HOUR, clock.now).body for hour in range(12)] == [
        b"hour %d" % hour for hour in range(12)
    ]
