"""A pool of child processes for the slow tiers: jobs in, findings out, and every kind of failure is an error.

Lives in the gateway's process and event loop; the looking itself is in `privacy/slow/worker_child`. A child that dies, hangs,
answers nonsense or exceeds its budget is killed and replaced, and its job raises `LookFailed`: the caller then makes the
request private. No text stands in an error, a log line or a process's arguments.
"""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from tidegate.core.errors import Misconfigured
from tidegate.core.findings import Finding
from tidegate.privacy.slow.worker_child import (
    FRAME_LIMIT_BYTES,
    HEADER,
    Failed,
    Found,
    Job,
    Order,
    Progress,
    Ready,
    Refused,
    Said,
    frame,
)

COMMAND = (sys.executable, "-m", "tidegate.privacy.slow.worker_child")
START_TIMEOUT_S = 300.0
GRACE_S = 1.0
PLACES = 64

_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
_OWN_VARIABLES = {
    # One thread for each child: on a busy machine the spinning waits of several cost more than they gain.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # The safe path keeps a spacy.py in the folder where tidegate was started from being imported.
    "PYTHONSAFEPATH": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONWARNINGS": "ignore",
}

_said: msgspec.msgpack.Decoder[Said] = msgspec.msgpack.Decoder(Said)


class LookFailed(Exception):
    """The slow tiers could not look at a text, so it must be taken for private; `reason` holds no text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def child_environment(environment: dict[str, str]) -> dict[str, str]:
    """Only what Python needs to start: no key of the gateway's is in a process that runs other people's models."""
    return {name: environment[name] for name in _KEPT_VARIABLES if name in environment} | _OWN_VARIABLES


@dataclass(slots=True)
class _Waiting:
    job: Job = field(repr=False)
    end: float
    answer: asyncio.Future[tuple[tuple[Finding, ...], ...]] = field(repr=False)

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Pool:
    """So many children, each with one job at a time. Children start at `start`, or else with the first job."""

    def __init__(
        self,
        order: Order,
        size: int,
        *,
        places: int = PLACES,
        command: Sequence[str] = COMMAND,
        start_timeout_s: float = START_TIMEOUT_S,
        grace_s: float = GRACE_S,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        self._order = order
        self._size = size
        self._command = tuple(command)
        self._start_timeout_s = start_timeout_s
        self._grace_s = grace_s
        self._progress = progress
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(places)
        self._tasks: list[asyncio.Task[None]] = []
        self._one_start = asyncio.Lock()
        self._places = [asyncio.Lock() for _ in range(size)]
        self._children: list[_Child | None] = [None] * size
        self._ending: set[asyncio.Task[None]] = set()
        self._number = 0
        self._stopped = False

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(child.pid for child in self._children if child is not None)

    async def start(self) -> None:
        """Start the children; `Misconfigured` if one says that it never can, `LookFailed` if one does not get ready."""
        self._stopped = False
        try:
            for place in range(self._size):
                await self._ready_child(place)
        except BaseException:
            await self.stop()
            raise
        self._begin()

    async def stop(self) -> None:
        self._stopped = True
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        while not self._queue.empty():
            self._queue.get_nowait().fail(LookFailed("the workers were stopped"))
        await asyncio.gather(*(self._drop(place) for place in range(self._size)))
        while self._ending:
            await asyncio.wait(self._ending)

    async def run(self, texts: Sequence[str], budget_s: float) -> list[tuple[Finding, ...]]:
        """What is in these texts, text by text; `LookFailed` when that is not known for certain within the budget."""
        loop = asyncio.get_running_loop()
        self._begin()
        self._number += 1
        job = Job(self._number, tuple(texts), budget_s)
        waiting = _Waiting(job, loop.time() + budget_s, loop.create_future())
        try:
            self._queue.put_nowait(waiting)
        except asyncio.QueueFull:
            raise LookFailed("too many texts wait for names and examples; raise [privacy] workers") from None
        try:
            async with asyncio.timeout_at(waiting.end):
                return list(await waiting.answer)
        except TimeoutError:
            raise LookFailed(f"names and examples took longer than [privacy] slow_budget_s ({budget_s:g} s)") from None

    def _begin(self) -> None:
        if self._stopped:
            raise LookFailed("the workers were stopped")
        if not self._tasks:
            loop = asyncio.get_running_loop()
            self._tasks = [loop.create_task(self._serve(place), name="privacy-worker") for place in range(self._size)]

    async def _serve(self, place: int) -> None:
        while True:
            waiting = await self._queue.get()
            if waiting.answer.done():  # its caller has gone, or its time is up
                continue
            try:
                await self._work(place, waiting)
            except asyncio.CancelledError:
                waiting.fail(LookFailed("the workers were stopped"))
                raise
            except Exception as error:  # of any kind: this loop must go on, or all later jobs would wait in vain
                waiting.fail(_as_failure(error))
                await self._replace(place)

    async def _work(self, place: int, waiting: _Waiting) -> None:
        child = await self._ready_child(place)
        left_s = waiting.end - asyncio.get_running_loop().time()
        said = await child.ask(replace(waiting.job, budget_s=left_s), left_s + self._grace_s)
        if isinstance(said, Failed):
            waiting.fail(LookFailed(f"looking for names and examples failed ({said.reason})"))
        elif not waiting.answer.done():
            waiting.answer.set_result(said.findings)

    async def _replace(self, place: int) -> None:
        """At once, not with the next job: a start takes seconds of that job's budget."""
        await self._drop(place)
        # A child that cannot start either is tried again by the next job, which then fails.
        with suppress(Exception):
            await self._ready_child(place)

    async def _ready_child(self, place: int) -> _Child:
        async with self._places[place]:  # a job may come while `start` is still at it
            child = self._children[place]
            if child is not None and not child.is_dead:
                return child
            await self._drop(place)
            async with self._one_start:  # the first one works out what the others are given
                child = self._children[place] = await self._spawn()
                try:
                    ready = await child.introduce(self._order, self._start_timeout_s, self._progress)
                except BaseException:
                    await self._drop(place)
                    raise
                self._order = replace(self._order, kept=ready.kept)
            return child

    async def _drop(self, place: int) -> None:
        child, self._children[place] = self._children[place], None
        if child is not None:
            await asyncio.shield(self._see_off(child.end()))

    async def _spawn(self) -> _Child:
        spawning = asyncio.create_task(_Child.spawn(self._command))
        try:
            return await asyncio.shield(spawning)
        except asyncio.CancelledError:
            self._see_off(_end_of(spawning))
            raise

    def _see_off(self, ending: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """A cancelled job must not leave a process behind: `stop` waits for these."""
        task = asyncio.create_task(ending)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        return task


class _Child:
    """One child process, from its start to its end."""

    def __init__(self, process: Process) -> None:
        assert process.stdin and process.stdout
        self.pid = process.pid
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout

    @property
    def is_dead(self) -> bool:
        return self._process.returncode is not None

    @classmethod
    async def spawn(cls, command: Sequence[str]) -> _Child:
        try:
            # What a library writes to standard error may quote the text it was given: nobody reads it.
            process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=child_environment(dict(os.environ))
            )
        except OSError as error:
            raise LookFailed(f"a worker process could not be started ({error.strerror})") from None
        return cls(process)

    async def introduce(self, order: Order, timeout_s: float, progress: Callable[[int, int], None]) -> Ready:
        try:
            async with asyncio.timeout(timeout_s):
                await self._write(frame(order))
                while True:
                    match await self._read():
                        case Progress(done, total):
                            progress(done, total)
                        case Refused(reason):
                            raise Misconfigured(reason)
                        case Ready() as ready:
                            return ready
                        case _:
                            raise LookFailed("a worker process answered before it was ready")
        except TimeoutError:
            raise LookFailed(f"a worker process was not ready within {timeout_s:g} s") from None

    async def ask(self, job: Job, timeout_s: float) -> Found | Failed:
        try:
            packed = frame(job)
        except UnicodeEncodeError:  # half a surrogate pair; the error would quote the text
            return Failed(job.number, "not Unicode")
        try:
            async with asyncio.timeout(timeout_s):
                await self._write(packed)
                said = await self._read()
        except TimeoutError:
            raise LookFailed("a worker process hung and was ended") from None
        match said:
            case Failed(number, _) if number == job.number:
                return said
            case Found(number, findings) if number == job.number and _fit(findings, job.texts):
                return said
            case _:
                raise LookFailed("a worker process answered nonsense")

    async def end(self) -> None:
        """Nothing in it needs saving, and a hung one would not obey anything milder."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
        self._stdin.close()
        await self._process.wait()
        with suppress(Exception):
            while await self._stdout.read(1 << 16):
                pass

    async def _write(self, data: bytes) -> None:
        # A child that is already dead is found by reading.
        with suppress(ConnectionError):
            self._stdin.write(data)
            await self._stdin.drain()

    async def _read(self) -> Said:
        try:
            (length,) = HEADER.unpack(await self._stdout.readexactly(HEADER.size))
            if length > FRAME_LIMIT_BYTES:
                raise LookFailed("a worker process answered nonsense")
            return _said.decode(await self._stdout.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            raise LookFailed("a worker process ended") from None
        except (msgspec.MsgspecError, struct.error, UnicodeDecodeError):
            raise LookFailed("a worker process answered nonsense") from None


async def _end_of(spawning: asyncio.Task[_Child]) -> None:
    with suppress(LookFailed):
        await (await spawning).end()


def _as_failure(error: Exception) -> LookFailed:
    match error:
        case LookFailed():
            return error
        case Misconfigured():
            return LookFailed(error.message)
        case _:  # its words may hold the text
            return LookFailed(f"a worker process could not be used ({type(error).__name__})")


def _fit(findings: tuple[tuple[Finding, ...], ...], texts: tuple[str, ...]) -> bool:
    """Whether the answer can be one to these texts: a list for each, and every finding inside its text."""
    return len(findings) == len(texts) and all(
        0 <= finding.start < finding.end <= len(text)
        for text, found in zip(texts, findings, strict=True)
        for finding in found
    )
