"""Whatever is asked of whatever backends under whatever policy: there is a decision, and private stays home."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from tests.support.strategies import MODERATE, asks, policies, snapshots

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import Decision, Order, Snapshot
from tidegate.core.errors import ClientMistake, PolicyRefusal
from tidegate.routing.classify import classify
from tidegate.routing.decide import decide
from tidegate.routing.explain import decision_view, refusal_error, rule_of
from tidegate.routing.order import Figure, Figures, Price, ordered
from tidegate.routing.policy import Ask, Policy


def boundaries(decision: Decision, snapshot: Snapshot) -> list[Boundary]:
    by_name = {view.name: view for view in snapshot.backends}
    return [by_name[candidate.backend].boundary for candidate in decision.candidates]


@given(asks(), snapshots(), policies())
@MODERATE
def test_there_is_always_a_decision_with_candidates_or_with_a_refusal(ask, snapshot, policy):
    decision = decide(ask, snapshot, policy)
    assert bool(decision.candidates) is (decision.refusal is None)
    assert decision.asked_model == ask.model


@given(asks(), snapshots(), policies())
@MODERATE
def test_every_decision_can_be_explained(ask, snapshot, policy):
    decision = decide(ask, snapshot, policy)
    assert all(rule_of(code) for code in decision.rules)
    assert decision_view(decision)["class"] == decision.data_class.value
    if not decision.candidates:
        assert isinstance(refusal_error(decision, snapshot, policy), (ClientMistake, PolicyRefusal))


@given(asks(), snapshots(), policies())
@MODERATE
def test_a_private_request_has_no_external_candidate(ask, snapshot, policy):
    private = Ask(ask.model, ask.client_class, DataClass.PRIVATE)
    decision = decide(private, snapshot, policy)
    assert decision.data_class is DataClass.PRIVATE
    assert Boundary.EXTERNAL not in boundaries(decision, snapshot)


@given(asks(), snapshots(), policies())
@MODERATE
def test_no_candidate_gets_more_than_it_accepts(ask, snapshot, policy):
    decision = decide(ask, snapshot, policy)
    by_name = {view.name: view for view in snapshot.backends}
    assert all(by_name[one.backend].accepts.rank >= decision.data_class.rank for one in decision.candidates)


@given(asks(), snapshots(), policies())
@MODERATE
def test_the_model_local_has_no_external_candidate(ask, snapshot, policy):
    decision = decide(Ask("local", ask.client_class), snapshot, Policy(policy.default_class))
    assert Boundary.EXTERNAL not in boundaries(decision, snapshot)


@given(asks(), policies())
@MODERATE
def test_a_class_is_never_lowered(ask, policy):
    data_class, _ = classify(ask, policy)
    assert data_class.rank >= policy.default_class.rank
    for named in (ask.client_class, ask.wished_class):
        assert named is None or data_class.rank >= named.rank


@given(asks(), snapshots(), policies())
@MODERATE
def test_a_higher_class_never_opens_a_backend(ask, snapshot, policy):
    low = decide(ask, snapshot, policy)
    high = decide(Ask(ask.model, ask.client_class, DataClass.PRIVATE), snapshot, policy)
    assert set(high.candidates) <= set(low.candidates)


@given(asks(), snapshots(), policies())
@MODERATE
def test_health_changes_the_order_and_never_who_may_answer(ask, snapshot, policy):
    healthy = Snapshot(tuple(replace(view, health="up") for view in snapshot.backends))
    candidates = decide(ask, snapshot, policy).candidates
    assert sorted(candidates, key=repr) == sorted(decide(ask, healthy, policy).candidates, key=repr)
    down = [next(view for view in snapshot.backends if view.name == one.backend).health == "down" for one in candidates]
    assert down == sorted(down)


@given(asks(), snapshots(), policies())
@MODERATE
def test_the_same_question_has_the_same_answer(ask, snapshot, policy):
    assert decide(ask, snapshot, policy) == decide(ask, snapshot, policy)


@given(asks(), snapshots(), policies(), st.sampled_from(get_args(Order)), st.booleans(), st.data())
@MODERATE
def test_an_order_adds_nobody_drops_nobody_and_leaves_who_was_down_last(ask, snapshot, policy, order, hosted, data):
    decision = decide(ask, snapshot, policy)
    places = [(one.backend, one.model) for one in decision.candidates]
    known = {place: data.draw(figures()) for place in places if data.draw(st.booleans())}
    given_figures = Figures(1000.0, 100, known, lambda _model: data.draw(st.none() | st.builds(Price)))
    found = ordered(decision, order, snapshot, hosted=hosted, figures=given_figures)
    assert sorted(found.candidates, key=repr) == sorted(decision.candidates, key=repr)
    assert replace(found, candidates=decision.candidates, rules=decision.rules) == decision
    assert all(rule_of(code) for code in found.rules)
    down = [
        next(view for view in snapshot.backends if view.name == one.backend).health == "down"
        for one in found.candidates
    ]
    assert down == sorted(down)


def figures() -> st.SearchStrategy[Figure]:
    some = st.none() | st.floats(0, 100)
    return st.builds(Figure, st.integers(0, 4), st.floats(0, 1000), st.booleans(), some, some, some)
