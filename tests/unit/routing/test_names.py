"""What a model name means: reserved names, aliases, addresses, and ids that a backend serves."""

from __future__ import annotations

import pytest

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView, Candidate, Snapshot, Verdict
from tidegate.routing.names import RESERVED, Meaning, resolve
from tidegate.routing.policy import Alias, Policy


def view(name: str, *models: str, boundary: Boundary = Boundary.DEVICE, serves_any: bool = False) -> BackendView:
    return BackendView(name, boundary, DataClass.PRIVATE, "up", models, serves_any)


BOX = view("box", "qwen", "org/model")
LAB = view("lab", "qwen", boundary=Boundary.PRIVATE)
CLOUD = view("cloud", "deepseek-flash", "qwen", boundary=Boundary.EXTERNAL)
NEW = view("new")
OPEN = view("open", serves_any=True)
SNAPSHOT = Snapshot((BOX, LAB, CLOUD, NEW, OPEN))
POLICY = Policy(
    aliases={
        "work": Alias("work", ("lab", "cloud/deepseek-flash")),
        "partly": Alias("partly", ("gone/m", "box/other", "box/org/model")),
        "lost": Alias("lost", ("gone", "box/other")),
        "auto-ish": Alias("auto-ish", ("auto",)),
        "deepseek-flash": Alias("deepseek-flash", ("box",)),
    }
)


def pairs(meaning: Meaning) -> list[tuple[str, str]]:
    assert all(one.name == candidate.backend for one, candidate in meaning.targets)
    return [(candidate.backend, candidate.model) for _, candidate in meaning.targets]


def resolved(name: str, policy: Policy = POLICY) -> Meaning:
    return resolve(name, SNAPSHOT, policy)


def dropped(meaning: Meaning) -> list[tuple[str, str]]:
    assert not any(verdict.kept for verdict in meaning.dropped)
    return [(verdict.backend, verdict.code) for verdict in meaning.dropped]


def test_auto_means_every_backend_with_its_default_model():
    meaning = resolved("auto")
    assert (meaning.code, meaning.refusal) == ("RTE003", None)
    assert pairs(meaning) == [("box", "qwen"), ("lab", "qwen"), ("cloud", "deepseek-flash")]


def test_local_means_every_backend_that_is_not_external():
    meaning = resolved("local")
    assert (meaning.code, meaning.refusal) == ("RTE004", None)
    assert pairs(meaning) == [("box", "qwen"), ("lab", "qwen")]
    assert dropped(meaning) == [("cloud", "RTE012")]


def test_local_with_nothing_local_is_a_refusal_of_its_own():
    meaning = resolve("local", Snapshot((CLOUD,)), POLICY)
    assert (pairs(meaning), dropped(meaning), meaning.refusal) == ([], [("cloud", "RTE012")], "nothing_local")


def test_a_backends_bare_name_means_its_default_model():
    meaning = resolved("box")
    assert (meaning.code, pairs(meaning), meaning.refusal) == ("RTE001", [("box", "qwen")], None)


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("box/qwen", ("box", "qwen")),
        ("box/org/model", ("box", "org/model")),
        ("open/anything", ("open", "anything")),
        ("open/a/b/c", ("open", "a/b/c")),
    ],
)
def test_an_address_means_one_backend_and_one_model_slashes_and_all(name, pair):
    meaning = resolved(name)
    assert (meaning.code, pairs(meaning), meaning.dropped) == ("RTE001", [pair], ())


@pytest.mark.parametrize("name", ["box/other", "box/", "new", "new/m", "open", "open/", "box/model"])
def test_an_address_whose_backend_does_not_serve_it_goes_nowhere_else(name):
    meaning = resolved(name)
    backend = name.partition("/")[0]
    assert (pairs(meaning), dropped(meaning), meaning.refusal) == ([], [(backend, "RTE013")], "model_not_served")


def test_a_model_id_means_every_backend_that_lists_it():
    meaning = resolved("qwen")
    assert (meaning.code, meaning.refusal) == ("RTE005", None)
    assert pairs(meaning) == [("box", "qwen"), ("lab", "qwen"), ("cloud", "qwen")]
    assert dropped(meaning) == [("new", "RTE013"), ("open", "RTE013")]


def test_a_model_id_may_hold_a_slash():
    assert pairs(resolved("org/model")) == [("box", "org/model")]


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("unheard-of", "unknown_model"),
        ("", "unknown_model"),
        ("AUTO", "unknown_model"),
        ("gone/m", "unknown_backend"),
        ("/", "unknown_backend"),
    ],
)
def test_a_name_nobody_knows_is_refused(name, refusal):
    meaning = resolved(name)
    assert (meaning.code, meaning.targets, meaning.refusal) == ("RTE005", (), refusal)


def test_an_alias_leads_to_its_targets_in_their_order():
    meaning = resolved("work")
    assert (meaning.code, meaning.refusal) == ("RTE002", None)
    assert pairs(meaning) == [("lab", "qwen"), ("cloud", "deepseek-flash")]


def test_an_alias_drops_the_targets_that_are_not_there():
    meaning = resolved("partly")
    assert pairs(meaning) == [("box", "org/model")]
    assert dropped(meaning) == [("gone", "RTE013"), ("box", "RTE013")]
    assert meaning.refusal is None


@pytest.mark.parametrize("name", ["lost", "auto-ish"])
def test_an_alias_without_any_target_left_is_refused(name):
    meaning = resolved(name)
    assert (meaning.code, pairs(meaning), meaning.refusal) == ("RTE002", [], "model_not_served")


def test_an_alias_goes_before_a_model_id_and_a_reserved_name():
    assert pairs(resolved("deepseek-flash")) == [("box", "qwen")]
    mine = Policy(aliases={"auto": Alias("auto", ("lab",))})
    assert pairs(resolved("auto", mine)) == [("lab", "qwen")]


def test_a_meaning_carries_the_view_it_was_made_from():
    assert resolved("box").targets == ((BOX, Candidate("box", "qwen")),)
    assert resolved("box/other").dropped == (Verdict("box", "RTE013", False),)


def test_the_reserved_names_are_two():
    assert RESERVED == ("auto", "local")
