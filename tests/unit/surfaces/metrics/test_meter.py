"""An exchange that is over becomes numbers: under names that the gateway knows, once, and for little time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView, Snapshot
from tidegate.core.exchange import Exchange, Send
from tidegate.core.usage import Usage
from tidegate.surfaces.metrics import catalogue as known
from tidegate.surfaces.metrics import meter as module
from tidegate.surfaces.metrics.catalogue import Metric
from tidegate.surfaces.metrics.meter import Meter, Place

HOME = BackendView("home", Boundary.DEVICE, DataClass.PRIVATE, "up", ("m",))


def meter(*views: BackendView) -> Meter:
    made, snapshot = Meter(), Snapshot(views or (HOME,))
    made.serve(lambda: snapshot, ("auto", "deepseek-flash"), lambda name: Place("vllm", f"{name}.test", "8000"))
    return made


def ended(**more: Any) -> Exchange:
    exchange = Exchange("ex_1", "openai_chat", 1000.0, client="ann", asked_model="auto", status=200)
    exchange.data_class, exchange.boundary = DataClass.PRIVATE, Boundary.DEVICE
    exchange.backend, exchange.model, exchange.attempts = "home", "m", ["home:ok"]
    exchange.sends = [Send("home", Boundary.DEVICE, DataClass.PRIVATE, False)]
    exchange.usage, exchange.cost_usd = Usage(prompt=100, output=11), Decimal("0.5")
    exchange.first_frame_s, exchange.duration_s = 0.5, 2.5
    for name, value in more.items():
        setattr(exchange, name, value)
    return exchange


def counted(made: Meter, metric: Metric) -> dict[tuple[str, ...], float]:
    return dict(dict(made.tally.counters())[metric])


def observed(made: Meter, metric: Metric) -> dict[tuple[str, ...], float]:
    """Sums by labels."""
    return {labels: total for labels, _, total in dict(made.tally.histograms())[metric]}


def test_an_answer_is_counted_in_every_way_it_has() -> None:
    made = meter()
    made.note(ended())
    asked = ("chat", "vllm", "auto", "m", "home.test", "8000", "home")
    assert observed(made, known.DURATION) == {(*asked, ""): 2.5}
    assert observed(made, known.FIRST) == {asked: 0.5}
    assert observed(made, known.PER_OUTPUT) == {asked: 0.2}
    assert observed(made, known.USAGE) == {(*asked, "input"): 100, (*asked, "output"): 11}
    assert counted(made, known.REQUESTS) == {("openai_chat", "ann", "private", "device", "200"): 1}
    assert counted(made, known.SENDS) == {("home", "device", "private", "false"): 1}
    assert counted(made, known.ATTEMPTS) == {("home", "ok"): 1}
    assert counted(made, known.COST) == {("ann", "home"): 0.5}
    for metric in (known.RETRIES, known.FALLBACKS, known.CONTINUED, known.REFUSED):
        assert counted(made, metric) == {}


def test_alike_exchanges_share_their_cells() -> None:
    made = meter()
    for _ in range(3):
        made.note(ended())
    assert counted(made, known.REQUESTS) == {("openai_chat", "ann", "private", "device", "200"): 3}
    assert len(made._rows) == 1


def test_what_was_not_reported_is_not_counted_as_nothing() -> None:
    made = meter()
    made.note(ended(usage=Usage(prompt=None, output=None), cost_usd=None))
    made.note(ended(usage=None, cost_usd=None))
    assert observed(made, known.USAGE) == observed(made, known.PER_OUTPUT) == {}
    assert counted(made, known.COST) == {}


@pytest.mark.parametrize("more", [{"usage": Usage(output=1)}, {"error": "BrokenContract", "status": 502}])
def test_a_time_per_token_needs_a_whole_answer_of_two_tokens(more: dict[str, Any]) -> None:
    made = meter()
    made.note(ended(**more))
    assert observed(made, known.PER_OUTPUT) == {}


@pytest.mark.parametrize(
    ("asked", "label"),
    [
        ("auto", "auto"),
        ("m", "m"),
        ("home/m", "home/m"),
        ("my pasted prompt", "other"),
        ("home/made-up", "other"),
        ("", ""),
    ],
)
def test_a_model_name_is_a_label_only_if_it_is_known(asked: str, label: str) -> None:
    made = meter()
    made.note(ended(asked_model=asked))
    ((labels, _),) = observed(made, known.DURATION).items()
    assert labels[2] == label


def test_a_name_that_an_upstream_made_up_is_no_label_either() -> None:
    made = meter()
    made.note(ended(model="what the server said"))
    ((labels, _),) = observed(made, known.DURATION).items()
    assert labels[3] == "other"


def test_a_model_that_comes_later_is_learned_and_their_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_NAMES", 8)
    made, seen = Meter(), [Snapshot((HOME,))]
    made.serve(lambda: seen[0])
    seen[0] = Snapshot((HOME, BackendView("b", Boundary.DEVICE, DataClass.PRIVATE, "up", ("n", "o", "p"))))
    for model in ("n", "p"):
        made.note(ended(asked_model=model))
    assert {labels[2] for labels in observed(made, known.DURATION)} == {"n", "other"}


def test_trouble_is_told_apart() -> None:
    made = meter()
    made.note(ended(queued_s=1.5, attempts=["cloud:BackendFailed", "home:ok"], fell_back="RTE030"))
    made.note(ended(attempts=["home:BackendFailed", "home:ok"], retried="RES001", continued="RES010"))
    made.note(ended(waited="RTE031"))
    assert observed(made, known.QUEUE_WAIT) == {("home",): 1.5}
    assert counted(made, known.FALLBACKS) == counted(made, known.CONTINUED) == {("home",): 1}
    assert counted(made, known.RETRIES) == {("home", "RES001"): 1, ("home", "RTE031"): 1}
    attempts = counted(made, known.ATTEMPTS)
    assert attempts == {("cloud", "BackendFailed"): 1, ("home", "BackendFailed"): 1, ("home", "ok"): 3}


@pytest.mark.parametrize("error", ["AuthenticationFailed", "BudgetSpent", "LimitReached", "PolicyRefusal"])
def test_refusals_of_the_gateways_own_are_counted_by_client(error: str) -> None:
    made = meter()
    nothing = dict.fromkeys(("backend", "model", "boundary", "usage", "cost_usd", "first_frame_s"))
    made.note(ended(error=error, status=402, attempts=[], sends=[], **nothing))
    assert counted(made, known.REFUSED) == {("ann", error): 1}
    ((labels, _),) = observed(made, known.DURATION).items()
    assert labels == ("chat", "", "auto", "", "", "", "", error)


def test_fim_is_a_text_completion() -> None:
    made = meter()
    made.note(ended(surface="openai_completions"))
    assert {labels[0] for labels in observed(made, known.DURATION)} == {"text_completion"}


def test_under_a_new_configuration_places_are_asked_anew() -> None:
    made = meter()
    made.note(ended())
    made.serve(lambda: Snapshot((HOME,)), ("auto",), lambda _name: Place("ollama", "new.test", "1"))
    made.note(ended())
    assert {labels[4] for labels in observed(made, known.DURATION)} == {"home.test", "new.test"}


def test_rows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_ROWS", 2)
    made = meter()
    for status in range(200, 210):
        made.note(ended(status=status))
    assert len(made._rows) == 2
    assert len(counted(made, known.REQUESTS)) == 10
