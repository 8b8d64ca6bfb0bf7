"""The past of each backend: counted into spans, with the changes, in memory that does not grow, and when it turned."""

from __future__ import annotations

from typing import Any

from tidegate.app.watch import history as module
from tidegate.app.watch.history import SPANS, History, Turned
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView, Health
from tidegate.core.exchange import Exchange
from tidegate.resilience.breaker import BreakerView, State

SPAN_S = 10.0


def history() -> History:
    return History(SPAN_S * SPANS)


def home(health: Health = "up", name: str = "home") -> BackendView:
    return BackendView(name, Boundary.DEVICE, DataClass.PRIVATE, health, ("m",))


def breaker(state: State, opened: int = 1, model: str = "m") -> BreakerView:
    return BreakerView("home", model, state, 3, opened, 1.0)


def exchange(*attempts: str, at: float = 1000.0, error: str | None = None, first_frame_s: float = 0.5) -> Exchange:
    made = Exchange("ex_1", "openai_chat", at, attempts=[*attempts], error=error, duration_s=1.0)
    made.first_frame_s = first_frame_s
    return made


def shown(past: History, at: float = 1001.0, name: str = "home", spans: int = 2) -> dict[str, Any]:
    return past.view(at, spans)["backends"][name]


def test_exchanges_are_counted_into_the_span_in_which_they_ended() -> None:
    past = history()
    past.look([home()], [], 1000.0)
    past.note(exchange("home:ok"))
    past.note(exchange("home:ok", first_frame_s=1.5))
    past.note(exchange("home:BackendFailed", "home:ok"))
    past.note(exchange("home:ok", at=1009.5))
    seen = shown(past, 1012.0)
    assert (seen["asked"], seen["failed"], seen["first_frame_s"]) == ([4, 1], [1, 0], [0.8333, 0.5])
    assert seen["health"] == ["up", "up"]


def test_an_answer_that_broke_off_has_failed_and_one_whose_client_left_has_not() -> None:
    past = history()
    past.look([home()], [], 1000.0)
    past.note(exchange("home:ok", error="BrokenContract"))
    past.note(exchange("home:ok", error="ClientLeft"))
    assert (shown(past)["asked"][-1], shown(past)["failed"][-1]) == (2, 1)


def test_a_span_is_used_again_after_the_reach_and_what_was_not_seen_is_null() -> None:
    past = history()
    past.look([home()], [], 1000.0)
    past.note(exchange("home:ok"))
    later = 1000.0 + SPAN_S * SPANS
    past.note(exchange("home:ok", at=later))
    past.note(exchange("home:ok", at=later))
    seen = shown(past, later + 1, spans=SPANS)
    assert seen["asked"] == [None] * (SPANS - 1) + [2]


def test_the_worst_health_of_a_span_stays_and_each_change_is_kept() -> None:
    past = history()
    for at, health in ((1000.0, "up"), (1001.0, "down"), (1002.0, "starting"), (1003.0, "up"), (1010.0, "up")):
        past.look([home(health)], [], at)  # type: ignore[arg-type]
    seen = shown(past, 1010.0)
    assert seen["health"] == ["down", "up"]
    assert [one["became"] for one in seen["changes"]] == ["up", "down", "starting", "up"]
    assert seen["changes"][1] == {"at": 1001.0, "what": "health", "became": "down"}


def test_it_turns_when_it_goes_down_and_when_it_comes_back_once_each() -> None:
    past = history()
    steps = [past.look([home(one)], [], 1000.0) for one in ("up", "down", "down", "unknown", "down", "up", "up")]  # type: ignore[arg-type]
    assert steps == [[], [Turned("home", True)], [], [Turned("home", False)], [Turned("home", True)],
                     [Turned("home", False)], []]  # fmt: skip


def test_a_backend_that_is_away_at_the_start_is_told() -> None:
    assert history().look([home("down")], [], 1000.0) == [Turned("home", True)]


def test_a_breaker_takes_it_out_of_service_until_it_is_closed() -> None:
    past = history()
    past.look([home()], [], 1000.0)
    assert past.look([home()], [breaker("open")], 1001.0) == [Turned("home", True, "m")]
    assert past.look([home()], [breaker("half_open")], 1002.0) == []
    assert past.out() == ["home"]
    assert past.look([home()], [breaker("closed")], 1003.0) == [Turned("home", False)]
    assert [(one["what"], one["became"]) for one in shown(past, 1003.0)["changes"][1:]] == [
        ("breaker m", "open"),
        ("breaker m", "closed"),
    ]


def test_an_opening_between_two_looks_is_in_the_history() -> None:
    past = history()
    past.look([home()], [], 1000.0)
    past.look([home()], [breaker("closed", opened=1)], 1001.0)
    assert shown(past)["changes"][-1] == {"at": 1001.0, "what": "breaker m", "became": "open"}


def test_a_found_runtime_that_is_gone_is_down() -> None:
    past = history()
    past.look([home(), home(name="ollama")], [], 1000.0)
    assert past.look([home()], [], 1001.0) == [Turned("ollama", True)]
    assert past.look([home()], [], 1002.0) == []


def test_memory_is_bounded(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "_MOST_BACKENDS", 3)
    past = history()
    for number in range(10):
        past.look([home(name=f"b{number}")], [], 1000.0 + number)
    assert [*past.view(1010.0)["backends"]] == ["b7", "b8", "b9"]
    past.look([home(name=f"c{number}") for number in range(5)], [], 2000.0)
    assert len(past.view(2000.0)["backends"]) == 3
    for number in range(200):
        past.look([home("down" if number % 2 else "up", "c0")], [], 2000.0 + number)
    assert len(past.view(2200.0)["backends"]["c0"]["changes"]) == 50
    past.note(exchange("nobody:ok"))
    assert "nobody" not in past.view(2200.0)["backends"]
