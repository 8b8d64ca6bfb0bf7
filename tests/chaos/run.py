"""So many clients at the same time, each asking again as soon as it is done, until the time is over."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from tests.chaos.client import Client, Seen
from tests.chaos.plans import Plan, plan
from tests.chaos.verdict import Verdict, verdict_on
from tests.chaos.weather import Weather
from tests.chaos.world import World

_MOST_KEPT_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is kept of one client: its plan without the body's bytes, and how it went."""

    number: int
    calm: bool
    exchange_id: str | None
    verdict: Verdict
    body_sent: bool
    reset: bool
    ended_at: float


@dataclass
class Played:
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    verdicts: Counter[str] = field(default_factory=Counter[str])
    manners: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    open: int = 0
    most_open: int = 0
    seconds: float = 0.0

    def note(self, seen: Seen) -> None:
        verdict = verdict_on(seen)
        one = seen.plan
        self.verdicts[verdict.kind] += 1
        self.manners[one.manner] += 1
        if verdict.kind == "wrong":
            backend = seen.headers.get("x-tidegate-backend", "?")
            exchange = seen.headers.get("x-tidegate-exchange", "?")
            form = "stream" if one.streamed else "whole"
            self.wrong.append(
                f"request {one.number} ({one.surface}, {form}, {one.manner}, by {backend}, {exchange}): {verdict.why}"
            )
        exchange_id = seen.headers.get("x-tidegate-exchange")
        reset = seen.left and one.resets
        self.outcomes.append(Outcome(one.number, one.calm, exchange_id, verdict, seen.body_sent, reset, seen.ended_at))


async def play(
    world: World,
    seed: int,
    streams: int,
    seconds: float,
    told: Callable[[Played, float], None] = lambda _played, _left_s: None,
) -> tuple[Played, Weather]:
    """Clients in the weather; then the clients that are under way come to their end in calm."""
    played, weather = Played(), Weather(world, seed)
    numbers, began = itertools.count(1), monotonic()
    ends_at = began + seconds
    client = Client(world.gateway.port)

    async def ask_on() -> None:
        while monotonic() < ends_at:
            one = plan(seed, next(numbers))
            await ask(one, *[plan(seed, next(numbers), calm=True)] * (one.manner == "asks twice"))

    async def ask(*plans: Plan) -> None:
        played.open += 1
        played.most_open = max(played.most_open, played.open)
        try:
            for seen in await client.ask(*plans):
                played.note(seen)
        finally:
            played.open -= 1

    async def tell() -> None:
        while True:
            told(played, ends_at - monotonic())
            await asyncio.sleep(2.0)

    blowing, telling = asyncio.create_task(weather.blow()), asyncio.create_task(tell())
    clients = [asyncio.create_task(ask_on()) for _ in range(streams)]
    await asyncio.wait([blowing, *clients], timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    played.seconds = monotonic() - began
    for task in (blowing, telling):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    weather.calm_down()
    await asyncio.gather(*clients)
    return played, weather
