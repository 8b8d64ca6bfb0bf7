"""What commands that serve have in common: the socket before anything else, the loop, and the signals that end it."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
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


def stop_on_signals(server: HttpServer) -> None:
    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


def url_of(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
