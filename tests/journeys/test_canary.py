"""`tidegate prove --canary` for each preset and for a policy that has everything; and with a guard taken away it must see it."""

from __future__ import annotations

import json
import logging
import tomllib
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from importlib import resources
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from tests.support.process import tidegate
from typer.testing import CliRunner

import tidegate.surfaces.answering as answering
from tidegate.app.canary import LOGS, PRINTED, prove_canary
from tidegate.app.canary_plan import EACH, MASKED, PATHS, SHADOW, STICKY
from tidegate.app.canary_report import Report
from tidegate.catalog.presets.preset import PRESETS
from tidegate.cli.prove import app as prove_app
from tidegate.config import Config, parse_config
from tidegate.core.requests import Request
from tidegate.pipeline.each import answer_each
from tidegate.privacy.masking.mask import Masked, Veil

pytestmark = pytest.mark.timeout(120)

EVERYTHING = """
[[privacy.terms]]
name = "files"
terms = ["Nordlicht-Akte"]
[[policy]]
name = "mask-personal"
found = ["personal", "term"]
action = "mask"
[[policy]]
name = "keys-stay"
found = ["SEN050", "SEN051", "SEN068"]
action = "local"
[[policy]]
name = "aws-may-go"
found = ["SEN060"]
action = "allow"
[[policy]]
name = "no-passwords"
found = ["SEN073"]
action = "block"
[shadow]
to = ["cloud", "embedded"]
[capture]
key_env = "CONTENT_KEY"
classes = ["public", "internal"]
[backends.cloud]
kind = "deepseek"
accepts = "internal"
[backends.other]
kind = "generic"
boundary = "external"
base_url = "https://example.test"
models = ["m"]
[backends.home]
kind = "llamacpp"
base_url = "http://127.0.0.1:8080"
[backends.rack]
kind = "vllm"
boundary = "private"
networks = ["10.0.0.0/8"]
base_url = "http://10.0.0.7:8000"
key_env = "RACK_KEY"
[aliases.both]
targets = ["cloud", "home", "embedded"]
answers = "each"
[aliases.mine]
targets = ["home", "ollama/qwen3", "cloud/deepseek-flash"]
class = "private"
[[clients]]
name = "ann"
key_env = "ANN"
class = "internal"
[[clients]]
name = "bob"
key_env = "BOB"
[[alerts]]
url = "https://example.test/hook?token=t"
secret_env = "ALERT_SECRET"
"""


def preset(name: str) -> Config:
    text = resources.files("tidegate.catalog.presets").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return parse_config(tomllib.loads(text))


def run(config: Config) -> Report:
    return prove_canary(config, lambda _done, _of: None)


@pytest.mark.parametrize("name", PRESETS)
def test_nothing_arrives_with_a_preset(name: str) -> None:
    report = run(preset(name))
    assert (report.arrivals, report.faults) == ({}, {})
    assert report.planted > 3000
    reached = sum(line.reached for line in report.lines.values())
    assert (reached > 20) == (name != "local-only"), "what may go must go, or this proves nothing"


def test_nothing_arrives_with_a_policy_that_has_everything() -> None:
    report = run(parse_config(tomllib.loads(EVERYTHING)))
    assert (report.arrivals, report.faults) == ({}, {})
    assert {row for row, _, _ in report.allowed} == {"aws-may-go"}
    assert {backend for _, _, backend in report.allowed} == {"cloud", "other"}
    lines = report.lines
    for path in (*PATHS.values(), SHADOW, EACH, MASKED, STICKY):
        assert lines[path].requests > 0, path
    for path in (*PATHS.values(), SHADOW, EACH, MASKED):
        assert lines[path].reached > 0, path
    assert lines[MASKED].masked > 10
    assert {200, 400, 403, 404, 502, 503} <= report.statuses.keys()
    assert 500 not in report.statuses
    assert lines["captured content"].requests > 0
    assert lines["metrics"].requests == 1
    assert lines["[[alerts]]"].reached > 0, "a backend that went away and came back is told"
    assert [line.path for line in lines.values() if line.note] == []


def test_the_command_says_so_in_words_and_as_json(tmp_path: Path) -> None:
    file = tmp_path / "tidegate.toml"
    file.write_text(EVERYTHING)
    shown = tidegate(tmp_path, "prove", "--canary")
    assert shown.returncode == 0, shown.stderr
    assert "No planted value arrived: " in shown.stdout
    assert "allowed    by aws-may-go: AWS key to cloud" in shown.stdout
    assert shown.stderr == ""
    document = json.loads(tidegate(tmp_path, "prove", "--canary", "--json", "--config", str(file)).stdout)
    assert (document["ok"], document["arrived"], document["sinks"]) == (True, 0, ["cloud", "other"])
    assert not (tmp_path / "state" / "tidegate").exists(), "no state of the user's is touched"


