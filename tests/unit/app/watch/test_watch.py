"""The watch: what it says and to whom when the balance falls, backends go and come, keys are guessed and budgets end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from tests.support.hands import breath

from tidegate.app.watch.sending import Receiver
from tidegate.app.watch.watch import WRONG_KEYS, Sight, Watch
from tidegate.config.resilience import WatchOptions
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView, Health, Snapshot
from tidegate.core.errors import BackendUnreachable
from tidegate.core.exchange import Exchange
from tidegate.resilience.breaker import BreakerView


class World:
    """A hosted account, a backend, breakers and a receiver, all as they are told; time is turned by hand."""

    name = "deepseek"

    def __init__(self, **options: Any) -> None:
        self.now = 1_000_000.0
        self.balance: str | None = "10.00"
        self.asked: list[str] = []
        self.health: Health = "up"
        self.breakers: list[BreakerView] = []
        self.told: list[dict[str, Any]] = []
        self.pauses: list[float] = []
        self.options = WatchOptions(**options)
        ids = iter(f"{number:032x}" for number in range(1000))
        self.watch = Watch(lambda: self.now, self.sleep, lambda: next(ids))
        self.receiver = Receiver("hook.test", "https://hook.test/", self.post)

    def sight(self, *receivers: Receiver, hosted: Any = "own") -> Sight:
        snapshot = lambda: Snapshot((BackendView("home", Boundary.DEVICE, DataClass.PRIVATE, self.health, ("m",)),))  # noqa: E731
        return Sight(
            self.options,
            snapshot,
            lambda: self.breakers,
            receivers or (self.receiver,),
            self if hosted == "own" else hosted,
        )

    async def fetch(self, path: str) -> bytes:
        self.asked.append(path)
        if self.balance is None:
            raise BackendUnreachable("away")
        infos = [{"currency": "USD", "total_balance": self.balance}]
        return json.dumps({"is_available": True, "balance_infos": infos}).encode()

    async def post(self, body: bytes, _headers: Sequence[tuple[str, str]]) -> int:
        self.told.append(json.loads(body))
        return 200

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.Event().wait()

    @property
    def events(self) -> list[str]:
        return [one["type"] for one in self.told]

    def ended(self, error: str | None = None, client: str | None = None, **more: Any) -> None:
        exchange = Exchange("ex_1", "openai_chat", self.now, client=client, error=error)
        for name, value in more.items():
            setattr(exchange, name, value)
        self.watch.note(exchange)


async def test_it_looks_at_once_and_then_at_its_intervals_and_a_stop_leaves_nothing() -> None:
    world = World(balance_interval_s=300)
    world.watch.begin(world.sight())
    await breath()
    assert world.asked == ["/user/balance"]
    assert sorted(world.pauses) == [1.0, 300.0]
    await world.watch.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_at_interval_nothing_the_account_is_never_asked() -> None:
    world = World(balance_interval_s=0)
    world.watch.begin(world.sight())
    await breath()
    await world.watch.poll_balance()
    assert world.asked == []
    assert (world.watch.balance, world.watch.view()["balance"]) == (None, None)
    await world.watch.stop()


async def test_a_falling_balance_is_said_once_in_log_status_metric_and_alert(caplog: pytest.LogCaptureFixture) -> None:
    world = World(low_balance=2.0)
    world.watch.begin(world.sight())
    for balance in ("3.00", "1.99", "0.50", "2.00"):
        world.balance = balance
        await world.watch.poll_balance()
        seen = world.watch.balance
        assert seen is not None
        assert seen.amounts == {"USD": Decimal(balance)}
        assert seen.low == (balance in ("1.99", "0.50"))
    await breath()
    assert world.events == ["balance_low", "balance_ok"]
    assert world.told[0]["data"] == {
        "rule": "RES052",
        "title": "the hosted account's balance is below the limit",
        "backend": "deepseek",
        "available": True,
        "low_balance": "2",
        "balance_usd": "1.99",
    }
    assert [record.getMessage()[:6] for record in caplog.records] == ["RES052", "RES053"]
    shown = world.watch.view()["balance"]
    assert (shown["amounts"], shown["low"], shown["low_balance"], shown["error"]) == ({"USD": "2.00"}, False, 2.0, None)
    assert world.watch.posts.sent == {"balance_low": 1, "balance_ok": 1}
    await world.watch.stop()


async def test_a_balance_that_cannot_be_read_is_said_once_and_what_was_known_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    world.watch.begin(world.sight())
    await world.watch.poll_balance()
    world.balance = None
    for _ in range(3):
        await world.watch.poll_balance()
    assert len(caplog.records) == 1
    shown = world.watch.view()["balance"]
    assert (shown["amounts"], shown["error"]) == ({"USD": "10.00"}, "BackendUnreachable")
    world.balance = "9.00"
    await world.watch.poll_balance()
    assert world.watch.view()["balance"]["error"] is None
    await world.watch.stop()


async def test_a_backend_that_goes_and_comes_is_told() -> None:
    world = World()
    world.watch.begin(world.sight())
    await world.watch.look()
    world.health = "down"
    await world.watch.look()
    await world.watch.look()
    world.health, world.breakers = "up", [BreakerView("home", "m", "open", 3, 1, 5.0)]
    await world.watch.look()
    world.breakers = []
    await world.watch.look()
    await breath()
    assert world.events == ["backend_down", "backend_up"], "it never was in service in between"
    world.breakers = [BreakerView("home", "m", "open", 3, 2, 5.0)]
    await world.watch.look()
    await breath()
    told = [{name: value for name, value in one["data"].items() if name not in ("rule", "title")} for one in world.told]
    assert told[0] == {"backend": "home", "because": "unreachable"}
    assert told[2] == {"backend": "home", "because": "breaker", "model": "m"}
    await world.watch.stop()


async def test_many_wrong_keys_within_a_minute_are_told_and_a_few_are_not() -> None:
    world = World()
    world.watch.begin(world.sight())
    for _ in range(WRONG_KEYS - 1):
        world.ended("AuthenticationFailed")
    world.now += 61
    for _ in range(WRONG_KEYS - 1):
        world.ended("AuthenticationFailed")
    await breath()
    assert world.events == []
    for _ in range(50):
        world.ended("AuthenticationFailed")
    await breath()
    assert world.events == ["key_refused"]
    world.now += 3601
    for _ in range(WRONG_KEYS):
        world.ended("LimitReached")  # the door has begun to slow them down
    for _ in range(WRONG_KEYS * 5):
        world.ended("LimitReached", "ann")
    await breath()
    assert world.events == ["key_refused", "key_refused"]
    await world.watch.stop()


async def test_a_budget_that_is_used_up_is_told_once_an_hour_for_each_client() -> None:
    world = World()
    world.watch.begin(world.sight())
    for client in ("ann", "ann", "bob", "ann"):
        world.ended("BudgetSpent", client)
    world.now += 3600
    world.ended("BudgetSpent", "ann")
    await breath()
    assert [(one["type"], one["data"]["client"]) for one in world.told] == [
        ("budget_spent", "ann"),
        ("budget_spent", "bob"),
        ("budget_spent", "ann"),
    ]
    await world.watch.stop()


async def test_what_is_spent_is_of_this_utc_day() -> None:
    world = World()
    world.watch.count_from(Decimal("0.5"))
    world.ended(cost_usd=Decimal("0.25"))
    assert world.watch.view()["spent_today_usd"] == "0.75"
    world.now += 86_400
    assert world.watch.view()["spent_today_usd"] == "0"
    world.ended(cost_usd=Decimal("0.125"))
    assert world.watch.view()["spent_today_usd"] == "0.125"


async def test_the_last_alerts_are_shown_even_without_a_receiver() -> None:
    world = World()
    world.watch.begin(Sight(world.options, world.sight().snapshot, lambda: [], (), None))
    for number in range(30):
        world.ended("BudgetSpent", f"client-{number}")
    shown = world.watch.view()["alerts"]
    assert (shown["receivers"], shown["sent"], len(shown["last"])) == (0, 0, 20)
    assert shown["last"][-1] == {"at": world.now, "event": "budget_spent", "client": "client-29"}
    await world.watch.stop()


async def test_under_a_new_configuration_a_receiver_that_stays_keeps_what_waits_for_it() -> None:
    world = World()
    blocked = Receiver("slow.test", "https://slow.test/", lambda *_: asyncio.Event().wait())  # type: ignore[arg-type,return-value]
    world.watch.begin(world.sight(blocked))
    world.ended("BudgetSpent", "ann")
    world.ended("BudgetSpent", "bob")
    await breath()
    assert world.watch.posts.waiting == 2
    same = Receiver("slow.test", "https://slow.test/", world.post)
    world.watch.begin(world.sight(same, world.receiver))
    await breath()
    assert world.watch.posts.waiting == 2
    world.watch.begin(world.sight())
    await breath()
    assert world.watch.posts.waiting == 0
    world.ended("BudgetSpent", "cara")
    await breath()
    assert world.events == ["budget_spent"]
    await world.watch.stop()


async def test_another_hosted_account_starts_anew_and_another_reach_too() -> None:
    world = World()
    world.watch.begin(world.sight())
    await world.watch.poll_balance()
    await world.watch.look()
    world.options = WatchOptions(history_s=60, low_balance=50)
    world.watch.begin(world.sight(hosted=None))
    assert world.watch.balance is None
    assert world.watch.view()["history"]["span_s"] == 60 / 96
    await world.watch.stop()


async def test_a_fault_of_ours_does_not_end_the_watch(caplog: pytest.LogCaptureFixture) -> None:
    world = World(balance_interval_s=0)

    def fails() -> list[BreakerView]:
        raise RuntimeError("canary of a text")

    world.watch.begin(Sight(world.options, world.sight().snapshot, fails, (), None))
    await breath()
    assert world.pauses == [1.0]
    assert "RuntimeError" in caplog.text
    assert "canary" not in caplog.text
    await world.watch.stop()
