"""A decision in words: which error a refusal is, what it names, and what it never shows."""

from __future__ import annotations

import pytest

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView, Snapshot
from tidegate.core.errors import GatewayError, NotFound, NotSupported, PolicyRefusal, UnknownModel
from tidegate.core.profile import Fact, Profile
from tidegate.routing.decide import decide
from tidegate.routing.explain import decision_view, model_names, refusal_error, rule_of
from tidegate.routing.policy import Alias, Ask, Policy

BOX = BackendView("box", Boundary.DEVICE, DataClass.PRIVATE, "up", ("qwen", "org/m"))
CLOUD = BackendView("cloud", Boundary.EXTERNAL, DataClass.PUBLIC, "up", ("deepseek-flash", "qwen"))
SNAPSHOT = Snapshot((BOX, CLOUD))
POLICY = Policy(aliases={"work": Alias("work", ("cloud",), DataClass.PRIVATE)})


def refused(model: str, snapshot: Snapshot = SNAPSHOT, wished: DataClass | None = None) -> GatewayError:
    decision = decide(Ask(model, wished_class=wished), snapshot, POLICY)
    assert decision.candidates == ()
    return refusal_error(decision, snapshot, POLICY)


def test_the_names_a_client_may_send_come_once_each_reserved_ones_first():
    assert model_names(SNAPSHOT, POLICY) == ("auto", "local", "work", "qwen", "org/m", "deepseek-flash")


def test_a_bare_unknown_name_is_refused_in_the_hosted_words():
    error = refused("deepseek-chat")
    assert (type(error), error.status) == (UnknownModel, 400)
    assert error.message == (
        "The supported API model names are auto, local, work, qwen, org/m, deepseek-flash, but you passed deepseek-chat."
    )


@pytest.mark.parametrize("model", ["gone/qwen", "box/unheard-of", "box/"])
def test_an_address_that_leads_nowhere_is_not_found(model):
    error = refused(model)
    assert (type(error), error.status) == (NotFound, 404)
    assert error.message == f"No backend serves the model {model}; GET /models lists what there is."


@pytest.mark.parametrize(
    "model",
    ["x" * 81, "patient\nCANARY", "CANARY\x00", "CANARY\u2028", "box/" + "CANARY" * 20, "gone/CANARY\x1b[31m"],
)
def test_a_name_too_long_or_unprintable_is_not_echoed(model):
    message = refused(model).message
    assert "(a name too long or odd to show)" in message
    assert "CANARY" not in message
    assert "x" * 81 not in message


def test_a_name_of_eighty_characters_is_still_shown():
    assert "x" * 80 in refused("x" * 80).message


def test_a_class_that_forbids_every_backend_says_which_and_by_which_rule():
    error = refused("auto", Snapshot((CLOUD,)), DataClass.PRIVATE)
    assert (type(error), error.status) == (PolicyRefusal, 403)
    assert error.message == (
        "A private request may not go to any backend behind the model auto (cloud: RTE010); nothing was sent. "
        "Ask for the model `local`, or change the policy."
    )


def test_an_alias_that_forbids_is_explained_too():
    assert "(cloud: RTE010)" in refused("work").message


def test_nothing_local_says_how_to_get_something():
    error = refused("local", Snapshot((CLOUD,)))
    assert (type(error), error.status) == (PolicyRefusal, 403)
    assert "[embedded]" in error.message


def test_no_backend_at_all_says_what_to_configure():
    error = refused("auto", Snapshot(()))
    assert (type(error), error.status) == (PolicyRefusal, 403)
    assert "[backends.NAME]" in error.message


@pytest.mark.parametrize("code", ["CLS001", "CLS005", "RTE001", "RTE030"])
def test_every_routing_code_has_its_rule(code):
    rule = rule_of(code)
    assert rule is not None
    assert rule.code == code


def test_a_code_of_another_book_has_none_here():
    assert rule_of("LCP001") is None
    assert rule_of("") is None


def test_a_decision_is_shown_whole():
    assert decision_view(decide(Ask("qwen", wished_class=DataClass.PRIVATE), SNAPSHOT, POLICY)) == {
        "model": "qwen",
        "class": "private",
        "rules": ["CLS001", "CLS004", "RTE005", "RTE020", "RTE010"],
        "candidates": ["box/qwen"],
        "verdicts": [
            {
                "backend": "box",
                "kept": True,
                "rule": "RTE020",
                "why": "kept: allowed, serves the model, not known to be down",
            },
            {
                "backend": "cloud",
                "kept": False,
                "rule": "RTE010",
                "why": "dropped: a private request may not leave, and this backend is external",
            },
        ],
        "needs": [],
        "refusal": None,
        "rewritten": None,
    }


def test_a_refusal_is_shown_by_its_name():
    assert decision_view(decide(Ask("gone/m"), SNAPSHOT, POLICY))["refusal"] == "unknown_backend"


def test_a_feature_that_nobody_has_is_named_with_the_rules_that_say_why():
    lacking = (Fact("json", "refused", "measured", "PRF002"), Fact("prefix", "refused", "declared", "VLL005"))
    box = BackendView("box", Boundary.DEVICE, DataClass.PRIVATE, "up", ("m",), profiles=(Profile("m", facts=lacking),))
    cloud = BackendView("cloud", Boundary.EXTERNAL, DataClass.PUBLIC, "up", ("m",))
    snapshot = Snapshot((box, cloud))
    decision = decide(Ask("m", needs=frozenset({"json", "prefix"})), snapshot, POLICY)
    error = refusal_error(decision, snapshot, POLICY)
    assert (type(error), error.status) == (NotSupported, 400)
    assert error.message == (
        "`response_format` and Chat Prefix Completion (`prefix`), see PRF002, VLL005, are not supported by any backend "
        "that may take this public request (box: RTE016, cloud: RTE017); use another `model`. `tidegate status` shows what "
        "each can do."
    )
    assert decision_view(decision)["needs"] == ["json", "prefix"]


def test_one_missing_feature_of_which_nothing_is_known():
    box = BackendView("box", Boundary.DEVICE, DataClass.PRIVATE, "up", ("m",))
    decision = decide(Ask("m", needs=frozenset({"thinking_off"})), Snapshot((box,)), POLICY)
    message = refusal_error(decision, Snapshot((box,)), POLICY).message
    assert message.startswith(
        "`thinking` disabled is not supported by any backend that may take this public request (box: RTE017)"
    )
