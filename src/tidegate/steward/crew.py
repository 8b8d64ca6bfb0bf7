"""The steward's workers: starts them on the listening socket, keeps them running, and tells them all the same thing.

The third supervisor of processes, and the only one of this package's files that opens sockets. A worker's socket to the
steward is one half of a pair: it has no name, so nobody else can take it, and its end is the worker's.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from tidegate.core.errors import Draining, GatewayError, Misconfigured
from tidegate.steward.link import Answers, Hears, Link
from tidegate.steward.orders import (
    ABANDON,
    BEGIN,
    COMMIT,
    CUT,
    DRAIN,
    FAILED,
    PING,
    PREPARE,
    READY,
    VIEW,
    Order,
    Prepared,
    Ready,
    WorkerView,
)

BACK_OFF_S = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STEADY_AFTER_S = 30.0
PING_S, PING_LIMIT_S = 5.0, 30.0
STOP_GRACE_S = 15.0
"""After the drain: to write the ledger and stop what a worker has started."""
_FIRST_TRIES = 3
_log = logging.getLogger("tidegate.steward")
State = Literal["down", "starting", "ready", "draining"]


@dataclass(slots=True)
class _Worker:
    number: int
    state: State = "down"
    link: Link | None = None
    process: Process | None = None
    since: float = 0.0
    ends: int = 0
    last_end: str | None = None
    told: Ready | None = None
    failed: str | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Crew:
    """`order` is what a worker begins with; `new_link` makes the steward's end of a link, with the words of the crew too."""

    def __init__(
        self,
        count: int,
        order: Order,
        *,
        command: Callable[[int, int], Sequence[str]],
        listener: socket.socket,
        new_link: Callable[[Answers, Hears], Link],
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        say: Callable[[str], None] = lambda link: None,
    ) -> None:
        """`command` starts a worker that finds its link and the listening socket at these two file descriptors."""
        self.order = order
        self._workers = [_Worker(number) for number in range(1, count + 1)]
        self._command = command
        self._listener = listener
        self._new_link = new_link
        self._wait = wait
        self._say = say
        self._stopping = False
        self._begins = asyncio.Lock()
        """Held while the configuration changes: nobody begins with the old one in that time."""
        self._tasks: list[asyncio.Task[None]] = []
        self._pauses: set[asyncio.Future[None]] = set()
        """Of workers that are to be started again."""

    async def start(self) -> Ready:
        """Returns when all serve. Raises where none can."""
        self._tasks = [asyncio.create_task(self._keep(worker)) for worker in self._workers]
        self._tasks.append(asyncio.create_task(self._look_after()))
        for worker in self._workers:
            while worker.told is None:
                await worker.changed.wait()
                worker.changed.clear()
                if worker.failed is not None:
                    raise Misconfigured(worker.failed)
                if worker.ends >= _FIRST_TRIES:
                    raise Misconfigured(f"the worker processes do not start: the last one ended with {worker.last_end}")
        return self._workers[0].told or Ready()

    def view(self) -> list[WorkerView]:
        return [
            WorkerView(
                one.number, one.state, one.process.pid if one.process else None, one.since, one.ends, one.last_end
            )
            for one in self._workers
        ]

    async def reload(self, config: bytes) -> Prepared:
        """All workers or none. Raises what the first one says that cannot, and then nothing has changed."""
        async with self._begins:
            for worker in self._workers:
                while worker.state == "starting":
                    await worker.changed.wait()
                    worker.changed.clear()
            links = [one.link for one in self._workers if one.state == "ready" and one.link is not None]
            found = await asyncio.gather(
                *(link.ask(PREPARE, config, Prepared) for link in links), return_exceptions=True
            )
            wrong = [
                one
                for link, one in zip(links, found, strict=True)
                if isinstance(one, BaseException) and not link.ended.is_set()
            ]
            if wrong:
                for link in links:
                    link.tell(ABANDON)
                raise wrong[0]
            self.order = msgspec.structs.replace(self.order, config=config, generation=self.order.generation + 1)
            for link in links:
                link.tell(COMMIT)
        return next((one for one in found if isinstance(one, Prepared)), Prepared())

    async def stop(self, drain_s: float) -> None:
        """Every worker ends its answers and itself; what does not within its time is killed."""
        self._stopping = True
        self._listener.close()  # else clients could still connect, and nobody would ever answer
        for worker in self._workers:
            if worker.link is not None:
                worker.link.tell(DRAIN)
            if worker.state == "ready":
                worker.state = "draining"
        if not self._tasks:
            return
        *keeping, looking = self._tasks
        looking.cancel()
        for task in self._pauses:
            task.cancel()
        await asyncio.wait(keeping, timeout=drain_s + STOP_GRACE_S)
        for worker in self._workers:
            self.kill(worker.link)
        await asyncio.wait(self._tasks)

    def cut(self) -> None:
        """A second signal: nobody waits for open answers any more."""
        for worker in self._workers:
            if worker.link is not None:
                worker.link.tell(CUT)

    def kill(self, link: Link | None) -> None:
        """One that does not do what it must."""
        for worker in self._workers:
            if worker.process is not None and worker.link is link and worker.process.returncode is None:
                with suppress(ProcessLookupError):
                    worker.process.kill()

    async def _keep(self, worker: _Worker) -> None:
        failures = 0
        while not self._stopping:
            lived_s = await self._run_once(worker)
            if self._stopping or (worker.failed is not None and worker.told is None):
                return
            worker.ends += 1
            worker.changed.set()
            _log.warning("worker %d ended (%s) and is started again", worker.number, worker.last_end)
            failures = 0 if lived_s >= STEADY_AFTER_S else failures + 1
            await self._pause(BACK_OFF_S[min(max(failures - 1, 0), len(BACK_OFF_S) - 1)])

    async def _pause(self, seconds: float) -> None:
        """Before the next start; the stop does not wait for it."""
        pause = asyncio.ensure_future(self._wait(seconds))
        self._pauses.add(pause)
        await asyncio.wait((pause,))
        self._pauses.discard(pause)

    async def _run_once(self, worker: _Worker) -> float:
        """One life of a worker; the seconds that it took."""
        began = asyncio.get_running_loop().time()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                fds = (theirs.fileno(), self._listener.fileno())
                process = await asyncio.create_subprocess_exec(*self._command(*fds), stdin=DEVNULL, pass_fds=fds)
        except OSError as error:
            ours.close()
            worker.last_end = f"it could not be started ({error.strerror})"
            return 0.0
        worker.process, worker.state, worker.since = process, "starting", time.time()
        link = worker.link = self._new_link(*self._words(worker))
        await asyncio.get_running_loop().create_unix_connection(lambda: link, sock=ours)
        try:
            code = await process.wait()
            worker.last_end = _end(code)
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
            link.close()
            worker.link, worker.process, worker.state = None, None, "down"
            worker.changed.set()
        return asyncio.get_running_loop().time() - began

    def _words(self, worker: _Worker) -> tuple[Answers, Hears]:
        async def begin(_link: Link, _number: int, _value: Any) -> Order:
            async with self._begins:
                if self._stopping:
                    raise Draining("the gateway is being stopped")
                return msgspec.structs.replace(self.order, number=worker.number)

        async def view(_link: Link, _number: int, _value: Any) -> list[WorkerView]:
            return self.view()

        def ready(_link: Link, value: Any) -> None:
            worker.told, worker.state, worker.failed = msgspec.convert(value, Ready), "ready", None
            worker.changed.set()

        def failed(_link: Link, value: Any) -> None:
            worker.failed = str(value)
            worker.changed.set()

        return {BEGIN: begin, VIEW: view}, {READY: ready, FAILED: failed}

    async def _look_after(self) -> None:
        """A worker whose loop stands still keeps places and conversations waiting: it is ended, and so they are free."""
        while True:
            await self._wait(PING_S)
            await asyncio.gather(*(self._ping(one) for one in self._workers if one.state == "ready"))

    async def _ping(self, worker: _Worker) -> None:
        link = worker.link
        if link is None:
            return
        try:
            async with asyncio.timeout(PING_LIMIT_S):
                await link.ask(PING)
        except TimeoutError:
            _log.error("worker %d does not answer any more and is ended", worker.number)
            self.kill(link)
        except GatewayError:
            pass


def _end(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
