"""What a newcomer sees: the start, the first answer with its decision, asking again, explaining, stopping."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from pathlib import Path

import pytest
from tests.support.process import Running, tidegate, tidegate_up


def test_the_start_shows_a_real_answer_and_its_decision(gateway: Running) -> None:
    shown = gateway.output
    assert "embedded demo model, not DeepSeek" in shown
    assert "> Explain in two sentences why the sea has tides." in shown
    assert "thinking:" in shown
    block = shown[shown.index("  class ") :]
    for line in (
        "class     private",
        "backend   embedded/smollm2-135m-instruct",
        "boundary  device",
        "tokens    ",
        "cost      ",
    ):
        assert line in block
    assert "RTE001" in block
    assert "EMB001" in block


def test_ask_prints_the_answer_and_json(gateway: Running, folder: Path) -> None:
    asked = tidegate(folder, "ask", "Say hello.", "--url", gateway.url, "--max-tokens", "24", "--class", "internal")
    assert asked.returncode == 0, asked.stderr
    assert "class     internal" in asked.stdout
    document = json.loads(
        tidegate(folder, "ask", "Say hello.", "--url", gateway.url, "--max-tokens", "24", "--json").stdout
    )
    assert document["exchange"]["status"] == 200
    assert document["exchange"]["output_tokens"] > 0
    assert document["answer"] or document["reasoning"]


def test_every_code_of_an_answer_can_be_explained(gateway: Running, folder: Path) -> None:
    gateway.post({"model": "auto", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 8, "nonsense": 1})
    codes = [*gateway.headers["x-tidegate-rules"].split(","), *gateway.headers["x-tidegate-quirks"].split(",")]
    assert {"CLS001", "RTE003", "RTE020", "EMB001", "REQ001"} <= set(codes)
    for code in codes:
        said = tidegate(folder, "explain", code)
        assert said.returncode == 0
        assert code in said.stdout
        for heading in ("why ", "source ", "checked "):
            assert f"\n{heading}" in said.stdout


def test_an_exchange_can_be_explained_while_it_runs_and_after(folder: Path) -> None:
    with tidegate_up(folder, "[probe]\nenabled = false\n[backends.fake]\nkind = 'fake'\n", "--no-embedded") as running:
        running.post({"model": "fake", "messages": [{"role": "user", "content": "hi"}]})
        exchange_id = running.headers["x-tidegate-exchange"]
        during = tidegate(folder, "explain", exchange_id, "--url", running.url)
        assert "RTE001" in during.stdout
        assert running.stop() == 0
    after = tidegate(folder, "explain", exchange_id, "--url", running.url, "--config", str(folder / "tidegate.toml"))
    assert after.returncode == 0, after.stderr
    assert "status 200" in after.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly(folder: Path, number: int) -> None:
    with tidegate_up(folder, "[probe]\nenabled = false\n") as running:
        engine = running.engine_pid()
        status, _ = running.post({"model": "auto", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4})
        assert status == 200
        assert running.stop(number) == 0
    assert "Traceback" not in running.output
    assert running.output.rstrip().endswith("Stopped; the ledger is written.")
    with pytest.raises(ProcessLookupError):
        os.kill(engine, 0)
    with sqlite3.connect(running.state / "ledger.sqlite3") as ledger:
        assert ledger.execute("SELECT count(*) FROM exchanges WHERE status = 200").fetchone()[0] == 2


def test_kill_9_leaves_a_sound_ledger_with_what_was_flushed(folder: Path) -> None:
    quick = "[probe]\nenabled = false\n[ledger]\nflush_interval_s = 0.01\n[backends.fake]\nkind = 'fake'\n"
    with tidegate_up(folder, quick, "--no-embedded") as running:
        for _ in range(50):
            running.post({"model": "fake", "messages": [{"role": "user", "content": "hi"}]})
        while running.get("/-/status")[1]["ledger"]["waiting"]:
            pass
        running.process.kill()
        running.process.wait()
    with sqlite3.connect(running.state / "ledger.sqlite3") as ledger:
        assert ledger.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert ledger.execute("SELECT count(*) FROM exchanges").fetchone() == (50,)


def test_status_shows_the_backends(gateway: Running, folder: Path) -> None:
    shown = tidegate(folder, "status", "--url", gateway.url)
    assert shown.returncode == 0, shown.stderr
    assert "embedded" in shown.stdout
    document = json.loads(tidegate(folder, "status", "--url", gateway.url, "--json").stdout)
    assert document["backends"][0]["note"] == "embedded demo model, not DeepSeek"


def test_a_model_file_of_your_own_needs_no_network(folder: Path, model_path: Path) -> None:
    config = "[probe]\nenabled = false\n"
    empty = {"XDG_CACHE_HOME": str(folder / "empty"), "PIP_NO_INDEX": "1"}
    with tidegate_up(folder, config, "--no-ask", "--model", str(model_path), **empty) as running:
        status, answer = running.post(
            {"model": "local", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 8}
        )
        assert status == 200
        assert answer["usage"]["completion_tokens"] > 0
    assert not (folder / "empty").exists()


def test_without_network_and_model_the_way_out_is_named(folder: Path) -> None:
    empty = {"XDG_CACHE_HOME": str(folder / "empty"), "PIP_NO_INDEX": "1"}
    failed = tidegate(folder, "up", "--port", "0", **empty)
    assert failed.returncode == 2
    assert "--model FILE" in failed.stderr
    assert "--no-embedded" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_another_model_file_is_not_called_the_demo_model(folder: Path, model_path: Path) -> None:
    other = folder / "other-model.gguf"
    with model_path.open("rb") as whole:
        other.write_bytes(whole.read() + b"\0")  # llama.cpp does not mind a byte too many; the hash does
    with tidegate_up(folder, "[probe]\nenabled = false\n", "--no-ask", "--model", str(other)) as running:
        asked = {"model": "local", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 8}
        status, answer = running.post({**asked, "thinking": {"type": "disabled"}})
    assert (status, answer["model"]) == (200, "other-model")
    assert "EMB001" not in running.headers["x-tidegate-quirks"]
    assert "demo model" not in running.output
    assert "your own model file other-model.gguf" in running.output
