"""The registry: order of preference, runtimes that come and go, a snapshot that changes only when something did."""

from __future__ import annotations

import asyncio
from typing import Any

from tidegate.backends.base import Endpoint
from tidegate.backends.fake import FakeBackend
from tidegate.backends.http import HttpBackend
from tidegate.backends.registry import Registry
from tidegate.backends.transport import Transport
from tidegate.core.boundary import DEFAULT_ACCEPTS, Boundary
from tidegate.core.decision import Health
from tidegate.dialects.generic import GENERIC


class Finds:
    """Stands in for the probe: finds what it is told to, as fresh objects each time, as the probe does."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.boundary = Boundary.DEVICE
        self.looks = 0

    async def find(self) -> list[HttpBackend]:
        self.looks += 1
        return [found(name, self.boundary) for name in self.names]


def found(name: str, boundary: Boundary) -> HttpBackend:
    place = Endpoint(name=name, boundary=boundary, accepts=DEFAULT_ACCEPTS[boundary], host="127.0.0.1", port=1)
    return HttpBackend(Transport(), place, GENERIC, ("m",), watcher=None)


class Changing(FakeBackend):
    """Counts the looks at it and takes another health when told."""

    def __init__(self, name: str, healths: tuple[Health, ...] = ("up",)) -> None:
        super().__init__(name)
        self.healths = list(healths)
        self.looks = 0
        self.seen_twice = asyncio.Event()

    async def refresh(self) -> None:
        self.looks += 1
        if self.looks >= 2:
            self.seen_twice.set()
        if self.healths:
            self._view = FakeBackend(self.name, health=self.healths.pop(0)).view


def registry(*, configured: tuple[str, ...] = (), last: tuple[str, ...] = (), probe: Any = None) -> Registry:
    return Registry([FakeBackend(name) for name in configured], [FakeBackend(name) for name in last], probe=probe)


def names(one: Registry) -> list[str]:
    return [view.name for view in one.snapshot().backends]


async def test_the_order_is_configured_found_last() -> None:
    one = registry(configured=("b", "a"), last=("deepseek", "embedded"), probe=Finds("vllm", "llamacpp"))
    await one.refresh()
    assert names(one) == ["b", "a", "vllm", "llamacpp", "deepseek", "embedded"]


async def test_found_runtimes_come_and_go_and_keep_their_object() -> None:
    finds = Finds("vllm")
    one = registry(configured=("a",), probe=finds)
    assert names(one) == ["a"]
    await one.refresh()
    first = one.find("vllm")
    assert first is not None
    finds.names = ("llamacpp", "vllm")
    await one.refresh()
    assert names(one) == ["a", "llamacpp", "vllm"]
    assert one.find("vllm") is first
    finds.names = ()
    await one.refresh()
    assert (names(one), one.find("vllm")) == (["a"], None)
    finds.names = ("vllm",)
    await one.refresh()
    assert one.find("vllm") is not first


async def test_a_found_runtime_that_lost_its_trust_is_another_backend() -> None:
    finds = Finds("ollama")
    one = registry(probe=finds)
    await one.refresh()
    trusted = one.find("ollama")
    finds.boundary = Boundary.EXTERNAL
    await one.refresh()
    (view,) = one.snapshot().backends
    assert view.boundary is Boundary.EXTERNAL
    assert one.find("ollama") is not trusted


async def test_a_found_runtime_never_takes_the_name_of_a_configured_one() -> None:
    one = registry(configured=("vllm",), last=("ollama",), probe=Finds("vllm", "ollama", "sglang"))
    mine = one.find("vllm"), one.find("ollama")
    await one.refresh()
    assert names(one) == ["vllm", "sglang", "ollama"]
    assert (one.find("vllm"), one.find("ollama")) == mine


def test_an_unknown_name_is_nobody() -> None:
    assert registry(configured=("a",)).find("A") is None
    assert registry().snapshot().backends == ()


async def test_the_snapshot_is_the_same_object_while_nothing_changes() -> None:
    one = registry(configured=("a",), probe=Finds("vllm"))
    before = one.snapshot()
    await one.refresh()
    after = one.snapshot()
    assert before is not after
    await one.refresh()
    assert one.snapshot() is after


async def test_the_snapshot_is_new_when_a_health_changed() -> None:
    one = Registry([Changing("a", ("down", "down", "up"))])
    seen = [one.snapshot()]
    for _ in range(3):
        await one.refresh()
        seen.append(one.snapshot())
    up, down, still_down, up_again = seen
    assert down is still_down
    assert [snapshot.backends[0].health for snapshot in (up, down, up_again)] == ["up", "down", "up"]


async def test_every_backend_is_looked_at() -> None:
    configured, last = Changing("a"), Changing("z")
    one = Registry([configured], [last])
    await one.refresh()
    assert (configured.looks, last.looks) == (1, 1)


async def test_starting_looks_at_once_and_keeps_looking_until_stopped() -> None:
    backend, finds = Changing("a"), Finds()
    one = Registry([backend], probe=finds, interval_s=0.001)  # type: ignore[arg-type]
    await one.start()
    assert backend.looks >= 1
    await backend.seen_twice.wait()
    await one.stop()
    assert finds.looks >= 2
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_stopping_what_was_never_started_is_fine() -> None:
    await registry(configured=("a",)).stop()


async def test_what_backends_can_do_is_learned_beside_the_traffic_one_after_the_other() -> None:
    begun: list[str] = []
    go_on = asyncio.Event()

    async def learn(backend: HttpBackend) -> None:
        begun.append(backend.name)
        await go_on.wait()

    boxes = [found(name, Boundary.DEVICE) for name in ("a", "b")]
    one = Registry([*boxes, FakeBackend("fake")], learn=learn)
    await one.refresh()
    await asyncio.sleep(0)
    assert begun == ["a"], "refresh does not wait for it"
    await one.refresh()
    assert begun == ["a"], "and does not begin it twice"
    go_on.set()
    await one.learned()
    assert begun == ["a", "b"]


async def test_learning_ends_with_the_registry() -> None:
    stopped: list[str] = []

    async def learn(backend: HttpBackend) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.append(backend.name)
            raise

    one = Registry([found("a", Boundary.DEVICE)], learn=learn)
    await one.start()
    await asyncio.sleep(0)
    await one.stop()
    assert stopped == ["a"]


async def test_who_was_away_and_answers_a_look_is_told_once() -> None:
    found_again: list[str] = []
    one = Registry(
        [
            Changing("comes back", ("down", "up", "up")),
            Changing("stays away", ("down", "down", "down")),
            Changing("gets a chance", ("down", "unknown", "up")),
            Changing("was there", ("up", "up", "up")),
            Changing("starts", ("starting", "up", "up")),
        ]
    )
    one.on_found_again = found_again.append
    for _ in range(3):
        await one.refresh()
    assert found_again == ["comes back"]
