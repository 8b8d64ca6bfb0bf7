"""The socket of a command that serves, and the signals that end it."""

from __future__ import annotations

import asyncio
import signal
import socket

import pytest
from tests.support.hands import breath

from tidegate.cli.serving import Reloads, bind, stop_on_signals, url_of
from tidegate.core.errors import Misconfigured
from tidegate.surfaces.serving import http_server


def test_a_free_port_is_bound_and_listened_on() -> None:
    with bind("127.0.0.1", 0) as listener:
        host, port = listener.getsockname()
        assert (host, port > 0) == ("127.0.0.1", True)
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass


def test_a_busy_port_names_itself_and_the_flag() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Misconfigured, match=rf"port {port} of 127\.0\.0\.1 is in use .*choose one with --port"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize("port", [-1, 65_536, 99_999])
def test_a_port_that_no_machine_has_names_the_flag(port: int) -> None:
    with pytest.raises(Misconfigured, match=f"--port: expected a number from 0 to 65535, not {port}"):
        bind("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "::zz"])
def test_a_host_that_is_not_ours_names_the_flags(host: str) -> None:
    with pytest.raises(Misconfigured, match=r"cannot listen on .* check --host and --port"):
        bind(host, 0)


async def test_a_first_signal_drains_and_a_second_one_does_not_wait() -> None:
    server, loop = http_server(None, drain_s=1), asyncio.get_running_loop()
    stop_on_signals(server)
    try:
        for expected in ((True, False), (True, True)):
            signal.raise_signal(signal.SIGTERM)
            for _ in range(20):  # turns of the loop
                await asyncio.sleep(0)
            assert (server.should_exit, server.force_exit) == expected
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def test_a_second_signal_ends_what_is_open_where_that_is_known_how() -> None:
    server, loop, ended = http_server(None, drain_s=1), asyncio.get_running_loop(), list[str]()
    stop_on_signals(server, lambda: ended.append("now"))
    try:
        for expected in ([], ["now"], ["now", "now"]):
            signal.raise_signal(signal.SIGINT)
            await breath()
            assert (server.should_exit, server.force_exit, ended) == (True, False, expected)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


class Reloading:
    """A reload that ends when it is told."""

    def __init__(self) -> None:
        self.began = 0
        self.go = asyncio.Event()

    async def __call__(self) -> None:
        self.began += 1
        await self.go.wait()


async def test_signals_during_a_reload_mean_one_more() -> None:
    one = Reloading()
    reloads = Reloads(one)
    for _ in range(3):
        reloads.ask()
        await breath()
    assert one.began == 1
    one.go.set()
    await breath()
    assert one.began == 2
    reloads.ask()
    await breath()
    assert one.began == 3


async def test_the_same_signal_from_a_terminal_that_has_gone_stops() -> None:
    one, stops, terminal = Reloading(), list[str](), [True]
    reloads = Reloads(one, hung_up=lambda: stops.append("stop"), is_on_terminal=lambda: terminal[0])
    reloads.ask()
    await breath()
    terminal[0] = False
    reloads.ask()
    await breath()
    assert (one.began, stops) == (1, ["stop"])
    await reloads.stop()
    never_had_one = Reloads(one, hung_up=lambda: stops.append("stop"), is_on_terminal=lambda: False)
    never_had_one.ask()
    await breath()
    assert (one.began, stops) == (2, ["stop"])
    await never_had_one.stop()


async def test_a_reload_under_way_ends_with_the_process() -> None:
    one = Reloading()
    reloads = Reloads(one)
    await reloads.stop()
    reloads.ask()
    reloads.ask()
    await breath()
    await reloads.stop()
    assert (one.began, asyncio.all_tasks()) == (1, {asyncio.current_task()})


async def test_a_hangup_asks_for_a_reload_where_there_is_that_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Reloading()
    one.go.set()
    reloads = Reloads(one)
    reloads.listen()
    try:
        signal.raise_signal(signal.SIGHUP)
        await breath()
        assert one.began == 1
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
    monkeypatch.delattr(signal, "SIGHUP")  # as on Windows
    reloads.listen()


def test_an_address_of_version_6_stands_in_brackets() -> None:
    assert url_of("127.0.0.1", 4242) == "http://127.0.0.1:4242"
    assert url_of("::1", 4242) == "http://[::1]:4242"
    assert url_of("127.0.0.1", 443, tls=True) == "https://127.0.0.1:443"
