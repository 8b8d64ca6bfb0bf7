"""The child's own program: the network refused, the budget kept between windows, errors without their words, its end."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tidegate.core.errors import Misconfigured
from tidegate.core.findings import Finding
from tidegate.privacy.slow.worker_child import Failed, Found, Job, Order, answer
from tidegate.privacy.slow.workers import LookFailed, Pool

PATIENCE_S = 60.0

# The real program around a detector of our own: what it does is the text.
STAND_IN = r"""
import os, socket, subprocess, sys, threading, urllib.request
from tidegate.core.findings import Finding
from tidegate.privacy.slow import worker_child
class Detector:
    def look(self, text, check):
        match text:
            case "connect":
                socket.create_connection(("127.0.0.1", 9))
            case "resolve":
                socket.getaddrinfo("example.org", 443)
            case "fetch":
                urllib.request.urlopen("http://127.0.0.1:9/")
            case "shell":
                os.system("true")
            case "spawn":
                subprocess.run(["true"])
            case "print":
                print("native output", text, flush=True)
            case "wait":
                held = open(sys.argv[1], "w")
                threading.Event().wait()
        yield Finding("SEN085", "name", 0, len(text))
def build(order, progress):
    if sys.argv[1] == "refuse":
        raise worker_child.CannotStart("[privacy] names needs spacy")
    return [Detector()], b""
sys.exit(worker_child.main(build))
"""


class Scripted:
    """Finds one name in each text, after so many windows."""

    def __init__(self, windows: int, error: Exception | None = None) -> None:
        self.windows, self.error = windows, error

    def look(self, text: str, check: Callable[[], None]) -> Iterator[Finding]:
        for _ in range(self.windows):
            check()
        if self.error:
            raise self.error
        yield Finding("SEN085", "name", 0, len(text))


def test_findings_are_sorted_and_of_all_detectors() -> None:
    job = Job(7, ("Ada", "Grace"), 5.0)
    said = answer(job, [Scripted(1), Scripted(2)], lambda: 0.0)
    ada, grace = Finding("SEN085", "name", 0, 3), Finding("SEN085", "name", 0, 5)
    assert said == Found(7, ((ada, ada), (grace, grace)))


def test_a_job_gives_up_between_two_windows() -> None:
    ticks = itertools.count()
    assert answer(Job(7, ("Ada",), 5.0), [Scripted(100)], lambda: float(next(ticks))) == Failed(7, "over budget")


def test_an_error_gives_its_type_and_not_its_words() -> None:
    assert answer(Job(7, ("Ada",), 5.0), [Scripted(1, ValueError("Ada"))], lambda: 0.0) == Failed(7, "ValueError")


@pytest.mark.parametrize("attempt", ["connect", "resolve", "fetch", "shell", "spawn"])
async def test_no_library_reaches_the_network_or_starts_a_program(attempt: str) -> None:
    pool = Pool(Order(), 1, command=(sys.executable, "-c", STAND_IN, "run"))
    try:
        with pytest.raises(LookFailed, match=r"PermissionError|URLError"):
            await pool.run([attempt], PATIENCE_S)
        assert len(await pool.run(["print"], PATIENCE_S)) == 1
    finally:
        await pool.stop()


async def test_a_refused_start_comes_with_its_reason() -> None:
    with pytest.raises(Misconfigured, match="needs spacy"):
        await Pool(Order(), 1, command=(sys.executable, "-c", STAND_IN, "refuse")).start()


def test_no_orphan_when_the_parent_is_killed(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    program = """
import asyncio, sys
from tidegate.privacy.slow.worker_child import Order
from tidegate.privacy.slow.workers import Pool
pool = Pool(Order(), 1, command=(sys.executable, "-c", sys.argv[1], sys.argv[2]))
asyncio.run(pool.run(["wait"], 600.0))
"""
    parent = subprocess.Popen([sys.executable, "-c", program, STAND_IN, str(fifo)])
    with fifo.open() as held:  # opens when the child is in the middle of its job
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert held.read() == ""  # ends when nobody holds the other side: the child is gone


def test_the_child_program_imports_little_before_it_is_told() -> None:
    listing = "import sys, tidegate.privacy.slow.worker_child; print(*sys.modules)"
    names = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True).stdout.split()
    assert not {"asyncio", "numpy", "spacy", "jieba", "presidio_analyzer", "socket", "logging"} & set(names)


async def test_many_texts_pass_through_the_pipe() -> None:
    pool = Pool(Order(), 1, command=(sys.executable, "-c", STAND_IN, "run"))
    try:
        texts = ["x" * 300_000, "名" * 300_000]
        found = await asyncio.wait_for(pool.run(texts, PATIENCE_S), PATIENCE_S)
        assert [finding.end for (finding,) in found] == [300_000, 300_000]
    finally:
        await pool.stop()
