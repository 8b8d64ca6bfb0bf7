"""The supervisor of the embedded engine: starts the child process, hands out its address, restarts it.

Lives in the gateway's process and event loop; the engine itself lives in the child (`backends/engine_child`), so
that a native crash costs its running answers and nothing else. Knows nothing of requests or HTTP, and never logs
what the child prints: it serves only as the reason of a failed start.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, cast
from urllib.parse import urlsplit

from tidegate.core.errors import BackendUnreachable

EngineState = Literal["stopped", "starting", "ready", "down", "failed"]

BACK_OFF_S = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STEADY_AFTER_S = 60.0
STOP_GRACE_S = 5.0

_TAIL_LINES = 20
_TAIL_LINE_BYTES = 400
_SECRET_NAMES = ("KEY", "TOKEN", "SECRET", "PASSWORD")
_LOG_PREFIX = re.compile(r"^[0-9.]+ [A-Z] +")


@dataclass(frozen=True, slots=True)
class EngineSettings:
    model_path: Path
    alias: str
    context_tokens: int
    slots: int
    threads: int
    template: str
    start_timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class EngineAddress:
    host: str
    port: int
    key: str = field(repr=False)


def default_threads() -> int:
    """One core stays free: with every core taken, a busy machine slows the engine down many times over."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, cores - 1)


