"""The choice: each rule where it applies, the order of candidates, and why there may be none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView, Candidate, Decision, Health, OnBreak, Rewritten, Snapshot
from tidegate.core.profile import FEATURES, Fact, Feature, Profile, Way
from tidegate.routing.decide import decide, forbids
from tidegate.routing.policy import Alias, Ask, Policy

PUBLIC, INTERNAL, PRIVATE = DataClass.PUBLIC, DataClass.INTERNAL, DataClass.PRIVATE


def view(
    name: str,
    boundary: Boundary = Boundary.DEVICE,
    accepts: DataClass = PRIVATE,
    health: Health = "up",
    model: str = "m",
) -> BackendView:
    return BackendView(name, boundary, accepts, health, (model,), declared=ABLE)


ABLE = tuple(Fact(feature, "native", "declared") for feature in FEATURES)
BOX = view("box")
LAB = view("lab", Boundary.PRIVATE)
CLOUD = view("cloud", Boundary.EXTERNAL, PUBLIC)
TRUSTED = view("trusted", Boundary.EXTERNAL, INTERNAL)


def decided(
    *views: BackendView, model: str = "auto", wished: DataClass | None = None, policy: Policy | None = None
) -> Decision:
    return decide(Ask(model, wished_class=wished), Snapshot(views), policy or Policy())


def names(decision: Decision) -> list[str]:
    return [candidate.backend for candidate in decision.candidates]


def verdicts(decision: Decision) -> list[tuple[str, str, bool]]:
    return [(verdict.backend, verdict.code, verdict.kept) for verdict in decision.verdicts]


def test_a_public_request_may_go_anywhere_in_the_order_of_preference():
    decision = decided(CLOUD, BOX, LAB)
    assert names(decision) == ["cloud", "box", "lab"]
    assert verdicts(decision) == [("cloud", "RTE020", True), ("box", "RTE020", True), ("lab", "RTE020", True)]
    assert decision.rules == ("CLS001", "RTE003", "RTE020")
    assert (decision.data_class, decision.refusal) == (PUBLIC, None)


def test_a_private_request_stays_home_even_if_home_is_asked_last():
    decision = decided(CLOUD, TRUSTED, BOX, LAB, wished=PRIVATE)
    assert names(decision) == ["box", "lab"]
    assert verdicts(decision)[:2] == [("cloud", "RTE010", False), ("trusted", "RTE010", False)]
    assert decision.rules == ("CLS001", "CLS004", "RTE003", "RTE010", "RTE020")


def test_an_external_backend_that_claims_to_accept_private_is_not_believed():
    liar = view("liar", Boundary.EXTERNAL, PRIVATE)
    decision = decided(liar, wished=PRIVATE)
    assert (names(decision), verdicts(decision)) == ([], [("liar", "RTE010", False)])


def test_an_internal_request_leaves_only_where_it_was_allowed():
    decision = decided(CLOUD, TRUSTED, wished=INTERNAL)
    assert names(decision) == ["trusted"]
    assert verdicts(decision) == [("cloud", "RTE011", False), ("trusted", "RTE020", True)]


def test_a_backend_at_home_may_be_given_less_too():
    guest = view("guest", Boundary.PRIVATE, INTERNAL)
    assert verdicts(decided(guest, wished=PRIVATE)) == [("guest", "RTE011", False)]
    assert names(decided(guest, wished=INTERNAL)) == ["guest"]


def test_a_backend_that_is_down_is_tried_last():
    down = view("down", health="down")
    decision = decided(down, BOX, LAB)
    assert names(decision) == ["box", "lab", "down"]
    assert verdicts(decision) == [("down", "RTE021", True), ("box", "RTE020", True), ("lab", "RTE020", True)]


def test_if_all_are_down_they_are_tried_in_their_order():
    assert names(decided(view("a", health="down"), view("b", health="down"))) == ["a", "b"]


@pytest.mark.parametrize("health", ["up", "starting", "unknown"])
def test_only_a_backend_known_to_be_down_waits(health):
    assert names(decided(view("a", health=health), BOX)) == ["a", "box"]


def test_being_down_opens_no_door():
    down = view("cloud", Boundary.EXTERNAL, PUBLIC, "down")
    assert verdicts(decided(down, wished=PRIVATE)) == [("cloud", "RTE010", False)]
    assert names(decided(view("box", health="down"), CLOUD, wished=PRIVATE)) == ["box"]


def test_the_name_local_drops_what_is_external_whatever_the_class():
    decision = decided(CLOUD, BOX, model="local")
    assert names(decision) == ["box"]
    assert verdicts(decision) == [("cloud", "RTE012", False), ("box", "RTE020", True)]


def test_a_model_id_drops_who_does_not_serve_it():
    decision = decided(view("a", model="x"), view("b", model="y"), model="y")
    assert names(decision) == ["b"]
    assert verdicts(decision) == [("a", "RTE013", False), ("b", "RTE020", True)]


def test_a_named_backend_is_the_only_candidate():
    decision = decided(CLOUD, BOX, model="box/m")
    assert names(decision) == ["box"]
    assert decision.rules == ("CLS001", "RTE001", "RTE020")


def test_naming_an_external_backend_does_not_get_a_private_request_there():
    decision = decided(CLOUD, BOX, model="cloud/m", wished=PRIVATE)
    assert (names(decision), decision.refusal) == ([], "class_forbids")


def test_an_alias_binds_its_class_to_its_targets():
    policy = Policy(aliases={"work": Alias("work", ("cloud", "box"), PRIVATE)})
    decision = decided(CLOUD, BOX, model="work", policy=policy)
    assert names(decision) == ["box"]
    assert decision.rules == ("CLS001", "CLS003", "RTE002", "RTE010", "RTE020")


@pytest.mark.parametrize(
    ("views", "model", "wished", "refusal"),
    [
        ((), "auto", None, "no_backend"),
        ((BackendView("new", Boundary.DEVICE, PRIVATE, "up", ()),), "auto", None, "no_backend"),
        ((BackendView("new", Boundary.DEVICE, PRIVATE, "up", ()),), "local", None, "no_backend"),
        ((CLOUD,), "local", None, "nothing_local"),
        ((), "local", None, "nothing_local"),
        ((CLOUD,), "auto", PRIVATE, "class_forbids"),
        ((CLOUD,), "m", INTERNAL, "class_forbids"),
        ((BOX,), "unheard-of", None, "unknown_model"),
        ((BOX,), "gone/m", None, "unknown_backend"),
        ((BOX,), "box/other", None, "model_not_served"),
    ],
)
def test_without_candidates_the_decision_says_why(views, model, wished, refusal):
    decision = decided(*views, model=model, wished=wished)
    assert (decision.candidates, decision.refusal) == ((), refusal)
    assert decision.asked_model == model


@pytest.mark.parametrize(
    ("one", "data_class", "code"),
    [
        (BOX, PRIVATE, None),
        (LAB, PRIVATE, None),
        (CLOUD, PUBLIC, None),
        (CLOUD, INTERNAL, "RTE011"),
        (CLOUD, PRIVATE, "RTE010"),
        (TRUSTED, INTERNAL, None),
        (TRUSTED, PRIVATE, "RTE010"),
    ],
)
def test_who_may_take_what(one, data_class, code):
    rule = forbids(one, data_class)
    assert (rule.code if rule else None) == code


HOSTED = BackendView(
    "deepseek", Boundary.EXTERNAL, DataClass.PUBLIC, "up", ("deepseek-flash", "deepseek-v4-pro"), declared=ABLE
)


def legacy(name: str, *backends: BackendView, rewrites: bool = True, **policy: Any) -> Decision:
    return decide(Ask(name), Snapshot(backends), Policy(rewrites_legacy=rewrites, **policy))


@pytest.mark.parametrize(
    ("name", "thinking"),
    [("deepseek-chat", "disabled"), ("deepseek-reasoner", "enabled"), ("deepseek-v4-flash", None)],
)
def test_a_retired_name_is_rewritten_with_the_thinking_that_it_meant(name, thinking):
    decision = legacy(name, HOSTED)
    assert decision.candidates == (Candidate("deepseek", "deepseek-flash"),)
    assert decision.rewritten == Rewritten(name, "deepseek-flash", thinking)
    assert decision.rules == ("CLS001", "RTE006", "RTE005", "RTE020")
    assert decision.asked_model == name


def test_a_retired_name_is_unknown_unless_the_policy_takes_it():
    decision = legacy("deepseek-chat", HOSTED, rewrites=False)
    assert (decision.refusal, decision.rewritten, decision.candidates) == ("unknown_model", None, ())


def test_who_serves_a_retired_name_itself_is_taken_at_its_word():
    own = BackendView("own", Boundary.DEVICE, DataClass.PRIVATE, "up", ("deepseek-chat",))
    decision = legacy("deepseek-chat", HOSTED, own)
    assert (decision.candidates, decision.rewritten) == ((Candidate("own", "deepseek-chat"),), None)
    aliased = legacy("deepseek-chat", HOSTED, own, aliases={"deepseek-chat": Alias("deepseek-chat", ("own",))})
    assert (aliased.rewritten, aliased.candidates) == (None, (Candidate("own", "deepseek-chat"),))


def test_an_alias_of_the_new_name_binds_the_old_one_with_its_class():
    own = view("own")
    pinned = Alias("deepseek-flash", ("own", "deepseek"), DataClass.PRIVATE)
    decision = legacy("deepseek-chat", HOSTED, own, aliases={"deepseek-flash": pinned})
    assert decision.data_class is DataClass.PRIVATE
    assert decision.candidates == (Candidate("own", "m"),)
    assert ("deepseek", "RTE010") in [(verdict.backend, verdict.code) for verdict in decision.verdicts]


def test_a_name_of_another_provider_is_told_by_its_rule():
    decision = decide(Ask("m", renamed_from="claude-x"), Snapshot((BOX,)), Policy())
    assert decision.rules == ("CLS001", "RTE007", "RTE005", "RTE020")
    assert decision.asked_model == "claude-x", "an error names what the client sent"


def test_who_has_not_shown_that_requests_stay_there_is_dropped_by_a_rule_of_its_own():
    box = BackendView("box", Boundary.EXTERNAL, PUBLIC, "up", ("m",), unattested=True)
    for wished in (PRIVATE, INTERNAL):
        assert verdicts(decided(box, CLOUD, wished=wished))[0] == ("box", "RTE014", False)
    assert names(decided(box)) == ["box"], "what is public may go there"
    inside = BackendView("box", Boundary.DEVICE, PRIVATE, "up", ("m",), unattested=True)
    assert forbids(inside, PRIVATE) is None


def skilled(name: str, boundary: Boundary = Boundary.DEVICE, **ways: Way | None) -> BackendView:
    """A backend of which each feature is known as said; None is unknown."""
    facts = tuple(Fact(cast("Feature", feature), way, "declared", "VLL005") for feature, way in ways.items())
    return BackendView(
        name, boundary, PRIVATE if boundary is not Boundary.EXTERNAL else PUBLIC, "up", ("m",), declared=facts
    )


def needing(*views: BackendView, needs: tuple[Feature, ...], model: str = "auto", **more: Any) -> Decision:
    return decide(Ask(model, needs=frozenset(needs), **more), Snapshot(views), Policy(rewrites_legacy=True))


@pytest.mark.parametrize(
    ("way", "kept", "code"),
    [("native", True, "RTE020"), ("emulated", True, "RTE020"), ("refused", False, "RTE016"), (None, False, "RTE017")],
)
def test_a_request_goes_only_where_what_it_depends_on_is_known_to_work(way, kept, code):
    decision = needing(skilled("box", json=way), needs=("json",))
    assert verdicts(decision) == [("box", code, kept)]
    assert decision.refusal == (None if kept else "lacks_feature")
    assert decision.needs == {"json"}


def test_of_several_backends_those_that_can_are_left_in_their_order():
    views = (skilled("a", json="refused"), skilled("b", json="emulated"), skilled("c"), skilled("d", json="native"))
    assert names(needing(*views, needs=("json",))) == ["b", "d"]
    assert names(needing(*views, needs=())) == ["a", "b", "c", "d"]


def test_what_is_known_of_a_model_counts_before_what_is_declared_for_all():
    box = skilled("box", json="native")
    failed = Profile("m", facts=(Fact("json", "refused", "measured", "PRF002"),))
    measured = replace(box, profiles=(failed,))
    assert names(needing(measured, needs=("json",))) == []
    other = replace(box, profiles=(Profile("other", facts=failed.facts),))
    assert names(needing(other, needs=("json",))) == ["box"]


def test_a_class_is_looked_at_before_ability():
    cloud = skilled("cloud", Boundary.EXTERNAL, json="native")
    decision = needing(cloud, skilled("box", json="refused"), needs=("json",), wished_class=PRIVATE)
    assert verdicts(decision) == [("cloud", "RTE010", False), ("box", "RTE016", False)]
    assert decision.refusal == "lacks_feature"
    assert needing(cloud, needs=("json",), wished_class=PRIVATE).refusal == "class_forbids"


@pytest.mark.parametrize(("says", "kept"), [(False, []), (True, ["box"])])
def test_a_retired_name_that_meant_no_thinking_needs_a_backend_that_can_leave_it(says, kept):
    box = replace(skilled("box", thinking_off="refused"), models=("deepseek-flash",))
    decision = needing(box, needs=(), model="deepseek-chat", says_thinking=says)
    assert names(decision) == kept


@pytest.mark.parametrize(
    ("route", "own", "each", "continues"),
    [
        ("fail", None, False, False),
        ("continue", None, False, True),
        ("fail", "continue", False, True),
        ("continue", "fail", False, False),
        ("continue", None, True, False),
    ],
)
def test_whether_a_broken_answer_is_continued_is_the_routes_or_the_aliass_word(
    route: OnBreak, own: OnBreak | None, each: bool, continues: bool
):
    policy = Policy(aliases={"mine": Alias("mine", ("box", "lab"), each=each, on_break=own)}, on_break=route)
    assert decided(BOX, LAB, model="mine", policy=policy).continues is continues
    assert decided(BOX, LAB, policy=policy).continues is (route == "continue")
