"""Each preset from `tidegate init` to a first answer, and then what it promises: who answers, what stays, what is compared.

One gateway per preset and one simulator as the hosted API, started once for all tests here.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.support.process import Running, serving, tidegate
from tests.support.simulated import KEY, Simulated, simulated

from tidegate.catalog.presets.preset import PRESETS

pytestmark = pytest.mark.timeout(180)

At = Callable[[str], Running]
HELLO: dict[str, Any] = {
    "model": "deepseek-flash",
    "messages": [{"role": "user", "content": "Say exactly: The tide comes in."}],
    "max_tokens": 8,
}
TOOL = {"type": "function", "function": {"name": "get_tide", "description": "Tide", "parameters": {"type": "object"}}}


@pytest.fixture(scope="module")
def hosted() -> Generator[Simulated]:
    with simulated() as sim:
        yield sim


@pytest.fixture(scope="module")
def at(hosted: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Generator[At]:
    """Gives the running gateway of a preset, made by `tidegate init`; all of them are started beside each other."""
    folders = {preset: tmp_path_factory.mktemp(preset) for preset in PRESETS}
    with ExitStack() as stack, ThreadPoolExecutor(len(PRESETS)) as pool:

        def start(preset: str) -> Running:
            folder = folders[preset]
            where = () if preset == "local-only" else ("--hosted-url", hosted.url)
            made = tidegate(folder, "init", "--preset", preset, *where)
            assert made.returncode == 0, made.stderr
            file = folder / "tidegate.toml"
            file.write_text(file.read_text() + "\n[probe]\nenabled = false\n")
            up = ("up", "--port", "0", "--config", str(file), "--no-ask")
            running = stack.enter_context(serving(folder, *up, DEEPSEEK_API_KEY=KEY))
            # A first answer of the demo model: the gateway waits for what is loading.
            status, answer = running.post({**HELLO, "model": "local"})
            assert status == 200, answer
            return running

        starting = {preset: pool.submit(start, preset) for preset in PRESETS}

        def ready(preset: str) -> Running:
            running = starting[preset].result()
            hosted.clear()
            return running

        yield ready


def ask(running: Running, headers: dict[str, str] | None = None, **changes: Any) -> tuple[str, str]:
    """Who answered, and the rules."""
    status, answer = running.post({**HELLO, **changes}, headers)
    assert status == 200, answer
    return running.headers["x-tidegate-backend"], running.headers["x-tidegate-rules"]


PRIVATE = {"x-tidegate-class": "private"}
FIRST = dict.fromkeys(PRESETS, "deepseek") | dict.fromkeys(("offline-first", "features", "local-only"), "embedded")


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "learning"])
def test_an_app_that_changed_its_base_url_gets_a_first_answer(at: At, preset: str) -> None:
    backend, _ = ask(at(preset))
    assert backend == FIRST[preset]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_private_prompt_stays_at_home(at: At, hosted: Simulated, preset: str) -> None:
    running = at(preset)
    for model in ("deepseek-v4-pro", "auto"):
        status, _ = running.post({**HELLO, "model": model}, PRIVATE)
        assert status == 200
        assert running.headers["x-tidegate-class"] == "private"
        assert running.headers.get("x-tidegate-boundary", "device") == "device"
    assert hosted.requests() == []


FOUND = {
    "an e-mail address": f"Write to {'.'.join(('jo', 'planted4'))}@{'.'.join(('post-fach', 'org'))} today.",
    "a card number": f"My card number is {' '.join(('4111', *['1111'] * 3))}, pay with it.",
}


@pytest.mark.parametrize("what", FOUND)
@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_found_keeps_a_prompt_at_home_without_any_header(
    at: At, hosted: Simulated, preset: str, what: str
) -> None:
    running = at(preset)
    status, answer = running.post({**HELLO, "messages": [{"role": "user", "content": FOUND[what]}]})
    assert status == 200, answer
    assert running.headers["x-tidegate-class"] == "private"
    assert running.headers["x-tidegate-found"].startswith("SEN")
    assert running.headers.get("x-tidegate-boundary", "device") == "device"
    assert hosted.requests() == []


def test_private_first_asks_the_hosted_api_for_the_rest(at: At, hosted: Simulated) -> None:
    running = at("private-first")
    assert ask(running, messages=[{"role": "user", "content": FOUND["a card number"]}])[0] == "embedded"
    assert ask(running)[0] == "deepseek"
    assert len(hosted.requests()) == 1


@pytest.mark.parametrize("preset", ["prototype", "production", "private-first"])
def test_when_the_hosted_api_fails_the_machine_at_home_answers(at: At, hosted: Simulated, preset: str) -> None:
    running = at(preset)
    hosted.arm("503", times=9)
    backend, rules = ask(running)
    assert (backend, "RTE030" in rules) == ("embedded", True)


def test_prototype_records_how_far_a_local_model_is(at: At) -> None:
    running = at("prototype")
    before = shadows(running)["compared"]
    backend, _ = ask(running)
    assert backend == "deepseek"
    first = running.headers["x-tidegate-exchange"]
    while shadows(running)["compared"] == before:
        pass
    found = shadows(running)
    assert (found["failed"], found["to"]) == (0, "embedded")
    assert 0 <= found["similarity"] <= 1
    assert f"shadow to embedded: {found['compared']} compared" in shown(running, "status")
    assert "RTE050" in shown(running, "explain", found["last"])
    query = "SELECT backend, rules, status, compared FROM exchanges WHERE surface = 'shadow'"
    rows = ledger(running, query, least=before + 1)
    assert {(backend, status) for backend, _, status, _ in rows} == {("embedded", 200)}
    assert all("RTE050" in rules for _, rules, _, _ in rows)
    kept = [json.loads(compared) for *_, compared in rows]
    assert all(0 <= one["similarity"] <= 1 and one["first"]["backend"] == "deepseek" for one in kept)
    assert running.get(f"/-/exchanges/{found['last']}")[1]["compared"] in kept
    assert "RTE050" not in shown(running, "explain", first)


def test_prototype_shadows_no_private_prompt(at: At) -> None:
    running = at("prototype")
    before = shadows(running)
    assert ask(running, PRIVATE)[0] == "embedded"
    assert shadows(running) == before


def test_offline_first_asks_the_hosted_api_where_home_cannot(at: At, hosted: Simulated) -> None:
    running = at("offline-first")
    assert ask(running, model="auto")[0] == "embedded"
    before = len(hosted.requests())
    status, _ = running.post(
        {"model": "deepseek-flash", "prompt": "def tide(", "suffix": ")"}, path="/beta/completions"
    )
    assert (status, running.headers["x-tidegate-backend"], len(hosted.requests())) == (200, "deepseek", before + 1)


def test_features_sends_tools_json_and_thinking_by_name_to_the_hosted_api(at: At) -> None:
    running = at("features")
    asked = [{"role": "user", "content": "Answer in json."}]
    for needs in (
        {"tools": [TOOL]},
        {"response_format": {"type": "json_object"}, "messages": asked},
        {"thinking": {"type": "enabled"}},
        {"messages": [{"role": "user", "content": "long " * 3000}]},
    ):
        backend, rules = ask(running, **needs)
        assert (backend, "RTE042" in rules) == ("deepseek", True), needs
    backend, rules = ask(running)
    assert (backend, "RTE043" in rules) == ("embedded", True)


def test_local_only_has_no_way_out_even_with_a_key(at: At, hosted: Simulated) -> None:
    running = at("local-only")
    assert ask(running)[0] == "embedded"
    status, refused = running.post({**HELLO, "model": "deepseek/deepseek-flash"})
    assert (status, "RTE010" in refused["error"]["message"]) == (403, True)


def test_learning_shows_both_answers(at: At) -> None:
    running = at("learning")
    status, answer = running.post(HELLO)
    text = answer["choices"][0]["message"]["content"]
    assert status == 200, answer
    assert text.index("### deepseek/deepseek-flash\n\n") < text.index("### embedded/smollm2-135m-instruct\n\n")
    rows = ledger(
        running,
        "SELECT backend, prompt_tokens, output_tokens, cost_usd FROM exchanges WHERE surface = 'each' "
        "ORDER BY arrived_at DESC LIMIT 2",
        least=2,
    )
    assert {backend for backend, *_ in rows} == {"deepseek", "embedded"}
    assert answer["usage"]["prompt_tokens"] == sum(row[1] for row in rows)
    assert answer["usage"]["completion_tokens"] == sum(row[2] for row in rows)
    assert [row[3] is not None for row in rows if row[0] == "deepseek"] == [True]
    piped = shown(running, "ask", "Say exactly: It goes.", "--model", "deepseek-flash", "--max-tokens", "24")
    assert "### deepseek/deepseek-flash" in piped
    assert "backends  deepseek:ok embedded:ok" in piped


def test_learning_leaves_out_who_may_not_have_the_prompt_and_refuses_tools(at: At, hosted: Simulated) -> None:
    running = at("learning")
    _, answer = running.post(HELLO, PRIVATE)
    text = answer["choices"][0]["message"]["content"]
    assert text.startswith("### embedded/")
    assert text.endswith("(left out by rule: deepseek RTE010)")
    assert hosted.requests() == []
    status, refused = running.post({**HELLO, "tools": [TOOL]})
    assert (status, "`tools`" in refused["error"]["message"]) == (400, True)


def test_balanced_tries_what_it_does_not_know_and_then_takes_the_better(at: At, hosted: Simulated) -> None:
    running = at("balanced")
    asked = [ask(running) for _ in range(6)]
    assert ("deepseek", True) in [(backend, "RTE045" in rules) for backend, rules in asked]
    assert "RTE044" in asked[-1][1]
    hosted.arm("503", times=9)
    assert ask(running)[0] == ask(running)[0] == "embedded"


def shadows(running: Running) -> dict[str, Any]:
    (found,) = running.get("/-/status")[1]["shadow"]
    return found


def shown(running: Running, *words: str) -> str:
    done = tidegate(running.state.parent, *words, "--url", running.url)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ledger(running: Running, query: str, least: int) -> list[tuple[Any, ...]]:
    """Rows of the ledger, once so many are written."""
    while running.get("/-/status")[1]["ledger"]["waiting"]:
        pass
    with sqlite3.connect(f"file:{running.state / 'ledger.sqlite3'}?mode=ro", uri=True) as database:
        rows = database.execute(query).fetchall()
    assert len(rows) >= least, json.dumps(rows)
    return rows


def test_init_keeps_a_file_that_is_there(tmp_path: Path) -> None:
    assert tidegate(tmp_path, "init", "--preset", "balanced").returncode == 0
    again = tidegate(tmp_path, "init", "--preset", "learning")
    assert (again.returncode, "--force" in again.stderr) == (2, True)
    assert "balanced" in (tmp_path / "tidegate.toml").read_text().splitlines()[0]
    assert tidegate(tmp_path, "init", "--preset", "learning", "--force").returncode == 0