def child_environment(environment: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environment.items() if not any(s in name.upper() for s in _SECRET_NAMES)}
    # OpenMP's spinning waits make a request some 20 times slower when all cores are busy (measured 2026-11-22).
    # The safe path keeps a json.py in the folder where tidegate was started from being imported.
    return kept | {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONSAFEPATH": "1"}


class EngineRole(Protocol):
    """The engine as its backend sees it: in this process, or in the steward's."""

    @property
    def state(self) -> EngineState: ...

    @property
    def last_error(self) -> str | None: ...

    @property
    def restarts(self) -> int: ...

    @property
    def pid(self) -> int | None: ...

    def start(self) -> None: ...

    async def address(self, timeout_s: float) -> EngineAddress:
        """Where it listens, waiting for a start or restart under way; else a BackendUnreachable that says why not."""
        ...

    async def stop(self) -> None: ...


def unreachable(state: EngineState, last_error: str | None, *, again: bool) -> BackendUnreachable:
    """`again`: it has been running before."""
    reason = f": {last_error}" if last_error else ""
    match state:
        case "failed":
            return BackendUnreachable(f"The embedded engine cannot run{reason}")
        case "stopped":
            return BackendUnreachable("The embedded engine is stopped")
        case _:
            doing = "restarting" if again or state == "down" else "still starting"
            return BackendUnreachable(f"The embedded engine is {doing}{reason}; try again in a few seconds")


class Engine:
    """One engine, kept running from `start` to `stop`."""

    def __init__(
        self,
        settings: EngineSettings,
        *,
        command: Sequence[str] = (sys.executable, "-m", "tidegate.backends.engine_child"),
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._command = tuple(command)
        self._wait = wait
        self._state: EngineState = "stopped"
        self._last_error: str | None = None
        self._starts = 0
        self._was_ready = False
        self._child: _Child | None = None
        self._address: EngineAddress | None = None
        self._settled = asyncio.Event()  # set in the states that need no waiting: ready, failed, stopped
        self._task: asyncio.Task[None] | None = None
        self.on_state: Callable[[], None] | None = None
        """Called after each change of state."""

    @property
    def state(self) -> EngineState:
        return self._state

    @property
    def last_error(self) -> str | None:
        return self._last_error

    @property
    def restarts(self) -> int:
        return max(0, self._starts - 1)

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def start(self) -> None:
        if self._task is None or self._task.done():
            self._enter("starting")
            self._starts = 0
            self._task = asyncio.get_running_loop().create_task(self._supervise(), name="embedded-engine")
            self._task.add_done_callback(self._supervisor_ended)

    async def address(self, timeout_s: float) -> EngineAddress:
        """Where the running engine listens, waiting for a start or restart under way."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._state in ("starting", "down"):
                    await self._settled.wait()
        if self._state == "ready" and self._address:
            return self._address
        raise unreachable(self._state, self._last_error, again=self.restarts > 0)

    @property
    def now_at(self) -> EngineAddress | None:
        """Where it listens at this moment, if it does."""
        return self._address if self._state == "ready" else None

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._enter("stopped")

    def _enter(self, state: EngineState) -> None:
        self._state = state
        if state in ("ready", "failed", "stopped"):
            self._settled.set()
        else:
            self._settled.clear()
        if self.on_state is not None:
            self.on_state()

    def _supervisor_ended(self, task: asyncio.Task[None]) -> None:
        """Nobody awaits the supervisor, so an error of its own must become a state here."""
        if not task.cancelled() and (error := task.exception()):
            self._last_error = f"its supervisor failed ({type(error).__name__}: {error})"
            self._enter("failed")

    async def _supervise(self) -> None:
        failures = 0
        while True:
            ready_s = 0.0
            try:
                ready_s = await self._run_once()
            except _StartFailed as failure:
                self._last_error = failure.reason
                if failure.permanent or (failure.refused and not self._was_ready):
                    self._enter("failed")
                    return
            if ready_s >= STEADY_AFTER_S:
                failures = 0
            self._enter("down")
            await self._wait(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])
            failures += 1

    async def _run_once(self) -> float:
        """One life of the child; the seconds for which it was ready."""
        clock = asyncio.get_running_loop().time
        self._enter("starting")
        self._starts += 1
        key = secrets.token_urlsafe(32)
        child = self._child = await _Child.spawn(self._command)
        try:
            host, port = await child.introduce(self._order(key), self._settings.start_timeout_s)
            self._address = EngineAddress(host, port, key)
            self._was_ready = True
            self._enter("ready")
            ready_since = clock()
            self._last_error = await child.ended()
            return clock() - ready_since
        finally:
            self._address = None
            if self._state == "ready":
                self._enter("down")
            await child.end()
            self._child = None

    def _order(self, key: str) -> dict[str, object]:
        settings = self._settings
        return {
            "model": str(settings.model_path),
            "alias": settings.alias,
            "context_tokens": settings.context_tokens,
            "slots": settings.slots,
            "threads": settings.threads,
            "template": settings.template,
            "key": key,
        }


class _StartFailed(Exception):
    """`refused`: the child said itself that it cannot start; `permanent`: and that it never will."""

    def __init__(self, reason: str, *, refused: bool = False, permanent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.refused = refused
        self.permanent = permanent


class _Child:
    """One child process, from its start to its end."""

    def __init__(self, process: Process) -> None:
        assert process.stdin and process.stdout and process.stderr
        self.pid = process.pid
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout
        self._tail = _Tail()
        self._drains = [asyncio.create_task(_drain(process.stderr, self._tail.feed))]

    @classmethod
    async def spawn(cls, command: Sequence[str]) -> _Child:
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=child_environment(dict(os.environ))
            )
        except OSError as error:
            raise _StartFailed(f"its process could not be started ({error.strerror})") from None
        return cls(process)

    async def introduce(self, order: dict[str, object], timeout_s: float) -> tuple[str, int]:
        """Send the order, await the address."""
        try:
            async with asyncio.timeout(timeout_s):
                # A child that is already dead is found by reading; its end says more than a broken pipe.
                with suppress(ConnectionError):
                    self._stdin.write(json.dumps(order).encode() + b"\n")
                    await self._stdin.drain()
                line = await self._stdout.readline()
                answer = _parse(line)
                if not line or "error" in answer:
                    end = await self.ended()
                    raise self._refusal(answer) if line else _StartFailed(self._with_tail(end, -1))
                return _loopback(answer)
        except TimeoutError:
            raise _StartFailed(f"it was not ready within {timeout_s:g} s") from None
        except ValueError:  # longer than the reader's limit, not JSON, or a port that is none
            raise _StartFailed("it did not answer with its address") from None
        finally:
            self._drains.append(asyncio.create_task(_drain(self._stdout)))

    async def ended(self) -> str:
        code = await self._process.wait()
        # The pipes reach their end together with the process, unless somebody else holds them.
        await asyncio.wait(self._drains, timeout=1.0)
        if code < 0:
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"its process ended with exit code {code}"

    async def end(self) -> None:
        """The end of its standard input is the order to stop; what does not obey is killed."""
        self._stdin.close()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_GRACE_S):
                    await self._process.wait()
        finally:
            if self._process.returncode is None:
                with suppress(ProcessLookupError):
                    self._process.kill()
            await self.ended()
            for drain in self._drains:
                drain.cancel()

    def _refusal(self, answer: dict[str, object]) -> _StartFailed:
        reason = self._with_tail(str(answer["error"]), 0)
        return _StartFailed(reason, refused=True, permanent=bool(answer.get("permanent")))

    def _with_tail(self, reason: str, index: int) -> str:
        """The engine names the cause first and its consequences after; a traceback names the cause last."""
        lines = self._tail.lines()
        return f"{reason} ({lines[index]})" if lines else reason


class _Tail:
    """The last lines of a text that may be endless, each cut to a bounded length."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque(maxlen=_TAIL_LINES)
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        *whole, rest = (self._rest + chunk).split(b"\n")
        self._lines.extend(line[:_TAIL_LINE_BYTES] for line in whole)
        self._rest = rest[:_TAIL_LINE_BYTES]

    def lines(self) -> list[str]:
        texts = (line.decode(errors="replace").strip() for line in (*self._lines, self._rest))
        return [_LOG_PREFIX.sub("", text) for text in texts if text]


async def _drain(reader: asyncio.StreamReader, feed: Callable[[bytes], None] = lambda chunk: None) -> None:
    while chunk := await reader.read(4096):
        feed(chunk)


def _parse(line: bytes) -> dict[str, object]:
    answer: Any = json.loads(line or b"{}")
    return cast("dict[str, object]", answer) if isinstance(answer, dict) else {}


def _loopback(answer: dict[str, object]) -> tuple[str, int]:
    address = urlsplit(str(answer.get("listening")))
    if address.hostname != "127.0.0.1" or not address.port:
        raise _StartFailed("it did not answer with an address on this machine")
    return address.hostname, address.port
