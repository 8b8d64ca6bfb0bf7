"""Kept content on disk: sealed files of a few minutes to an hour each, written off the hot path, deleted when they are due.

The second wall in front of the disk: whatever the pipeline hands over, nothing private, masked or bound to this machine
is written. A file holds the exchanges of one period and nothing else, so deleting by age is one `unlink` of a name that
says the age; file names hold times and chance, nothing of the content.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tidegate.core.boundary import DataClass
from tidegate.core.errors import Misconfigured
from tidegate.privacy.keeping.kept import Content, may_be_written
from tidegate.privacy.keeping.sealed import Seal, Unsealable, began_at, pieces

_log = logging.getLogger("tidegate.content")

_NAME = re.compile(r"(\d{1,12})-(\d{1,6})-[0-9a-f]{16}\.sealed")
_LONGEST_PERIOD_S = 3600
_PERIODS = 12
"""Content is deleted with its whole period and never late, so it is kept for at least 11/12 of the time asked for."""
_MOST_WAITING = 1000
_MOST_WAITING_BYTES = 64 * 1024 * 1024
_MOST_OPEN = 4


class ContentStore:
    """`put` is called on the hot path and only appends; the rest happens in the writer's thread."""

    def __init__(
        self,
        folder: Path,
        secret: str,
        classes: frozenset[DataClass],
        keep_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self.written = 0
        self.dropped = 0
        """Not kept for want of room, or because it could not be written."""
        self.refused = 0
        """Stopped by the second wall: not 0 means a fault in the first."""
        self.error: str | None = None
        self._secret = secret
        self.classes = classes
        self._keep_s = keep_s
        self._period_s = max(1, min(_LONGEST_PERIOD_S, int(keep_s / _PERIODS)))
        self._clock = clock
        self._waiting: deque[Content] = deque()
        self._waiting_bytes = 0
        self._closing = False
        self._changed = threading.Condition()
        self._open: OrderedDict[int, tuple[int, Seal]] = OrderedDict()
        """Descriptors by the beginning of their period."""
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Make the folder, delete what is due, start the writer."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.folder.stat().st_mode & 0o077:
                raise Misconfigured(
                    f"[capture] folder {self.folder} is open to others: make it yours only (chmod 700), or choose another"
                )
            self.delete_due()
        except OSError as error:
            raise Misconfigured(f"[capture] folder {self.folder} cannot be used ({type(error).__name__})") from None
        self._thread = threading.Thread(target=self._write_on, name="tidegate-content", daemon=True)
        self._thread.start()

    def put(self, content: Content) -> None:
        with self._changed:
            if len(self._waiting) >= _MOST_WAITING or self._waiting_bytes + content.size_bytes > _MOST_WAITING_BYTES:
                self.dropped += 1
                return
            self._waiting.append(content)
            self._waiting_bytes += content.size_bytes
            self._changed.notify()

    def close(self) -> None:
        """Write what waits and stop the writer."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def delete_due(self) -> None:
        """Delete every file that holds something older than may be kept."""
        latest_s = self._clock() - self._keep_s
        for path, begin_s, _ in _files(self.folder):
            if begin_s <= latest_s:
                path.unlink(missing_ok=True)
        for begin_s in [begin_s for begin_s in self._open if begin_s <= latest_s]:
            os.close(self._open.pop(begin_s)[0])

    def _write_on(self) -> None:
        # Looked at often enough that no file outlives its time by more than a sixteenth of a period.
        pause_s, looked_at_s = self._period_s / 16, self._clock()
        while True:
            with self._changed:
                if not self._waiting and not self._closing:
                    self._changed.wait(pause_s)
                content = self._waiting.popleft() if self._waiting else None
                closing = self._closing
                self._waiting_bytes -= content.size_bytes if content else 0
            if content is not None:
                self._write(content)
            if self._clock() - looked_at_s >= pause_s or (closing and content is None):
                looked_at_s = self._clock()
                self._keep_going(self.delete_due)
            if closing and content is None:
                break
        while self._open:
            os.close(self._open.popitem()[1][0])

    def _write(self, content: Content) -> None:
        if not may_be_written(content, self.classes):
            self.refused += 1
            _log.error("content of an exchange was handed over that may not be kept; it was not written")
            return
        at_s = began_at(content.exchange_id)
        if at_s is None or at_s <= self._clock() - self._keep_s:
            self.dropped += 1
            return

        def append() -> None:
            descriptor, seal = self._file(int(at_s // self._period_s) * self._period_s)
            sealed = memoryview(seal.close(content.exchange_id, content.data_class, content.body()))
            while sealed:
                sealed = sealed[os.write(descriptor, sealed) :]

        if self._keep_going(append):
            self.written += 1
        else:
            self.dropped += 1
            # A piece may have been cut short: what comes after it in this file could not be read.
            while self._open:
                os.close(self._open.popitem()[1][0])

    def _keep_going(self, step: Callable[[], None]) -> bool:
        """The thread outlives every error. Only its class is told: a text may hold content."""
        try:
            step()
        except Exception as error:
            self.error = type(error).__name__
            return False
        return True

    def _file(self, begin_s: int) -> tuple[int, Seal]:
        """The open file of a period, made when it is needed. A new process, or a late answer, gets a file of its own."""
        found = self._open.get(begin_s)
        if found is not None:
            return found
        seal = Seal(self._secret)
        path = self.folder / f"{begin_s}-{self._period_s}-{secrets.token_hex(8)}.sealed"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._open[begin_s] = descriptor, seal
        os.write(descriptor, seal.header)
        if len(self._open) > _MOST_OPEN:
            os.close(self._open.popitem(last=False)[1][0])
        return descriptor, seal


def _files(folder: Path) -> Iterator[tuple[Path, int, int]]:
    """Our files there, with the beginning and the length of their period. What is not ours is left alone."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if name := _NAME.fullmatch(path.name):
            yield path, int(name[1]), int(name[2])


ReadState = Literal["found", "expired", "absent", "wrong key", "damaged"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of an attempt to read; the body is there when it was found."""

    state: ReadState
    body: bytes = field(default=b"", repr=False)


def read_content(folder: Path, secret: str, keep_s: float, exchange_id: str, now_s: float) -> Reading:
    """What is kept of this exchange."""
    at_s = began_at(exchange_id)
    if at_s is None:
        return Reading("absent")
    if at_s <= now_s - keep_s:
        return Reading("expired")
    state: ReadState = "absent"
    for path, begin_s, length_s in _files(folder):
        # A piece that lies in the file of another time was put there by somebody, to be kept for longer.
        if not begin_s <= at_s < begin_s + length_s:
            continue
        try:
            body = _find(path, secret, exchange_id)
        except Unsealable as failure:
            state = "wrong key" if failure.wrong_key and state == "absent" else "damaged"
        except FileNotFoundError:
            continue  # it has just become due
        else:
            if body is not None:
                return Reading("found", body)
    return Reading(state)


def _find(path: Path, secret: str, exchange_id: str) -> bytes | None:
    data = path.read_bytes()
    seal = Seal.of(secret, data)
    for piece in pieces(data):
        if piece.exchange_id == exchange_id:
            return seal.open(piece)
    return None
