"""The file of `tidegate sim --log`: one JSON line for each request when it is over, to be compared with a client's own books.

Nothing of what was asked or answered stands in it, unless bodies were asked for.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import orjson

from tidegate.core.errors import Misconfigured
from tidegate.simulator.seen import Seen, seen_view

_MODE = 0o600


class RequestLog:
    """Each line is written at once, by one system call: a kill loses none, and two simulators may share a file."""

    def __init__(self, descriptor: int, *, with_bodies: bool) -> None:
        self._descriptor = descriptor
        self._with_bodies = with_bodies

    def note(self, seen: Seen) -> None:
        line = seen_view(seen)
        if not self._with_bodies:
            del line["body"]
        os.write(self._descriptor, orjson.dumps(line) + b"\n")


@contextmanager
def request_log(path: Path, *, with_bodies: bool) -> Generator[RequestLog]:
    """Appends to the file, readable by its owner only."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _MODE)
    except OSError as error:
        raise Misconfigured(f"--log: {path} cannot be written ({error.strerror}); choose another file") from None
    try:
        yield RequestLog(descriptor, with_bodies=with_bodies)
    finally:
        os.close(descriptor)
