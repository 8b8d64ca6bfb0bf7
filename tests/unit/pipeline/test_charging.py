"""What a request of a key with a budget can cost at most, and what is counted where nobody said what it cost: never nothing."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.samples import request
from tests.support.world import World, external, fake

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.core.errors import (
    BackendFailed,
    BackendTimedOut,
    BrokenContract,
    BudgetSpent,
    ConnectionLost,
    PolicyRefusal,
)
from tidegate.core.events import End, Event, Finish, Start, Text, UsageReport
from tidegate.core.messages import Message, OpaquePart, TextPart
from tidegate.core.requests import ChatRequest, FimRequest
from tidegate.core.terms import Terms
from tidegate.core.usage import Usage
from tidegate.pipeline.charging import Bounds, bounds_of
from tidegate.resilience.allowance import OwnAllowances
from tidegate.resilience.guard import Guard
from tidegate.resilience.retry import RetryPolicy
from tidegate.routing.policy import Alias, Ask, Policy

CONTRACT = contract_named(DEFAULT_PROFILE)
RICH = Terms("key_1", budget_usd_per_day=Decimal(1000))
SAID = "0123456789"
ANSWER: tuple[Event, ...] = (Start(model="fake"), Text(SAID), Finish("stop"))
USAGE = Usage(prompt=7, output=3, cache_hit=0)
WHOLE = (*ANSWER, UsageReport(USAGE), End())
BOUNDS = bounds_of(request(), 0, CONTRACT)


def price(model: str, usage: Usage | None, _at: datetime) -> Decimal | None:
    """A dollar for each token of the prompt, a thousandth for each of the answer; unknown for `secret`."""
    if usage is None or usage.prompt is None or usage.output is None or usage.cache_hit is None or model == "secret":
        return None
    return Decimal(usage.prompt) + Decimal(usage.output) / 1000


class Priced(World):
    """A world in which backends outside cost, and keys have budgets."""

    def __init__(self, *backends: Any, **more: Any) -> None:
        super().__init__(*backends, **more)
        self.allowances = OwnAllowances(lambda: 0.0)
        self.gateway.guard = Guard(
            self.gateway.backends,
            allowances=self.allowances,
            breakers=self.gateway.guard.breakers,
            retry=RetryPolicy(sleep=lambda _s: asyncio.sleep(0)),
        )

    def price(self, model: str, usage: Usage | None, at: datetime) -> Decimal | None:
        return price(model, usage, at)

    async def spend(self, asked: ChatRequest | None = None, terms: Terms = RICH, stop_after: int = 99) -> str:
        """What was said. `stop_after` so many batches the client leaves."""
        asked, said = asked or request(stream=True), ""
        with self.gateway.exchange("test") as exchange:
            exchange.terms = terms
            decided = await self.gateway.decide(exchange, Ask(asked.model), asked)
            async with aclosing(self.gateway.answer(exchange, decided)) as batches:
                async for frames in batches:
                    said += "".join(e.text for frame in frames for e in frame.events if isinstance(e, Text))
                    stop_after -= 1
                    if not stop_after:
                        raise asyncio.CancelledError
        return said

    @property
    def charged(self) -> Decimal | None:
        return None if self.entry.charged_usd is None else Decimal(self.entry.charged_usd)

    @property
    def spent(self) -> Decimal:
        return sum((usd for one in self.allowances.view() for usd in one.spent.values()), Decimal(0))


def unreported(output: int, bounds: Bounds = BOUNDS) -> Decimal:
    return Decimal(bounds.prompt) + Decimal(output) / 1000


@pytest.mark.parametrize(
    ("asked", "size", "bounds"),
    [
        (request(max_tokens=10), 100, Bounds(100 + 1024 + 16, 10)),
        (request(), 100, Bounds(100 + 1024 + 16, 65_536)),
        (request(reasoning_effort="max"), 100, Bounds(100 + 1024 + 16, 131_072)),
        (request(thinking={"type": "disabled"}), 100, Bounds(100 + 1024 + 16, 8192)),
        (request(max_tokens=10**9), 100, Bounds(100 + 1024 + 16, 393_216)),
        (request(max_tokens=10, n=3), 100, Bounds(100 + 1024 + 16, 30)),
        (request(max_tokens=1), 10**9, Bounds(1_048_576, 1)),
        (FimRequest(model="m", prompt="x", max_tokens=10), 100, Bounds(1124, 10)),
        (FimRequest(model="m", prompt="x"), 100, Bounds(1124, 8192)),
    ],
)
def test_a_request_has_no_more_tokens_than_bytes_and_what_it_may_be_answered(
    asked: Any, size: int, bounds: Bounds
) -> None:
    assert bounds_of(asked, size, CONTRACT) == bounds


def test_images_masks_and_what_is_put_back_are_counted_too() -> None:
    image = OpaquePart({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}})
    asked = replace(request(max_tokens=1), messages=(Message("user", (TextPart("see"), image)),))
    assert bounds_of(asked, 100, CONTRACT, found=2, put_back=30).prompt == 100 + 1024 + 16 + 1200 + 128 + 30


async def test_what_was_reported_is_what_is_charged() -> None:
    world = Priced(external("cloud", *WHOLE))
    assert await world.spend() == SAID
    assert world.charged == Decimal("7.003") == Decimal(world.entry.cost_usd or 0) == world.spent
    assert world.entry.key_id == "key_1"


async def test_what_home_answers_costs_nothing() -> None:
    world = Priced(fake("home", *WHOLE))
    await world.spend()
    assert (world.charged, world.entry.cost_usd, world.spent) == (None, None, 0)


async def test_a_key_without_budget_is_charged_what_was_reported_and_no_more() -> None:
    world = Priced(external("cloud", *WHOLE))
    await world.spend(terms=Terms("key_1"))
    assert world.charged == Decimal("7.003")
    world = Priced(external("cloud", *ANSWER, End()))
    await world.spend(terms=Terms("key_1"))
    assert world.charged is None


@pytest.mark.parametrize("streamed", [True, False])
async def test_an_answer_that_never_said_what_it_used_is_charged_at_the_most(streamed: bool) -> None:
    world = Priced(external("cloud", *ANSWER, End()))
    await world.spend(request(stream=streamed, max_tokens=5000))
    heard = len(SAID) + 1 + 3  # each piece and each other event may be a token more
    assert world.charged == unreported(heard + 256 if streamed else 5000) == world.spent
    assert world.entry.cost_usd is None


async def test_what_was_reported_in_part_counts() -> None:
    world = Priced(external("cloud", *ANSWER, UsageReport(Usage(prompt=7, output=3)), End()))
    await world.spend()
    assert world.charged == Decimal("7.003")


async def test_a_client_that_leaves_is_charged_for_what_it_heard() -> None:
    world = Priced(external("cloud", *WHOLE))
    with pytest.raises(asyncio.CancelledError):
        await world.spend(stop_after=1)
    assert world.charged is not None and unreported(256) < world.charged <= unreported(256 + 20)
    assert world.spent == world.charged


@pytest.mark.parametrize("error", [BrokenContract("cut"), BackendTimedOut("silent")])
async def test_an_answer_that_breaks_off_is_charged_for_what_was_heard(error: Any) -> None:
    world = Priced(external("cloud", *ANSWER[:2], error))
    with pytest.raises(type(error)):
        await world.spend()
    assert world.charged is not None and unreported(256) < world.charged <= unreported(256 + 20)


def after_sending(error: Any) -> Any:
    error.after_sending = True
    return error


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (BackendFailed("500"), 0),
        (BackendTimedOut("no connection"), 0),
        (after_sending(BackendTimedOut("no answer")), 1),
        (BrokenContract("no JSON"), 1),
        (ConnectionLost("closed"), 2),
    ],
)
async def test_an_attempt_that_may_have_cost_is_charged_beside_the_answer(error: Any, lost: int) -> None:
    world = Priced(external("one", error), external("two", *WHOLE))
    assert await world.spend() == SAID
    assert world.charged == Decimal("7.003") + lost * unreported(256)
    assert world.spent == world.charged


async def test_another_attempt_must_fit_the_budget_beside_the_lost_one() -> None:
    one, two = external("one", BrokenContract("no JSON")), external("two", *WHOLE)
    world = Priced(one, two)
    most = unreported(BOUNDS.output)
    terms = replace_budget(most * 2 + 1)
    other = await world.allowances.take(terms, 1_700_000_000.5, most)
    with pytest.raises(BudgetSpent, match="An attempt failed that may have cost something"):
        await world.spend(terms=terms)
    assert (len(one.heard), len(two.heard)) == (1, 0)
    assert world.spent == unreported(256)
    world.allowances.give_back(other.number, Decimal(0))


def replace_budget(usd: Decimal) -> Terms:
    return Terms("key_1", budget_usd_per_day=usd)


async def test_a_backend_outside_whose_price_nobody_knows_is_not_asked_for_a_key_with_a_budget() -> None:
    secret, home = external("cloud", *WHOLE, models=("secret",)), fake("home", *WHOLE)
    world = Priced(secret, home)
    await world.spend()
    assert (world.entry.backend, len(secret.heard)) == ("home", 0)
    world = Priced(secret)
    with pytest.raises(PolicyRefusal, match="The price of 'secret' at 'cloud' is not known, so a key with a budget"):
        await world.spend()
    await Priced(secret).spend(terms=Terms("key_1"))
    assert len(secret.heard) == 1


async def test_the_dearest_candidate_is_reserved_for() -> None:
    world = Priced(fake("home", *WHOLE), external("cloud", *WHOLE))
    seen: list[Decimal] = []
    admit = world.allowances.admit

    async def noted(exchange: Any, most_usd: Decimal) -> bool:
        seen.append(most_usd)
        return await admit(exchange, most_usd)

    world.allowances.admit = noted  # pyright: ignore[reportAttributeAccessIssue]
    await world.spend()
    assert seen == [unreported(BOUNDS.output)]


async def test_with_the_budget_spent_those_at_home_answer_by_the_keys_terms() -> None:
    cloud, home = external("cloud", *WHOLE), fake("home", *WHOLE)
    world = Priced(cloud, home)
    terms = Terms("key_1", budget_usd_per_day=Decimal(1), when_spent="local")
    world.allowances.learn({"key_1": {"2023-11-14": Decimal(1)}})
    await world.spend(terms=terms)
    assert (world.entry.backend, len(cloud.heard)) == ("home", 0)
    assert "RES030" in world.entry.rules
    world = Priced(cloud)
    world.allowances.learn({"key_1": {"2023-11-14": Decimal(1)}})
    with pytest.raises(BudgetSpent, match="no backend at home"):
        await world.spend(terms=terms)
    assert not cloud.heard


async def test_all_parts_of_an_answer_of_several_are_charged_and_count_as_one_request() -> None:
    policy = Policy(aliases={"both": Alias("both", ("one", "two"), each=True)})
    world = Priced(external("one", *WHOLE), external("two", *WHOLE), policy=policy)
    terms = Terms("key_1", rate_per_minute=1, concurrency=1, budget_usd_per_day=Decimal(10**6))
    await world.spend(request(model="both", stream=True), terms)
    charged = [Decimal(entry.charged_usd) for entry in world.booked if entry.charged_usd]
    assert charged == [Decimal("7.003")] * 2
    assert world.spent == sum(charged)
