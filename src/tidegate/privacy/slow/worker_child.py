"""The child process of the two slow tiers: names and addresses, and texts like the operator's samples.

Run by `privacy/slow/workers` as `python -m tidegate.privacy.slow.worker_child`, because spaCy, jieba and a matrix library may be
slow, may hang or crash, and must not do so in the gateway. Frames (four bytes of length, then msgpack) come in on
standard input and go out on standard output; the end of standard input is the order to stop, and it also comes when the
gateway was killed. The child reaches no network, whatever a library tries, and neither prints nor logs any text.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import Protocol

import msgspec
from msgspec import Struct

from tidegate.core.findings import Finding

HEADER = struct.Struct(">I")
FRAME_LIMIT_BYTES = 256 * 1024 * 1024

_FORBIDDEN = frozenset(
    {
        "socket.__new__",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.sendto",
        "socket.bind",
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.fork",
    }
)


# -- what is said ------------------------------------------------------------------------------------------------------


class Kind(Struct, frozen=True):
    """One row of [[privacy.examples]]."""

    name: str
    folder: str
    threshold: float | None


class ExampleOrder(Struct, frozen=True):
    weights: str
    tokenizer: str
    kinds: tuple[Kind, ...]


class Order(Struct, frozen=True):
    """What to look for. `kept` is what an earlier child worked out at its start, so that the next one need not."""

    names: tuple[str, ...] = ()
    examples: ExampleOrder | None = None
    kept: bytes = b""


class Job(Struct, frozen=True):
    number: int
    texts: tuple[str, ...]
    budget_s: float


class Progress(Struct, frozen=True, tag="progress"):
    done: int
    total: int


class Ready(Struct, frozen=True, tag="ready"):
    kept: bytes = b""


class Refused(Struct, frozen=True, tag="refused"):
    """A start that cannot succeed; `reason` names the option to change and holds no text."""

    reason: str


class Found(Struct, frozen=True, tag="found"):
    number: int
    findings: tuple[tuple[Finding, ...], ...]


class Failed(Struct, frozen=True, tag="failed"):
    """`reason` is `over budget` or the type of an error, never its words: those can hold the text."""

    number: int
    reason: str


Said = Progress | Ready | Refused | Found | Failed


def frame(message: Struct) -> bytes:
    body = msgspec.msgpack.encode(message)
    return HEADER.pack(len(body)) + body


# -- the work ----------------------------------------------------------------------------------------------------------


class CannotStart(Exception):
    """Raised while detectors are built; the message is for the operator."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class OverBudget(Exception):
    """Raised between two windows of a text, when the time for the job is spent."""


class Detector(Protocol):
    def look(self, text: str, check: Callable[[], None]) -> Iterator[Finding]:
        """All findings of one text. `check` is called between windows and raises `OverBudget`."""
        ...


Build = Callable[[Order, Callable[[int, int], None]], tuple[Sequence[Detector], bytes]]


def build(order: Order, progress: Callable[[int, int], None]) -> tuple[Sequence[Detector], bytes]:
    """The detectors that the order names, and what the next child can be spared."""
    detectors: list[Detector] = []
    kept = b""
    if order.names:
        from tidegate.privacy.slow.names import name_detectors

        detectors += name_detectors(order.names)
    if order.examples is not None:
        from tidegate.privacy.slow.examples import example_detector

        detector, kept = example_detector(order.examples, order.kept, progress)
        detectors.append(detector)
    return detectors, kept


def answer(job: Job, detectors: Sequence[Detector], clock: Callable[[], float]) -> Found | Failed:
    end = clock() + job.budget_s

    def check() -> None:
        if clock() >= end:
            raise OverBudget

    try:
        return Found(job.number, tuple(_look(text, detectors, check) for text in job.texts))
    except OverBudget:
        return Failed(job.number, "over budget")
    except Exception as error:  # whatever a library raises: the request becomes private
        return Failed(job.number, type(error).__name__)


def _look(text: str, detectors: Sequence[Detector], check: Callable[[], None]) -> tuple[Finding, ...]:
    found: list[Finding] = []
    for detector in detectors:
        check()
        found += detector.look(text, check)
    return tuple(sorted(found, key=lambda finding: (finding.start, finding.end, finding.code)))


# -- the process -------------------------------------------------------------------------------------------------------


def main(build: Build = build) -> int:
    # Ctrl-C in a terminal reaches the whole process group; when to stop is the gateway's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answer_fd = os.dup(sys.stdout.fileno())
    # Whatever a library prints must not get into the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.addaudithook(_stay_offline)

    def say(message: Struct) -> None:
        _write(answer_fd, frame(message))

    frames: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.fileno(), frames.put), daemon=True).start()
    order = msgspec.msgpack.decode(frames.get(), type=Order)
    try:
        detectors, kept = build(order, lambda done, total: say(Progress(done, total)))
    except CannotStart as error:
        say(Refused(error.message))
        return 3
    say(Ready(kept))
    jobs = msgspec.msgpack.Decoder(Job)
    while True:
        say(answer(jobs.decode(frames.get()), detectors, time.monotonic))


def _stay_offline(event: str, _arguments: object) -> None:
    """The texts are what must not leave, and a hook cannot be taken back: no library here can phone anywhere."""
    if event in _FORBIDDEN:
        raise PermissionError(f"{event} is not for a process that reads private text")


def _listen(fd: int, take: Callable[[bytes], None]) -> None:
    """A thread of its own, so that the end of the input ends the process in the middle of a job too."""
    while header := _read(fd, HEADER.size):
        (length,) = HEADER.unpack(header)
        if length > FRAME_LIMIT_BYTES:
            break
        take(_read(fd, length))
    os._exit(0)


def _read(fd: int, length: int) -> bytes:
    """Exactly so many bytes, or none when the input ends before."""
    parts: list[bytes] = []
    while length:
        part = os.read(fd, min(length, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


if __name__ == "__main__":
    # The module under its own name, not under `__main__`: what the detectors raise must be what is caught here.
    from tidegate.privacy.slow import worker_child

    sys.exit(worker_child.main())
