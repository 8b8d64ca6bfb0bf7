from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

from tidegate.app.canary_config import stand_ins
from tidegate.app.canary_plan import BY_CLASS, EACH, FIELDS, IMAGES, MASKED, PATHS, SHADOW, UNKNOWN, WRONG, Plan
from tidegate.app.canary_servers import FAILURES, number_in
from tidegate.app.canary_values import kinds_of
from tidegate.config import parse_config

URL = "http://127.0.0.1:5000"


def plan(**more: Any) -> Plan:
    text = resources.files("tidegate.catalog.presets").joinpath("private-first.toml").read_text(encoding="utf-8")
    config = parse_config({**tomllib.loads(text), **more})
    return Plan(config, stand_ins(config), kinds_of(config), [URL])


def test_every_failure_at_home_is_a_step_and_every_path_has_requests() -> None:
    steps = [*plan().steps()]
    assert [step.failure for step in steps if step.failure != "none"] == [*FAILURES]
    paths = {shot.path for step in steps for shot in step.shots}
    assert paths == {*PATHS.values(), BY_CLASS, IMAGES, FIELDS, WRONG, UNKNOWN}


def test_each_request_has_a_number_of_its_own_and_says_it() -> None:
    shots = [shot for step in plan().steps() for shot in step.shots]
    assert len({shot.number for shot in shots}) == len(shots)
    for shot in shots:
        assert shot.values
        assert shot.path in (WRONG, UNKNOWN) or number_in(shot.body) == shot.number


def test_what_is_configured_has_paths_of_its_own() -> None:
    aliases = {"both": {"targets": ["deepseek", "embedded"], "answers": "each"}}
    row = {"name": "masks", "found": ["personal"], "action": "mask"}
    more = plan(shadow={"to": ["embedded"]}, aliases=aliases, policy=[row])
    paths = {shot.path for step in more.steps() for shot in step.shots}
    assert {SHADOW, EACH, MASKED} <= paths
    assert all(shot.stream for step in more.steps() for shot in step.shots if shot.path == MASKED)


def test_every_kind_is_asked_of_every_name_that_leads_somewhere() -> None:
    made = plan()
    shots = [shot for step in made.steps() for shot in step.shots]
    assert {"auto", "local", "private", "deepseek", "deepseek/deepseek-flash"} <= set(made.models)
    assert set(made.models) <= {shot.model for shot in shots}
    kinds = {one.kind.name for shot in shots for one in shot.planted if shot.model == "deepseek"}
    assert kinds == {kind.name for kind in kinds_of(parse_config({}))} | {"plain word"}


def test_callers_take_turns() -> None:
    clients = [{"name": "ann", "key_env": "A"}, {"name": "bob", "key_env": "B", "class": "private"}]
    shots = [shot for step in plan(clients=clients).steps() for shot in step.shots]
    assert {shot.client for shot in shots} == {"ann", "bob"}
    assert any(shot.path == BY_CLASS and shot.client == "bob" and shot.header is None for shot in shots)
