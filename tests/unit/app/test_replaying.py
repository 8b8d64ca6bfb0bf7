"""Past exchanges under another configuration: the question is put together again from what the ledger keeps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.ledgers import BEGAN, CLOUD, HOME, booked

from tidegate.app.replaying import Replaying, ask_of, environment_for, replaying
from tidegate.config import parse_config
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import Decision
from tidegate.core.errors import Misconfigured
from tidegate.ledger.compared import Unknown
from tidegate.ledger.reading import Seen
from tidegate.routing.policy import Ask

PUBLIC, PRIVATE = DataClass.PUBLIC, DataClass.PRIVATE
BOX = {"kind": "llamacpp", "base_url": "http://127.0.0.1:8080"}
CLOUD_TABLE = {"kind": "deepseek"}
ALONE = {"probe": {"enabled": False}, "embedded": {"enabled": False}}
Build = Callable[..., Replaying]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def put_together(*seen: Seen, environment: dict[str, str] | None = None, **written: Any) -> Replaying:
        return replaying(parse_config({**ALONE, **written}), environment or {}, tmp_path, seen)

    return put_together


def decided(found: Replaying, entry: Any) -> Decision:
    decision = found.decide(entry)
    assert isinstance(decision, Decision), decision
    return decision


def candidates(found: Replaying, entry: Any) -> list[str]:
    return [one.backend for one in decided(found, entry).candidates]


def test_the_backends_of_the_file_are_asked_in_its_order_and_taken_to_be_up(build):
    found = build(backends={"box": BOX, "cloud": CLOUD_TABLE})
    assert candidates(found, booked(0, PUBLIC, CLOUD)) == ["box", "cloud"]
    assert [view.health for view in found.snapshot.backends] == ["up", "up"]
    assert found.change(booked(0, PUBLIC, CLOUD)).kind == "would stay home now"


def test_a_key_that_is_not_set_here_does_not_matter(build):
    config = {"backends": {"box": {**BOX, "key_env": "BOX_KEY"}}, "clients": [{"name": "app", "key_env": "APP_KEY"}]}
    assert candidates(build(**config), booked(0, client="app")) == ["box"]
    made_up = environment_for(parse_config({**ALONE, **config}), {"BOX_KEY": "mine"})
    assert made_up["BOX_KEY"] == "mine"
    assert len(set(made_up.values())) == len(made_up) == 2


def test_a_configuration_that_cannot_be_enforced_is_refused(build):
    with pytest.raises(Misconfigured, match="cannot be enforced"):
        build(backends={"cloud": CLOUD_TABLE}, privacy={"default_class": "private"})


def test_the_class_is_made_anew_from_client_alias_and_header(build):
    found = build(
        backends={"box": BOX, "cloud": CLOUD_TABLE},
        clients=[{"name": "clinic", "key_env": "K", "class": "private"}, {"name": "web", "key_env": "W"}],
        aliases={"notes": {"targets": ["box"], "class": "private"}},
    )
    for changes in ({"client": "clinic"}, {"asked_model": "notes"}, {"wished_class": "private"}):
        assert decided(found, booked(0, PUBLIC, **changes)).data_class is PRIVATE
    assert decided(found, booked(0, PRIVATE, rules="CLS001,CLS004,RTE003")).data_class is PRIVATE
    assert decided(found, booked(0, PRIVATE, client="web")).data_class is PUBLIC


def test_of_a_client_or_model_that_is_not_there_nothing_can_be_said(build):
    found = build(backends={"box": BOX}, clients=[{"name": "web", "key_env": "W"}])
    assert found.decide(booked(0, client="gone")) == Unknown("the client is not configured there")
    for name in (None, "(not a name)"):
        assert found.decide(booked(0, asked_model=name)) == Unknown("the model's name was not kept")
    assert found.change(booked(0, PUBLIC, HOME, asked_model="never-heard-of")).now == "the model is not known there"


def test_models_that_a_backend_was_asked_for_are_taken_to_be_there(build):
    found = build(Seen("box", "device", "qwen"), Seen("box", "device", "phi"), backends={"box": BOX})
    assert found.snapshot.backends[0].models == ("qwen", "phi")
    assert candidates(found, booked(0, asked_model="phi")) == ["box"]
    assert candidates(found, booked(0, asked_model="box/any")) == ["box"]


def test_found_runtimes_stand_where_they_stood_and_the_demo_comes_last(build):
    seen = [Seen("ollama", "device", "qwen"), Seen("lmstudio", "external", "phi"), Seen("gone", "device", "m")]
    found = build(*seen, probe={"enabled": True}, embedded={"enabled": True}, backends={"box": BOX})
    assert [(view.name, view.boundary) for view in found.snapshot.backends] == [
        ("box", Boundary.DEVICE),
        ("lmstudio", Boundary.EXTERNAL),
        ("ollama", Boundary.DEVICE),
        ("embedded", Boundary.DEVICE),
    ]
    without = build(*seen, backends={"box": BOX})
    assert [view.name for view in without.snapshot.backends] == ["box"]


def test_the_hosted_api_is_there_by_its_key_as_it_is_when_serving(build):
    found = build(environment={"DEEPSEEK_API_KEY": "k"}, backends={"box": BOX})
    assert [view.name for view in found.snapshot.backends] == ["box", "deepseek"]


def test_what_the_request_depended_on_is_asked_for_again(build):
    found = build(backends={"box": BOX, "cloud": CLOUD_TABLE})
    entry = booked(0, needs="json,tools")
    assert decided(found, entry).needs == {"json", "tools"}
    assert candidates(found, entry) == ["box", "cloud"]
    unable = replace(entry, verdicts='[["box","RTE016",false],["cloud","RTE020",true]]')
    assert candidates(found, unable) == ["cloud"]


def test_another_providers_name_means_again_what_it_means_there(build):
    found = build(backends={"cloud": CLOUD_TABLE})
    entry = booked(0, asked_model="claude-sonnet-4-5", rules="CLS001,RTE007,RTE005")
    ask = ask_of(entry, found.policy, found.snapshot, {})
    assert isinstance(ask, Ask)
    assert (ask.renamed_from, ask.model) == ("claude-sonnet-4-5", "deepseek-flash")
    assert candidates(found, entry) == ["cloud"]
    own = build(backends={"box": BOX}, aliases={"claude-sonnet-4-5": {"targets": ["box"]}})
    assert candidates(own, entry) == ["box"]


def test_a_conversation_that_was_private_stays_so_for_as_long_as_the_file_says(build):
    config = {"backends": {"box": BOX, "cloud": CLOUD_TABLE}, "privacy": {"sticky_s": 10.0}}
    found = build(**config)

    def class_of(number: int, digests: str, wished: str | None = None) -> DataClass:
        return decided(found, booked(number, conversation=digests, wished_class=wished)).data_class

    assert class_of(0, "aa") is PUBLIC
    assert class_of(1, "aa,bb", "private") is PRIVATE
    assert class_of(2, "bb,cc") is PRIVATE
    assert class_of(3, "dd") is PUBLIC
    assert class_of(11, "cc") is PRIVATE
    assert class_of(22, "cc") is PUBLIC
    found = build(**{**config, "privacy": {"sticky_s": 0.0}})
    assert class_of(1, "aa", "private") is PRIVATE
    assert class_of(2, "aa") is PUBLIC


def test_the_same_file_changes_nothing(build):
    found = build(backends={"box": BOX, "cloud": CLOUD_TABLE})
    entry = booked(0, PUBLIC, HOME)
    assert entry.arrived_at == BEGAN
    assert found.change(entry).kind == "unchanged"


@pytest.mark.parametrize("changes", [{"sends": "x"}, {"verdicts": "[1]"}, {"wished_class": "secret"}, {"rules": 5}])
def test_a_row_that_somebody_changed_into_none_stops_nothing(build, changes):
    change = build(backends={"box": BOX}).change(booked(0, PUBLIC, HOME, **changes))
    assert (change.kind, change.then) == ("cannot say", "somebody changed the row, see `tidegate prove`")
