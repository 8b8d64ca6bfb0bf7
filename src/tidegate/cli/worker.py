"""One of several processes that answer: `python -m tidegate.cli.worker`, started by the steward and by nobody else.

It finds the listening socket and its link to the steward at two file descriptors. All it serves with comes over the link:
the configuration as the steward read it. When the link ends it stops at once: alone it knows neither the limits nor what
is private.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from tidegate.app import App
from tidegate.app.reload import Prepared, Running, Source
from tidegate.app.shared import SharedKept
from tidegate.cli.crash import say_no_content
from tidegate.cli.places import state_folder
from tidegate.cli.serving import run, url_of
from tidegate.cli.up import STOP_S, announcement, calm_collector, drain, print_exchanges, slow_of
from tidegate.config import Config
from tidegate.core.errors import GatewayError, Misconfigured
from tidegate.steward.link import Link
from tidegate.steward.orders import ABANDON, BEGIN, COMMIT, CUT, DRAIN, FAILED, PING, PREPARE, READY, Order, Ready
from tidegate.steward.orders import Prepared as Waits
from tidegate.surfaces.serving import HttpServer, http_server

ALONE_LIMIT_S = 10.0
"""Without its steward a worker is gone after this, whatever holds it."""


class Worker:
    def __init__(self, link: Link, listener: socket.socket) -> None:
        self._link = link
        self._listener = listener
        self._next = Config()
        self._prepared: Prepared | None = None
        self._running: Running | None = None
        self._server: HttpServer | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._told_to_stop = False
        link.learn({PREPARE: self._prepare, PING: _pong}, hears=[self._hears()])

    async def serve(self) -> int:
        """To its end. Says the steward that it serves, or why it cannot."""
        order = await self._link.ask(BEGIN, kind=Order)
        try:
            app = self._app(order)
        except Misconfigured as error:
            self._link.tell(FAILED, error.message)
            return 2
        try:
            await app.start(print_exchanges if sys.stderr.isatty() else None)
            await self._serve(app, order)
        except Misconfigured as error:
            self._link.tell(FAILED, error.message)
            return 2
        finally:
            await (app if self._running is None else self._running).stop()
        return 0

    def _app(self, order: Order) -> App:
        self._next = config = msgspec.msgpack.decode(order.config, type=Config)
        state, model = state_folder(), None if order.model is None else Path(order.model)
        kept = SharedKept(
            config, state, self._link, number=order.number, has_engine=config.embedded.enabled and model is not None
        )
        kept.generation = order.generation
        slow = slow_of(config.privacy)
        return App(config, os.environ, state, model, slow, file=_path(order.file), kept=kept)

    async def _serve(self, app: App, order: Order) -> None:
        kept = app.kept
        assert isinstance(kept, SharedKept)
        await kept.begin()
        source = Source(_path(order.file), lambda: self._next, slow_of, os.environ, state_folder())
        self._running = running = Running(app, source)
        self._server = server = http_server(running.asgi, drain_s=STOP_S, tls=running.tls and running.tls.context)
        server.drain = partial(drain, running)
        calm_collector()
        serving = asyncio.create_task(server.serve(sockets=[self._listener]))
        url = url_of(*self._listener.getsockname()[:2], tls=app.certificate is not None)
        self._link.tell(READY, Ready(tuple(announcement(app, app.config, url, _path(order.file)))))
        if self._told_to_stop:
            self.stop()
        await serving

    def stop(self) -> None:
        self._told_to_stop = True
        if self._server is not None:
            self._server.should_exit = True

    def cut(self) -> None:
        """What is open ends now."""
        self.stop()
        if self._running is not None:
            self._running.asgi.drain.cut_open()

    def _hears(self) -> dict[str, Any]:
        return {
            DRAIN: lambda _link, _value: self.stop(),
            CUT: lambda _link, _value: self.cut(),
            COMMIT: lambda _link, _value: self._commit(),
            ABANDON: lambda _link, _value: self._abandon(),
        }

    async def _prepare(self, _link: Link, _number: int, value: Any) -> Waits:
        assert self._running is not None
        self._next = msgspec.msgpack.decode(value, type=Config)
        self._prepared = await self._running.prepare()
        return Waits(self._prepared.waits)

    def _commit(self) -> None:
        prepared, self._prepared = self._prepared, None
        if prepared is not None and self._running is not None:
            self._running.commit(prepared)

    def _abandon(self) -> None:
        prepared, self._prepared = self._prepared, None
        if prepared is not None and self._running is not None:
            task = asyncio.create_task(self._running.abandon(prepared))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _pong(_link: Link, _number: int, _value: Any) -> None:
    return None


def _path(written: str | None) -> Path | None:
    return None if written is None else Path(written)


async def _work(link_fd: int, listener_fd: int) -> int:
    loop = asyncio.get_running_loop()
    link = Link({}, {})
    worker = Worker(link, socket.socket(fileno=listener_fd))
    for number in (signal.SIGINT, signal.SIGHUP):  # meant for the steward, which tells all
        loop.add_signal_handler(number, lambda: None)
    loop.add_signal_handler(signal.SIGTERM, worker.stop)
    await loop.create_unix_connection(lambda: link, sock=socket.socket(fileno=link_fd))

    async def alone() -> None:
        await link.ended.wait()
        loop.call_later(ALONE_LIMIT_S, os._exit, 1)
        worker.cut()

    watching = asyncio.create_task(alone())
    try:
        return await worker.serve()
    except GatewayError:  # the steward has gone before it served
        return 1
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        link.close()


def main() -> None:
    link_fd, listener_fd = (int(word) for word in sys.argv[1:3])
    say_no_content()
    code = 1

    async def work() -> None:
        nonlocal code
        code = await _work(link_fd, listener_fd)

    run(work())
    sys.exit(code)


if __name__ == "__main__":
    main()
