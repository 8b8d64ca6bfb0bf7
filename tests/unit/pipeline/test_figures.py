"""What exchanges took, kept per place: averages, failures, prices of the minute, and the orders that the gateway makes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.support.samples import WEATHER, request
from tests.support.world import World, external, fake

from tidegate.core.boundary import DataClass
from tidegate.core.decision import Candidate, Decision
from tidegate.core.errors import BackendUnreachable, BrokenContract, GatewayError, NotSupported
from tidegate.core.events import Start, Text
from tidegate.core.exchange import Exchange
from tidegate.core.usage import Usage
from tidegate.pipeline.figures import FigureBook
from tidegate.routing.order import FAILED_S, FRESH_S, Figure, Price
from tidegate.routing.policy import Alias, Ask, Policy

A, B = ("a", "m"), ("b", "m")


class Prices:
    def __init__(self, known: bool = True) -> None:
        self.asked: list[datetime] = []
        self.known = known

    def __call__(self, _model: str, usage: Usage | None, at: datetime) -> Decimal | None:
        self.asked.append(at)
        assert usage is not None
        return Decimal(usage.prompt or 0) * 2 / 10**6 + Decimal(usage.output or 0) * 3 / 10**6 if self.known else None


def exchange(*attempts: str, status: int = 200, error: str | None = None, **more: Any) -> Exchange:
    made = Exchange("ex_1", "test", 100.0, request_bytes=40)
    made.decision = Decision("auto", DataClass.PUBLIC, (), (), (Candidate(*A), Candidate(*B)))
    made.attempts, made.status, made.error = list(attempts), status, error
    made.first_frame_s, made.duration_s = more.get("first", 1.0), more.get("duration", 2.0)
    made.usage = more.get("usage")
    return made


def figure(book: FigureBook, place: tuple[str, str] = A) -> Figure | None:
    return book.figures(exchange()).known.get(place)


def test_newer_answers_count_more() -> None:
    book = FigureBook(Prices())
    book.note_ended(exchange("a:ok", usage=Usage(output=8)))
    book.note_ended(exchange("a:ok", first=2.0, duration=6.0, usage=Usage(output=16)))
    found = figure(book)
    assert found is not None
    assert (found.first_frame_s, found.duration_s, found.output_tokens) == (1.25, 3.0, 10.0)


def test_tokens_that_were_not_reported_change_no_average() -> None:
    book = FigureBook(Prices())
    book.note_ended(exchange("a:ok", usage=Usage(output=8)))
    book.note_ended(exchange("a:ok"))
    assert figure(book).output_tokens == 8  # pyright: ignore[reportOptionalMemberAccess]


def test_after_a_fallback_the_times_are_nobodys() -> None:
    book = FigureBook(Prices())
    book.note_ended(exchange("a:BackendUnreachable", "b:ok"))
    first, second = figure(book), figure(book, B)
    assert first is not None
    assert second is not None
    assert (first.failed, second.failed, second.duration_s) == (True, False, None)


@pytest.mark.parametrize(
    ("made", "failed"),
    [
        (exchange("a:BackendTimedOut", status=504, error="BackendTimedOut"), True),
        (exchange("a:ok", status=502, error="BrokenContract"), True),
        (exchange("a:NotSupported", status=400, error="NotSupported"), None),
        (exchange("a:ok", status=499, error="ClientLeft"), None),
        (exchange("a:ok"), False),
    ],
)
def test_what_counts_as_a_failure(made: Exchange, failed: bool | None) -> None:
    book = FigureBook(Prices())
    book.note_ended(made)
    found = figure(book)
    assert (None if found is None else found.failed) is failed


def test_an_exchange_without_a_decision_says_nothing() -> None:
    book = FigureBook(Prices())
    made = exchange()
    made.decision = None
    book.note_ended(made)
    assert figure(book) is None


def test_tries_are_counted_when_asked_and_begin_anew_when_stale() -> None:
    book = FigureBook(Prices())
    for at in (1000.0, 1001.0):
        book.note_asked(A, at)
    assert figure(book) == Figure(tries=2, asked_at=1001.0)
    book.note_asked(A, 1002.0 + FRESH_S)
    assert figure(book) == Figure(tries=1, asked_at=1002.0 + FRESH_S)
    book.note_ended(exchange("a:RateLimited", status=429, error="RateLimited"))
    book.note_asked(A, 1003.0 + FRESH_S + FAILED_S)
    found = figure(book)
    assert found is not None
    assert (found.tries, found.failed) == (1, False)


def test_places_are_bounded() -> None:
    book = FigureBook(Prices())
    for number in range(1100):
        book.note_asked((str(number), "m"), 1.0)
    known = book.figures(exchange()).known
    assert (len(known), ("0", "m") in known, ("1099", "m") in known) == (1000, False, True)


def test_prices_are_those_of_the_minute_and_looked_up_once() -> None:
    prices = Prices()
    book = FigureBook(prices)
    figures = book.figures(exchange())
    assert figures.price("m") == figures.price("m") == Price(2e-6, 3e-6)
    assert len(prices.asked) == 2
    later = exchange()
    later.arrived_at = 161.0
    assert book.figures(later).price("m") == Price(2e-6, 3e-6)
    assert [at.timestamp() for at in prices.asked] == [100.0, 100.0, 161.0, 161.0]
    assert FigureBook(Prices(known=False)).figures(exchange()).price("m") is None


async def answered_by(world: World) -> str | None:
    await world.ask()
    assert world.exchange is not None
    return world.exchange.backend


async def test_the_gateway_explores_then_takes_the_better_and_notices_a_failure() -> None:
    """All takes as long as all here; the hosted one costs, so home is better."""
    hosted, home = external("hosted"), fake("home")
    world = World(hosted, home, policy=Policy(order="balanced"))
    seen = [await answered_by(world) for _ in range(7)]
    assert seen == ["hosted", "hosted", *["home"] * 5]
    rules = [entry.rules for entry in world.booked]
    assert ["RTE045" in one for one in rules] == [True] * 4 + [False] * 3
    assert ["RTE044" in one for one in rules] == [False] * 4 + [True] * 3
    home._script = lambda _request: [BackendUnreachable("")]
    assert [await answered_by(world) for _ in range(2)] == ["hosted", "hosted"]
    assert [len(one.heard) for one in (hosted, home)] == [4, 6], "home is asked once more and then not first"


@pytest.mark.parametrize("error", [NotSupported(""), BrokenContract("")])
async def test_a_stream_that_breaks_is_a_failure(error: GatewayError) -> None:
    broken = fake("broken", Start(), Text("a"), error)
    world = World(broken, fake("good"), policy=Policy(order="balanced"))
    for _ in range(2):
        with pytest.raises(type(error)):
            await world.ask(asked=request(stream=True))
    assert await answered_by(world) == "good"


async def test_without_the_order_balanced_nothing_is_kept() -> None:
    world = World(fake("a"), fake("b"))
    await world.ask()
    assert world.gateway._figures is None


async def test_an_order_holds_although_the_decision_is_kept() -> None:
    alias = {"near": Alias("near", ("hosted", "home"), order="by-needs")}
    hosted, home = external("hosted"), fake("home")
    world = World(hosted, home, policy=Policy(order="local-first", aliases=alias))
    await world.ask()
    assert world.entry.backend == "home"
    assert world.entry.rules.endswith("RTE041")
    for fields, backend, rule in (({}, "home", "RTE043"), ({"tools": [WEATHER]}, "hosted", "RTE042")):
        for _ in range(2):
            await world.ask(Ask("near"), request(**fields))
            assert (world.booked[-1].backend, world.booked[-1].rules.split(",")[-1]) == (backend, rule)


async def test_the_request_is_for_the_model_of_the_one_asked_first() -> None:
    hosted, home = external("hosted", models=("large",)), fake("home", models=("small",))
    world = World(hosted, home, policy=Policy(order="local-first"))
    await world.ask()
    assert [one.model for one in home.heard] == ["small"]
