"""What commands that serve have in common: the socket before anything else, the loop, and the signals that end it."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from tidegate.cli.crash import watch
from tidegate.core.errors import Misconfigured
from tidegate.surfaces.serving import HttpServer

_LAST_PORT = 65_535


def bind(host: str, port: int) -> socket.socket:
    """The listening socket, before anything else is started."""
    if not 0 <= port <= _LAST_PORT:
        raise Misconfigured(f"--port: expected a number from 0 to {_LAST_PORT}, not {port}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)  # from here on a client can connect, and waits until we serve
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise Misconfigured(
                f"port {port} of {host} is in use (another Tidegate? see `tidegate status`); choose one with --port"
            ) from None
        raise Misconfigured(f"cannot listen on {host} port {port}: {error.strerror}; check --host and --port") from None
    return listener


def run(main: Any) -> None:
    try:
        import uvloop

        factory: Any = uvloop.new_event_loop
    except ImportError:  # Windows has none
        factory = None
    with asyncio.Runner(loop_factory=factory) as runner:
        watch(runner.get_loop())
        runner.run(main)


def stop_on_signals(server: HttpServer, at_once: Callable[[], object] | None = None) -> Callable[[], None]:
    """The first signal drains, a second one does not wait. `at_once` ends what is open then. Gives what a signal calls."""

    def stop() -> None:
        if server.should_exit and at_once is not None:
            at_once()
        elif server.should_exit:
            server.force_exit = True
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    return stop


class Reloads:
    """On SIGHUP one reload after the other. A signal during one means one more: the file may have changed since it was read.

    The same signal says that the terminal has gone, to a gateway that was started on one: then it is to stop."""

    def __init__(
        self,
        reload: Callable[[], Awaitable[None]],
        hung_up: Callable[[], object] = lambda: None,
        is_on_terminal: Callable[[], bool] = lambda: os.isatty(2),
    ) -> None:
        """`reload` does not raise; `hung_up` is called when the terminal has gone."""
        self._reload = reload
        self._hung_up = hung_up
        self._is_on_terminal = is_on_terminal
        self._began_on_terminal = is_on_terminal()
        self._again = False
        self._task: asyncio.Task[None] | None = None

    def listen(self) -> None:
        if (number := getattr(signal, "SIGHUP", None)) is not None:  # Windows has none
            asyncio.get_running_loop().add_signal_handler(number, self.ask)

    def ask(self) -> None:
        if self._began_on_terminal and not self._is_on_terminal():
            self._hung_up()
            return
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._again:
            self._again = False
            await self._reload()

    async def stop(self) -> None:
        self._again = False
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task


def url_of(host: str, port: int, *, tls: bool = False) -> str:
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
