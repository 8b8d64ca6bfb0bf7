"""The law of the guard: whatever fails in whatever order, only the decision's candidates are asked, never after a frame went
out, never one that said never, a bounded number of times and within the deadline, one try at a time of what is left alone,
and all that was taken is given back.

What happened is judged here from what the backends saw, not by the guard's own counts.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.support.hands import breath
from tests.support.world import external, fake

from tidegate.backends.registry import Registry
from tidegate.core.decision import Candidate
from tidegate.core.errors import (
    BackendFailed,
    BackendLoading,
    BackendOverloaded,
    BackendTimedOut,
    BackendUnreachable,
    BadAnswer,
    BreakerOpen,
    BrokenContract,
    ClientMistake,
    GatewayError,
    NoBalance,
    NotSupported,
    RateLimited,
)
from tidegate.core.events import Start, frame_of
from tidegate.core.exchange import Exchange
from tidegate.resilience.breaker import OwnBreakers
from tidegate.resilience.guard import Asking, Guard, Held
from tidegate.resilience.lane import Place
from tidegate.resilience.lanes import OwnLanes
from tidegate.resilience.retry import RetryPolicy, Tries

ATTEMPTS, DEADLINE_S, LOAD_S = 3, 40.0, 20.0
MOST_LOADING = 12
"""Pauses of 0.25, 0.5, 1, 2, 4 and then 5 s have filled 20 s before that."""
NAMES = ("a", "b", "c", "d")
KINDS: dict[str, type[GatewayError]] = {
    kind.__name__: kind
    for kind in (
        *(BackendUnreachable, BackendTimedOut, BackendFailed, BrokenContract, BadAnswer, BackendLoading),
        *(BackendOverloaded, RateLimited, NoBalance, NotSupported, ClientMistake),
    )
}
OUTCOMES = ("answers", "answers", "breaks off", "hangs", *KINDS, *["BackendUnreachable"] * 6)

outcomes = st.lists(
    st.tuples(st.sampled_from(OUTCOMES), st.sampled_from([0, 0, 2, 25, 25, 90])), min_size=4, max_size=12
)
requests = st.lists(
    st.tuples(
        st.lists(st.sampled_from(NAMES[:3]), min_size=1, max_size=3, unique=True),
        st.sampled_from(["waits", "waits", "waits", "leaves"]),
        st.sampled_from([0, 0, 0, 1, 11, 60]),
    ),
    min_size=1,
    max_size=8,
)


class Answer:
    quirks = ()

    async def read(self) -> list[Any]:
        return []

    def close(self) -> None:
        return


class World:
    """A guard over scripted backends and a clock that only pauses move; what breaks the law is written down."""

    def __init__(self, script: dict[str, list[tuple[str, int]]]) -> None:
        self.script = {name: list(steps) for name, steps in script.items()}
        self.now_s = 1000.0
        self.broken: list[str] = []
        self.tripped: set[str] = set()
        self.trying: dict[str, int] = dict.fromkeys(NAMES, 0)
        self.requests: dict[str, Request] = {}
        self.breakers = OwnBreakers(lambda: self.now_s)
        backends = [fake(name) if name in "ab" else external(name) for name in NAMES]
        self.guard = Guard(
            Registry(backends),
            lanes=OwnLanes(),
            breakers=self.breakers,
            retry=RetryPolicy(ATTEMPTS, deadline_s=DEADLINE_S, load_s=LOAD_S, sleep=self.sleep, chance=lambda: 0.5),
        )

    async def sleep(self, seconds: float) -> None:
        """Others go on meanwhile. Whoever sleeps moves the clock of all, so pauses are counted by request."""
        self.now_s += seconds
        asker = asyncio.current_task()
        assert asker is not None
        self.requests[asker.get_name()].paused_s += seconds
        await asyncio.sleep(0)

    def is_open(self, name: str) -> bool:
        return any(view.backend == name and view.state != "closed" for view in self.breakers.view())

    async def play(self, asked: list[tuple[list[str], str, int]]) -> None:
        tasks: list[asyncio.Task[None]] = []
        for number, (names, client, later_s) in enumerate(asked):
            request = self.requests[f"request {number}"] = Request(self, names)
            tasks.append(asyncio.create_task(request.run(), name=f"request {number}"))
            await asyncio.sleep(0)
            if client == "leaves":
                tasks[-1].cancel()
            self.now_s += later_s
        await breath(200)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.judge()

    def judge(self) -> None:
        if used := {view.backend: view.used for view in self.guard.lanes.view() if view.used}:
            self.broken.append(f"places were not given back: {used}")
        self.now_s += 10_000
        for view in self.breakers.view():
            if view.backend not in self.tripped:
                self.broken.append("a breaker counts what is no failure of the backend")
            try:
                self.breakers.admit(view.backend, view.model, sole=True)
            except BreakerOpen:
                self.broken.append("a try was not given back")
        for request in self.requests.values():
            request.judge()


class Request:
    def __init__(self, world: World, names: list[str]) -> None:
        self.world = world
        self.candidates = [Candidate(name, "m") for name in names]
        self.paused_s = 0.0
        self.asked: list[str] = []
        self.loading = 0
        self.breaks_off = False
        self.over: str | None = None
        self.done_with: set[str] = set()
        self.heard: BaseException | None = None

    async def run(self) -> None:
        exchange = Exchange("ex_1", "test", 0.0)
        exchange.elapsed_s = lambda: self.paused_s
        held: Held | None = None
        try:
            held = await self.world.guard.begin(Asking(exchange, self.candidates, self.ask))
            cut = BrokenContract("cut") if self.breaks_off else None
            await asyncio.sleep(0)
            held.close(cut, ended=cut is None)
        except BaseException as error:
            self.heard = error
            raise

    async def ask(self, backend: Any, candidate: Candidate) -> tuple[Any, list[Any]]:
        world, name = self.world, candidate.backend
        self.note(candidate)
        tries = world.is_open(name)
        if tries:
            world.trying[name] += 1
            if world.trying[name] > 1:
                world.broken.append(f"two requests at once try {name}")
        try:
            await asyncio.sleep(0)
            outcome, told_s = world.script[name].pop(0) if world.script[name] else ("answers", 0)
            if outcome == "hangs":
                await asyncio.get_running_loop().create_future()
            if outcome in KINDS:
                self.fail(name, KINDS[outcome], told_s)
            self.breaks_off = outcome == "breaks off"
            if self.breaks_off:
                world.tripped.add(name)
            self.over = "a frame went out"
            return Answer(), [frame_of(Start(model="m"))]
        finally:
            world.trying[name] -= tries

    def note(self, candidate: Candidate) -> None:
        if candidate not in self.candidates:
            self.world.broken.append("asked one that is no candidate")
        if self.over is not None:
            self.world.broken.append(f"asked again although {self.over}")
        if candidate.backend in self.done_with:
            self.world.broken.append("asked one again that had said that only others may help")
        self.asked.append(candidate.backend)

    def fail(self, name: str, kind: type[GatewayError], told_s: int) -> None:
        if kind.trips:
            self.world.tripped.add(name)
        if kind.retry == "never":
            self.over = "an error said never"
        if kind.retry == "elsewhere":
            self.done_with.add(name)
        self.loading += kind is BackendLoading
        raise kind("no", retry_after_s=told_s or None)

    def judge(self) -> None:
        most = ATTEMPTS * len(self.candidates) + min(self.loading, MOST_LOADING * len(self.candidates))
        if len(self.asked) > most:
            self.world.broken.append(f"asked {len(self.asked)} times where {most} is the most")
        if self.paused_s > DEADLINE_S:
            self.world.broken.append(f"paused {self.paused_s:g} s, beyond the deadline")
        if not (self.heard is None or isinstance(self.heard, GatewayError | asyncio.CancelledError)):
            self.world.broken.append(f"ended with {type(self.heard).__name__}")


def run_law(examples: int) -> tuple[set[str], int]:
    """What was broken, without its numbers, and how many times backends were asked."""
    seen: set[str] = set()
    asked = [0]

    @settings(max_examples=examples, deadline=None, database=None, derandomize=True, phases=(Phase.generate,))
    @given(script=st.fixed_dictionaries({name: outcomes for name in NAMES}), wanted=requests)
    def law(script: dict[str, list[tuple[str, int]]], wanted: list[tuple[list[str], str, int]]) -> None:
        async def play() -> None:
            world = World(script)
            await world.play(wanted)
            seen.update(world.broken)
            asked[0] += sum(len(request.asked) for request in world.requests.values())

        asyncio.run(play())

    law()
    return seen, asked[0]


def test_the_guard_keeps_its_law() -> None:
    broken, asked = run_law(600)
    assert broken == set()
    assert asked > 3000, "where nobody is asked nothing is shown"


def asks_again_after_the_first_frame() -> AbstractContextManager[Any]:
    right = Guard._try  # type: ignore[reportPrivateUsage]

    async def wrong(self: Guard, asking: Asking, *more: Any) -> Held:
        (await right(self, asking, *more)).close()
        return await right(self, asking, *more)

    return patch.object(Guard, "_try", wrong)


def fails_otherwise(retry: str) -> AbstractContextManager[Any]:
    """What says this is taken for an error after which it is asked again."""
    right = Tries.failed

    def wrong(self: Tries, candidate: Candidate, error: GatewayError) -> None:
        right(self, candidate, BackendOverloaded("no") if error.retry == retry else error)

    return patch.object(Tries, "failed", wrong)


def tries_on_after_never() -> AbstractContextManager[Any]:
    return fails_otherwise("never")


def asks_one_that_said_elsewhere() -> AbstractContextManager[Any]:
    return fails_otherwise("elsewhere")


def asks_without_end() -> AbstractContextManager[Any]:
    return patch.object(Tries, "_pause_s", lambda *_: 0.5)


def asks_a_stranger() -> AbstractContextManager[Any]:
    right = Tries.__init__

    def wrong(self: Tries, policy: RetryPolicy, candidates: Any) -> None:
        right(self, policy, [*candidates, Candidate("d", "m")])

    return patch.object(Tries, "__init__", wrong)


def sleeps_beyond_the_deadline() -> AbstractContextManager[Any]:
    right = Tries.after_pause
    return patch.object(Tries, "after_pause", lambda self, _left_s: right(self, 1e9))


def keeps_the_place_of_who_failed() -> AbstractContextManager[Any]:
    right = Place.leave
    return patch.object(Place, "leave", lambda self, error=None: right(self, error) if error is None else None)


def keeps_the_try_of_who_left() -> AbstractContextManager[Any]:
    right = OwnBreakers.note

    def wrong(self: OwnBreakers, backend: str, model: str, error: Any, *more: Any, **also: Any) -> None:
        if error is None or error.trips:
            right(self, backend, model, error, *more, **also)

    return patch.object(OwnBreakers, "note", wrong)


def lets_two_try_at_once() -> AbstractContextManager[Any]:
    return patch.object(OwnBreakers, "check", lambda *_, **__: None)


def counts_what_no_backend_did() -> AbstractContextManager[Any]:
    right = OwnBreakers.note

    def wrong(self: OwnBreakers, backend: str, model: str, error: Any, *more: Any, **also: Any) -> None:
        right(self, backend, model, error and BackendUnreachable("gone"), *more, **also)

    return patch.object(OwnBreakers, "note", wrong)


FAULTS = {
    asks_again_after_the_first_frame: "asked again although a frame went out",
    tries_on_after_never: "asked again although an error said never",
    asks_one_that_said_elsewhere: "asked one again that had said that only others may help",
    asks_without_end: "times where",
    asks_a_stranger: "asked one that is no candidate",
    sleeps_beyond_the_deadline: "beyond the deadline",
    keeps_the_place_of_who_failed: "places were not given back",
    keeps_the_try_of_who_left: "a try was not given back",
    lets_two_try_at_once: "two requests at once try",
    counts_what_no_backend_did: "a breaker counts what is no failure of the backend",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_the_law_sees_a_guard_that_breaks_it(fault: Any) -> None:
    with fault():
        broken, _ = run_law(300)
    assert any(FAULTS[fault] in one for one in broken), broken
