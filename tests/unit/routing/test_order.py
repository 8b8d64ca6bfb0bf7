"""The order of the kept candidates: by place, by needs, by figures; nobody is added and nobody is dropped."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.samples import WEATHER, request

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView, Candidate, Decision, Health, Snapshot
from tidegate.core.requests import FimRequest
from tidegate.routing.needs import needs_of
from tidegate.routing.order import (
    FAILED_S,
    FRESH_S,
    LONG_BYTES,
    Figure,
    Figures,
    Price,
    leans_hosted,
    order_of,
    ordered,
)
from tidegate.routing.policy import Alias, Policy

NOW = 10_000.0
CHEAP, DEAR = Price(0.15e-6, 0.60e-6), Price(1.32e-6, 3.96e-6)


def view(name: str, boundary: Boundary = Boundary.DEVICE, health: Health = "up") -> BackendView:
    return BackendView(name, boundary, DataClass.PUBLIC, health, ("m",))


HOSTED, HOME = view("hosted", Boundary.EXTERNAL), view("home")


def decided(*views: BackendView) -> tuple[Decision, Snapshot]:
    candidates = tuple(Candidate(one.name, "m") for one in views)
    return Decision("auto", DataClass.PUBLIC, ("CLS001",), (), candidates), Snapshot(views)


def names(order: Any, *views: BackendView, **more: Any) -> tuple[list[str], str]:
    decision, snapshot = decided(*views)
    found = ordered(decision, order, snapshot, **more)
    return [one.backend for one in found.candidates], found.rules[-1]


@pytest.mark.parametrize(
    ("order", "first", "rule"), [("hosted-first", "hosted", "RTE040"), ("local-first", "home", "RTE041")]
)
def test_by_place(order, first, rule):
    for views in ((HOSTED, HOME), (HOME, HOSTED)):
        found, code = names(order, *views)
        assert (found[0], code) == (first, rule)


def test_backends_at_an_allow_listed_network_are_at_home():
    lab = view("lab", Boundary.PRIVATE)
    assert names("local-first", HOSTED, lab, HOME)[0] == ["lab", "home", "hosted"]


def test_within_a_place_the_configured_order_stays():
    others = [view(name, boundary) for name, boundary in (("a", Boundary.EXTERNAL), ("b", Boundary.DEVICE))]
    assert names("hosted-first", HOME, HOSTED, *others)[0] == ["hosted", "a", "home", "b"]


def test_one_that_was_down_stays_last_whatever_the_order():
    down = view("down", Boundary.EXTERNAL, "down")
    for order in ("hosted-first", "local-first", "by-needs", "balanced"):
        assert names(order, HOSTED, HOME, down)[0][-1] == "down"


def test_as_configured_nothing_is_touched_and_no_rule_is_named():
    decision, snapshot = decided(HOME, HOSTED)
    assert ordered(decision, "configured", snapshot) is decision
    alone, snapshot = decided(HOME)
    assert ordered(alone, "hosted-first", snapshot) is alone


@pytest.mark.parametrize(("hosted", "first", "rule"), [(True, "hosted", "RTE042"), (False, "home", "RTE043")])
def test_by_needs(hosted, first, rule):
    found, code = names("by-needs", HOSTED, HOME, hosted=hosted)
    assert (found[0], code) == (first, rule)


IMAGE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}]
PREFIX = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Wel", "prefix": True}]


@pytest.mark.parametrize(
    ("fields", "leans"),
    [
        ({}, False),
        ({"thinking": {"type": "disabled"}}, False),
        ({"reasoning_effort": "none"}, False),
        ({"tools": [WEATHER], "tool_choice": "none"}, False),
        ({"thinking": {"type": "enabled"}}, True),
        ({"thinking": {"type": "adaptive"}}, True),
        ({"reasoning_effort": "low"}, True),
        ({"tools": [WEATHER]}, True),
        ({"response_format": {"type": "json_object"}}, True),
        ({"messages": PREFIX}, True),
        ({"messages": IMAGE}, True),
    ],
)
def test_what_leans_to_the_hosted_api(fields, leans):
    asked = request(**fields)
    assert leans_hosted(asked, 100, needs_of(asked)) is leans


def test_long_bodies_and_completions_lean_to_the_hosted_api():
    asked = request()
    assert [leans_hosted(asked, size, frozenset()) for size in (LONG_BYTES, LONG_BYTES + 1)] == [False, True]
    assert leans_hosted(FimRequest(model="m", prompt="a"), 10, frozenset())


def test_an_alias_has_an_order_of_its_own():
    policy = Policy(order="balanced", aliases={"a": Alias("a", ("x",)), "b": Alias("b", ("x",), order="local-first")})
    assert [order_of(name, policy) for name in ("auto", "a", "b")] == ["balanced", "configured", "local-first"]
    assert policy.balances
    assert not Policy(order="hosted-first").balances
    assert Policy(aliases={"b": Alias("b", ("x",), order="balanced")}).balances


def known(duration_s: float | None = 1.0, **more: Any) -> Figure:
    first = None if duration_s is None else 0.0
    return Figure(**{"tries": 9, "asked_at": NOW, "first_frame_s": first, "duration_s": duration_s, **more})


def balanced(hosted: Figure | None, home: Figure | None, price: Price | None = CHEAP, **more: Any):
    figures = {("hosted", "m"): hosted, ("home", "m"): home}
    given = {place: figure for place, figure in figures.items() if figure is not None}
    return names("balanced", HOSTED, HOME, figures=Figures(NOW, 4000, given, lambda _model: price, **more))


@pytest.mark.parametrize(
    ("hosted_s", "home_s", "price", "first"),
    [
        # 1,000 tokens in and 500 out at 0.15 and 0.60 USD per million: 0.00045 USD, as much as 4.5 s.
        (1.0, 5.4, CHEAP, "home"),
        (1.0, 5.6, CHEAP, "hosted"),
        # The larger model at its peak price: 0.0033 USD, 33 s.
        (1.0, 33.9, DEAR, "home"),
        (1.0, 34.1, DEAR, "hosted"),
        (20.0, 20.0, CHEAP, "home"),
    ],
)
def test_cost_and_waiting_are_added(hosted_s, home_s, price, first):
    found, rule = balanced(known(hosted_s), known(home_s), price)
    assert (found[0], rule) == (first, "RTE044")


def test_a_late_first_piece_counts_half_once_more():
    assert balanced(known(1.0), known(5.0, first_frame_s=0.6))[0][0] == "home"
    assert balanced(known(1.0), known(5.0, first_frame_s=1.2))[0][0] == "hosted"


def test_the_answer_is_taken_to_be_as_long_as_the_last_ones():
    assert balanced(known(1.0, output_tokens=10.0), known(5.0))[0][0] == "hosted"


@pytest.mark.parametrize(
    "figure",
    [None, known(tries=1), known(asked_at=NOW - FRESH_S - 1), known(failed=True, asked_at=NOW - FAILED_S - 1)],
)
def test_what_is_not_known_is_tried_first(figure):
    found, rule = balanced(known(), figure)
    assert (found, rule) == (["home", "hosted"], "RTE045")
    assert balanced(None, None)[0] == ["hosted", "home"], "in the configured order"


def test_one_that_just_failed_or_has_no_price_or_no_answer_yet_comes_last():
    for home in (known(0.1, failed=True), known(None)):
        found, rule = balanced(known(99.0), home)
        assert (found, rule) == (["hosted", "home"], "RTE044")
    assert balanced(known(0.1), known(99.0), None)[0] == ["home", "hosted"]


def test_one_that_is_down_is_not_explored():
    figures = Figures(NOW, 0, {("home", "m"): known()}, lambda _model: CHEAP)
    down = view("down", health="down")
    assert names("balanced", down, HOME, figures=figures) == (["home", "down"], "RTE044")
