"""The crew with scripted workers in real processes: started on one socket, started again when they end, told all the same."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tidegate.core.errors import Misconfigured
from tidegate.resilience.lanes import OwnLanes
from tidegate.steward.crew import Crew
from tidegate.steward.orders import Order, Ready
from tidegate.steward.steward import Steward

PATIENCE_S = 60.0

# argv: what to do, the link's descriptor, the listening one. It takes a connection and says its number, or does as told.
CHILD = r"""
import asyncio, os, signal, socket, sys
from tidegate.core.errors import Misconfigured
from tidegate.steward.link import Link
from tidegate.steward.orders import *
act, link_fd, listener_fd = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if act == "crash":
    os._exit(3)

async def main():
    loop, done, config = asyncio.get_running_loop(), asyncio.Event(), b"none"
    async def prepare(link, number, value):
        nonlocal prepared
        if value == b"bad" or (value == b"bad for 2" and order.number == 2):
            raise Misconfigured("no such option")
        if value == b"dies in 2" and order.number == 2:
            os._exit(4)
        prepared = value
        return Prepared(("[server] port",))
    async def ping(link, number, value):
        if act == "deaf":
            await asyncio.Event().wait()
    def commit(link, value):
        nonlocal config
        config = prepared
    def drain(link, value):
        if act != "stubborn":
            done.set()
    prepared = None
    link = Link({PREPARE: prepare, PING: ping}, {COMMIT: commit, DRAIN: drain, CUT: lambda link, value: os._exit(0)})
    await loop.create_unix_connection(lambda: link, sock=socket.socket(fileno=link_fd))
    order = await link.ask(BEGIN, kind=Order)
    config = order.config
    if act == "refuses":
        link.tell(FAILED, "the option is wrong")
        await asyncio.sleep(0.1)
        return
    listener = socket.socket(fileno=listener_fd)
    async def serve(reader, writer):
        writer.write(f"{order.number} {config.decode()}".encode())
        writer.close()
    server = await asyncio.start_server(serve, sock=listener)
    link.tell(READY, Ready((f"worker {order.number}",)))
    ended = asyncio.create_task(link.ended.wait())
    await asyncio.wait((asyncio.create_task(done.wait()), ended), return_when=asyncio.FIRST_COMPLETED)
    os._exit(0)

asyncio.run(main())
"""


class House:
    def __init__(self, folder: Path, act: str, count: int) -> None:
        script = folder / "child.py"
        script.write_text(CHILD)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.steward = Steward(OwnLanes())
        self.waits: list[float] = []
        self.crew = Crew(
            count,
            Order(0, b"first", None, None),
            command=lambda link, listening: (sys.executable, str(script), act, str(link), str(listening)),
            listener=self.listener,
            new_link=self.steward.new_link,
            wait=self.wait,
        )
        self.steward.end_worker = self.crew.kill
        self.looks = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Nobody waits, but the look after the workers comes when a test says so."""
        self.waits.append(seconds)
        if seconds == 5.0 and not self.looks.is_set():
            await self.looks.wait()
        self.looks.clear()
        await asyncio.sleep(0.01)

    async def ask(self) -> str:
        reader, writer = await asyncio.open_connection(*self.listener.getsockname())
        said = (await reader.read()).decode()
        writer.close()
        return said

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def house(folder: Path, act: str = "serves", count: int = 2) -> AsyncIterator[House]:
    made = House(folder, act, count)
    try:
        yield made
    finally:
        await made.crew.stop(0.0)
        made.listener.close()


async def test_all_serve_on_one_socket_and_the_first_says_what_there_is(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        assert await made.crew.start() == Ready(("worker 1",))
        assert [(one.number, one.state, one.ends) for one in made.crew.view()] == [(1, "ready", 0), (2, "ready", 0)]
        assert (await made.ask()).endswith("first")
    assert [one.state for one in made.crew.view()] == ["down", "down"]


async def test_a_worker_that_is_killed_is_started_again_and_the_other_goes_on(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.crew.start()
        killed = made.crew.view()[0].pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        await made.until(lambda: made.crew.view()[0].state == "ready" and made.crew.view()[0].pid != killed)
        first, second = made.crew.view()
        assert (first.ends, first.last_end, second.ends) == (1, "signal SIGKILL", 0)
        assert len(made.steward.links) == 2


async def test_one_that_does_not_answer_is_killed_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.steward.crew.PING_LIMIT_S", 0.01)
    async with house(tmp_path, "deaf", 1) as made:
        await made.crew.start()
        made.looks.set()
        await made.until(lambda: made.crew.view()[0].ends == 1)
        assert made.crew.view()[0].last_end == "signal SIGKILL"


async def test_a_configuration_is_taken_by_all(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.crew.start()
        assert (await made.crew.reload(b"second")).waits == ("[server] port",)
        assert {(await made.ask()).split()[1] for _ in range(8)} == {"second"}
        assert (made.crew.order.config, made.crew.order.generation) == (b"second", 2)


@pytest.mark.parametrize("config", [b"bad", b"bad for 2"])
async def test_what_one_cannot_take_nobody_takes(tmp_path: Path, config: bytes) -> None:
    async with house(tmp_path) as made:
        await made.crew.start()
        with pytest.raises(Misconfigured, match="no such option"):
            await made.crew.reload(config)
        assert {(await made.ask()).split()[1] for _ in range(8)} == {"first"}
        assert (made.crew.order.config, made.crew.order.generation) == (b"first", 1)


async def test_one_that_dies_while_it_prepares_comes_back_with_the_new_one(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.crew.start()
        await made.crew.reload(b"dies in 2")
        await made.until(lambda: [(one.state, one.ends) for one in made.crew.view()] == [("ready", 0), ("ready", 1)])
        assert {(await made.ask()).split(maxsplit=1)[1] for _ in range(8)} == {"dies in 2"}


async def test_what_cannot_be_served_is_said_once_and_nothing_starts_again(tmp_path: Path) -> None:
    async with house(tmp_path, "refuses") as made:
        with pytest.raises(Misconfigured, match="the option is wrong"):
            await made.crew.start()


async def test_workers_that_never_come_up_end_the_start(tmp_path: Path) -> None:
    async with house(tmp_path, "crash", 1) as made:
        with pytest.raises(Misconfigured, match="exit code 3"):
            await made.crew.start()
    assert [wait for wait in made.waits if wait != 5.0][:2] == [0.0, 0.5]


async def test_one_that_does_not_end_in_its_time_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.steward.crew.STOP_GRACE_S", 0.1)
    async with house(tmp_path, "stubborn", 1) as made:
        await made.crew.start()
        await made.crew.stop(0.0)
        assert made.crew.view()[0].last_end == "signal SIGKILL"
        made.crew._tasks = []


async def test_a_second_signal_waits_for_nobody(tmp_path: Path) -> None:
    async with house(tmp_path, "stubborn", 2) as made:
        await made.crew.start()
        stopping = asyncio.create_task(made.crew.stop(60.0))
        await asyncio.sleep(0)
        made.crew.cut()
        await stopping
        assert [one.last_end for one in made.crew.view()] == ["exit code 0"] * 2
        made.crew._tasks = []
