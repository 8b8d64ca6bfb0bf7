"""What a scrape reads off the gateway: health, lanes, paces, breakers, ledger, budgets, balance and alerts."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from tidegate import __version__
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView, Snapshot
from tidegate.resilience.allowance import KeyView
from tidegate.resilience.breaker import BreakerView
from tidegate.resilience.lanes import LaneView
from tidegate.resilience.pace import PaceView
from tidegate.surfaces.front import Drain
from tidegate.surfaces.metrics.catalogue import READ
from tidegate.surfaces.metrics.state import Balance, Posts, Sources


def gateway(lanes: list[LaneView], breakers: list[BreakerView]) -> Any:
    snapshot = Snapshot((BackendView("home", Boundary.DEVICE, DataClass.PRIVATE, "starting", ("m",)),))
    guard = SimpleNamespace(lanes=SimpleNamespace(view=lambda: lanes), breakers=SimpleNamespace(view=lambda: breakers))
    return SimpleNamespace(backends=SimpleNamespace(snapshot=lambda: snapshot), guard=guard)


def read(**more: Any) -> dict[tuple[str, ...], float]:
    lanes, breakers = more.pop("lanes", []), more.pop("breakers", [])
    book = SimpleNamespace(written=5, dropped=1, waiting=2, error=more.pop("error", None))
    sources = Sources(gateway(lanes, breakers), book, Drain(), contract="2026-09-v41", **more)
    found = list(sources.read())
    assert {metric for metric, _, _ in found} <= {*READ}
    assert all(len(labels) == len(metric.labels) for metric, labels, _ in found)
    return {(metric.name, *labels): value for metric, labels, value in found}


def test_what_always_is_there() -> None:
    found = read(generation=3)
    assert found["tidegate_info", __version__, "2026-09-v41"] == 1
    assert found["tidegate_config_generation",] == 3
    assert found["tidegate_open_requests",] == found["tidegate_draining",] == 0
    health = {name[3]: value for name, value in found.items() if name[0] == "tidegate_backend_health"}
    assert health == {"up": 0, "starting": 1, "down": 0, "unknown": 0}


def test_the_ledger_and_that_it_fails() -> None:
    names = ("written_total", "dropped_total", "waiting", "failing")
    assert [read()[f"tidegate_ledger_{name}",] for name in names] == [5, 1, 2, 0]
    assert read(error="OperationalError")["tidegate_ledger_failing",] == 1


def test_lanes_and_what_refusals_have_taught() -> None:
    paces = (PaceView("m", 4, "told", 3, False), PaceView("n", None, None, 1, False))
    found = read(lanes=[LaneView("home", 2, 8, 1, (), paces), LaneView("cloud", 7, None, 0)])
    assert found["tidegate_in_flight", "home"] == 2
    assert found["tidegate_in_flight_limit", "home"] == 8
    assert found["tidegate_queue_length", "home"] == 1
    assert ("tidegate_in_flight_limit", "cloud") not in found
    assert found["tidegate_pace_limit", "home", "m"] == 4
    assert found["tidegate_pace_in_flight", "home", "m"] == 3
    assert ("tidegate_pace_limit", "home", "n") not in found


def test_a_breaker_is_in_one_state() -> None:
    found = read(breakers=[BreakerView("home", "m", "half_open", 3, 2, 0.0, 4, 5)])
    states = [found["tidegate_breaker_state", "home", "m", state] for state in ("closed", "open", "half_open")]
    assert states == [0, 0, 1]
    counts = [found[f"tidegate_breaker_{name}_total", "home", "m"] for name in ("opened", "probes", "refused")]
    assert counts == [2, 4, 5]


def test_budgets_balance_and_alerts() -> None:
    balance = Balance("deepseek", {"CNY": Decimal("1.5"), "USD": Decimal(2)}, True, 1000.0)
    watched = SimpleNamespace(balance=balance, posts=Posts({"balance_low": 1}, {"backend_down": 2}, 3))
    key = KeyView("ann", 2, 1, {"day": Decimal("0.25")}, {"day": Decimal("0.5")})
    found = read(watched=watched, keys=lambda: [key])
    assert found["tidegate_key_spent_usd", "ann", "day"] == 0.25
    assert found["tidegate_key_reserved_usd", "ann", "day"] == 0.5
    assert (found["tidegate_key_in_flight", "ann"], found["tidegate_key_waiting", "ann"]) == (2, 1)
    assert found["tidegate_balance", "deepseek", "CNY"] == 1.5
    assert found["tidegate_balance_low", "deepseek"] == 1
    assert found["tidegate_balance_timestamp_seconds", "deepseek"] == 1000
    assert found["tidegate_alerts_sent_total", "balance_low"] == 1
    assert found["tidegate_alerts_lost_total", "backend_down"] == 2
    assert found["tidegate_alerts_waiting",] == 3


def test_without_a_look_at_the_balance_there_is_none() -> None:
    found = read(watched=SimpleNamespace(balance=None, posts=Posts({}, {}, 0)))
    assert not any(name[0].startswith("tidegate_balance") for name in found)
