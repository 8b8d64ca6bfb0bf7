"""A client that leaves, in whatever way and at whatever moment: the backend is left too, and its slot is free for the next.

How long that takes is measured by `python -m tests.chaos.leaving`; here only that it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from queue import Empty
from time import monotonic
from typing import Any

import pytest
from tests.support.leaving import CONFIG, MOMENTS, PATIENCE_S, WAYS, WIRES, Client, Left, Moment, Way, Wire
from tests.support.process import Running, tidegate_up
from tests.support.upstreams import served


@pytest.fixture(scope="module")
def double() -> Generator[Left]:
    upstream = Left()
    with served(upstream):
        yield upstream


@pytest.fixture(scope="module")
def gateway(double: Left, tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    folder = tmp_path_factory.mktemp("leaves")
    with tidegate_up(folder, CONFIG.format(url=double.url), "--no-embedded") as running:
        yield running
        assert running.stop() == 0
    said = running.output.partition("Serving")[2].splitlines()[1:]
    assert said == ["Stopped; the ledger is written."], "nothing failed, and nothing was unexpected"


def slots(gateway: Running) -> dict[str, Any]:
    (backend,) = gateway.get("/-/status")[1]["backends"]
    return backend["slots"]


def until(gateway: Running, holds: Callable[[dict[str, Any]], bool]) -> None:
    deadline = monotonic() + PATIENCE_S
    while not holds(found := slots(gateway)):
        assert monotonic() < deadline, found


def is_served(gateway: Running, double: Left) -> None:
    """The next request has the one slot."""
    double.moment = None
    status, answer = gateway.post({"model": "double/m", "messages": [{"role": "user", "content": "And now?"}]})
    assert (status, answer["choices"][0]["message"]["content"]) == (200, "Hello there.")
    assert slots(gateway) | {"clients": {}} == {"used": 0, "total": 1, "waiting": 0, "clients": {}}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("wire", WIRES)
def test_the_backend_is_left_and_its_slot_is_free(
    gateway: Running, double: Left, wire: Wire, stream: bool, moment: Moment, way: Way
) -> None:
    double.moment = moment
    client = Client(gateway.port, wire, stream=stream)
    double.asked.get(timeout=PATIENCE_S)
    if stream and moment == "in the answer":
        assert b"200 OK" in client.read()
    with pytest.raises(Empty):
        double.left.get_nowait()
    client.leave(way)
    double.left.get(timeout=PATIENCE_S)
    is_served(gateway, double)
    client.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_who_leaves_the_line_is_never_sent(gateway: Running, double: Left, stream: bool, way: Way) -> None:
    double.moment = "before the first byte"
    first = Client(gateway.port, "chat", stream=stream)
    double.asked.get(timeout=PATIENCE_S)
    second = Client(gateway.port, "messages", stream=stream)
    until(gateway, lambda found: found["waiting"] == 1)
    second.leave(way)
    until(gateway, lambda found: found["waiting"] == 0)
    assert slots(gateway)["used"] == 1, "the first one is still at work"
    first.leave("closes")
    double.left.get(timeout=PATIENCE_S)
    is_served(gateway, double)
    with pytest.raises(Empty):
        double.asked.get_nowait()
    second.close()
    first.close()


def test_the_next_in_line_has_the_slot_of_who_left(gateway: Running, double: Left) -> None:
    double.moment = "in the answer"
    first = Client(gateway.port, "chat", stream=True)
    double.asked.get(timeout=PATIENCE_S)
    second = Client(gateway.port, "chat", stream=True)
    until(gateway, lambda found: found["waiting"] == 1)
    double.moment = None
    first.leave("resets")
    assert b"200 OK" in second.read()
    second.close()
    double.left.get(timeout=PATIENCE_S)
    is_served(gateway, double)
    first.close()