def test_a_policy_that_cannot_be_enforced_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "tidegate.toml").write_text(EVERYTHING + '[aliases.never]\ntargets = ["cloud"]\nclass = "private"\n')
    refused = tidegate(tmp_path, "prove", "--canary")
    assert (refused.returncode, "[aliases.never]" in refused.stderr) == (2, True)
    both = tidegate(tmp_path, "prove", "--canary", "--head")
    assert (both.returncode, "--head" in both.stderr) == (2, True)


# -- with a guard taken away -------------------------------------------------------------------------------------------


def no_walls() -> AbstractContextManager[Any]:
    stack = ExitStack()
    stack.enter_context(patch("tidegate.routing.decide.forbids", lambda view, data_class: None))
    stack.enter_context(patch("tidegate.backends.transport.check_class", lambda endpoint, data_class: None))
    return stack


def no_masking() -> AbstractContextManager[Any]:
    """Masking does nothing, and neither the second look nor the last one before the socket is there."""

    def left_as_it_is(request: Request, *_: Any) -> Masked:
        return Masked(request, Veil({}, ()))

    stack = ExitStack()
    stack.enter_context(patch("tidegate.pipeline.screening.mask", left_as_it_is))
    stack.enter_context(patch("tidegate.pipeline.screening.check_again", lambda *_: None))
    stack.enter_context(patch.object(Veil, "holds", lambda *_: False))
    return stack


def no_unmasking() -> AbstractContextManager[Any]:
    return patch("tidegate.pipeline.gateway.Unveiled", lambda answering, veil: answering)


def with_detection_blind() -> AbstractContextManager[Any]:
    return patch("tidegate.privacy.patterns.scanner.Scanner.scan", lambda self, text: ())


def careless(say: Callable[[bytes], None]) -> AbstractContextManager[Any]:
    right = answering.keyed_hash

    def wrong(body: bytes, key: bytes) -> str:
        say(body)
        return right(body, key)

    return patch("tidegate.surfaces.answering.keyed_hash", wrong)


def logging_requests() -> AbstractContextManager[Any]:
    return careless(lambda body: logging.getLogger("tidegate.surfaces").debug("a request: %r", body))


def printing_requests() -> AbstractContextManager[Any]:
    return careless(print)


def forgetting_joined_answers() -> AbstractContextManager[Any]:
    return patch("tidegate.pipeline.gateway.Gateway._answer_each", answer_each)


def forgetting_conversations() -> AbstractContextManager[Any]:
    return patch("tidegate.privacy.conversations.Conversations.was_private", lambda *_: False)


FAULTS: dict[str, tuple[Callable[[], AbstractContextManager[Any]], set[str]]] = {
    "both walls": (no_walls, {*PATHS.values(), STICKY}),
    "masking": (no_masking, {MASKED, PATHS["none"], SHADOW}),
    "detection": (with_detection_blind, {*PATHS.values(), SHADOW}),
    "a log line": (logging_requests, {LOGS}),
    "a print": (printing_requests, {PRINTED}),
    "conversations": (forgetting_conversations, {STICKY}),
    "joined answers": (forgetting_joined_answers, {STICKY}),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_missing_guard_is_seen(what: str) -> None:
    take_away, where = FAULTS[what]
    with take_away():
        report = run(parse_config(tomllib.loads(EVERYTHING)))
    assert where <= {one.path for one in report.arrivals}
    assert not report.clean


def test_a_masked_answer_that_keeps_its_pseudonyms_is_a_fault() -> None:
    with no_unmasking():
        report = run(parse_config(tomllib.loads(EVERYTHING)))
    assert not report.arrivals
    assert any("did not come back" in fault for fault in report.faults)


def test_an_arrival_is_told_by_path_backend_and_rule_and_never_by_value(tmp_path: Path) -> None:
    file = tmp_path / "tidegate.toml"
    file.write_text(EVERYTHING)
    values: list[str] = []
    from tidegate.app import canary_values

    def noted(kind: canary_values.Kind) -> canary_values.Planted:
        values.append(kind.make())
        return canary_values.Planted(values[-1], kind)

    with no_walls(), patch("tidegate.app.canary_requests.plant", noted), patch("tidegate.app.canary_plan.plant", noted):
        done = CliRunner().invoke(prove_app, ["--canary", "--config", str(file)])
    assert done.exit_code == 1
    assert "ARRIVED    DeepSeek key (SEN051) at cloud, path first answer" in done.output
    assert "PLANTED VALUES ARRIVED" in done.output
    assert len(values) > 3000
    assert [value for value in values if value != "Nordlicht-Akte" and value in done.output] == []
