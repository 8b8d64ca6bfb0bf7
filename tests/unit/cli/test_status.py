"""The status of a running gateway, for people and as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tidegate.cli.status import (
    breaker_lines,
    fact_cell,
    legacy_line,
    pace_lines,
    print_backends,
    shadow_lines,
    slots_cell,
)

Run = Callable[..., Any]
HOME: dict[str, Any] = {
    "name": "home",
    "boundary": "device",
    "accepts": "private",
    "health": "up",
    "models": ["m", "n"],
}
HOME["slots"] = {"used": 1, "total": 2, "waiting": 0}
CLOUD = {"name": "cloud", "boundary": "external", "accepts": "public", "health": "unknown", "models": []}
STATUS: dict[str, Any] = {
    "version": "0.1.0",
    "default_class": "internal",
    "keys_required": False,
    "backends": [HOME, CLOUD],
    "aliases": [],
    "ledger": {"written": 12, "waiting": 1, "dropped": 0, "error": None},
}


def shown_for(tidegate: Run, gateway: Any, *flags: str, **changes: Any) -> Any:
    gateway.says("/-/status", json.dumps({**STATUS, **changes}).encode())
    return tidegate("status", "--url", gateway.url, *flags)


def test_it_shows_where_what_and_how_much(tidegate: Run, gateway: Any) -> None:
    shown = shown_for(tidegate, gateway)
    first, heading, home, cloud, ledger = shown.out.splitlines()
    assert (shown.code, shown.err) == (0, "")
    assert first == f"Tidegate 0.1.0 at {gateway.url}, no keys: this machine only, default class internal"
    assert heading.split() == ["backend", "boundary", "takes", "health", "slots", "models"]
    assert home.split() == ["home", "device", "private", "up", "1/2", "m,", "n"]
    assert cloud.split() == ["cloud", "external", "public", "unknown", "not", "known", "yet"]
    assert ledger == "ledger: 12 written, 1 waiting"


def test_keys_and_a_ledger_in_trouble_are_said(tidegate: Run, gateway: Any) -> None:
    trouble = {"written": 0, "waiting": 5, "dropped": 3, "error": "OperationalError: disk full"}
    shown = shown_for(tidegate, gateway, keys_required=True, ledger=trouble)
    assert ", keys required, " in shown.out
    assert "OperationalError: disk full" in shown.out


def test_a_note_stands_beside_its_backend(tidegate: Run, gateway: Any) -> None:
    shown = shown_for(tidegate, gateway, backends=[{**HOME, "note": "embedded demo model"}])
    assert "up      1/2    m, n    embedded demo model" in shown.out


@pytest.mark.parametrize(
    ("slots", "cell"),
    [
        ({"used": 0, "total": 4, "waiting": 0}, "0/4"),
        ({"used": 4, "total": 4, "waiting": 3}, "4/4 +3"),
        ({"used": 7, "total": None, "waiting": 0}, "7"),
        ({}, ""),
    ],
)
def test_slots_are_told_in_a_few_characters(slots: dict[str, Any], cell: str) -> None:
    assert slots_cell(slots) == cell


def pace(**changes: Any) -> dict[str, Any]:
    return {"model": "m", "limit": 25, "learned_from": "told", "in_flight": 24, "paused": False, **changes}


@pytest.mark.parametrize(
    ("pace", "line"),
    [
        (pace(), "pace of home/m: 24 at work, limit 25 (told by a refusal)"),
        (pace(learned_from="refused"), "pace of home/m: 24 at work, limit 25 (guessed from refusals)"),
        (pace(learned_from="published"), "pace of home/m: 24 at work, limit 25 (as published)"),
        (pace(in_flight=0, paused=True, limit=None), "pace of home/m: 0 at work, paused as it asked for"),
        (pace(in_flight=0, learned_from="published"), None),
    ],
)
def test_a_pace_is_shown_once_it_matters(pace: dict[str, Any], line: str | None) -> None:
    assert pace_lines({**HOME, "pace": [pace]}) == ([] if line is None else [line])


def test_whose_requests_wait_is_shown_where_there_are_keys(tidegate: Run, gateway: Any) -> None:
    slots = {"used": 2, "total": 2, "waiting": 7, "clients": {"alice": 5, "": 2}}
    lines = shown_for(tidegate, gateway, backends=[{**HOME, "slots": slots}]).out.splitlines()
    assert lines[3] == "waiting for home: alice 5, no key 2"
    slots["clients"] = {"": 7}
    assert pace_lines({**HOME, "slots": slots}) == pace_lines(HOME) == []


def test_without_backends_the_table_is_empty(tidegate: Run, gateway: Any) -> None:
    assert len(shown_for(tidegate, gateway, backends=[]).out.splitlines()) == 3


def test_json_is_what_the_gateway_said(tidegate: Run, gateway: Any) -> None:
    assert json.loads(shown_for(tidegate, gateway, "--json").out) == STATUS


def test_a_missing_key_is_bad_news(tidegate: Run, gateway: Any) -> None:
    gateway.says("/-/status", b'{"error":{"message":"Authentication Fails"}}', "401 Unauthorized")
    shown = tidegate("status", "--url", gateway.url)
    assert (shown.code, shown.out, shown.err) == (1, "", "tidegate: Authentication Fails\n")


@pytest.mark.parametrize("body", [b"{}", b'{"status":"ok"}', b'{"version":"1"}'])
def test_a_server_that_is_not_tidegate_gives_no_traceback(tidegate: Run, gateway: Any, body: bytes) -> None:
    gateway.says("/-/status", body)
    shown = tidegate("status", "--url", gateway.url)
    assert shown.code == 2
    assert "is not Tidegate" in shown.err


def test_square_brackets_in_a_name_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_backends([{**HOME, "models": ["m[bold]x", "[/]"]}])
    assert "m[bold]x, [/]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("policy", "fate"),
    [("rewrite", "asked for, rewritten: deepseek-chat (2 times)"), ("reject", "asked for, refused; [contract]")],
)
def test_retired_names_that_were_asked_for_are_told(policy: str, fate: str) -> None:
    assert fate in legacy_line({"policy": policy, "seen": {"deepseek-chat": 2}})
    assert legacy_line({"policy": policy, "seen": {}}) == ""
    assert legacy_line({}) == ""


def test_a_profile_shows_each_feature_and_by_which_rule(tidegate: Run, gateway: Any) -> None:
    facts = {
        "thinking_off": {"way": "native", "basis": "measured"},
        "json": {"way": "emulated", "basis": "declared", "code": "REQ011"},
        "prefix": {"way": "refused", "basis": "measured", "code": "PRF002"},
    }
    profile = {"model": "m", "traits": {"version": "0.32.0", "window_tokens": 131072}, "facts": facts}
    shown = shown_for(tidegate, gateway, backends=[{**HOME, "profiles": [profile]}])
    legend, name, had = shown.out.splitlines()[3:6]
    assert "* measured" in legend
    assert name == "  home/m, 0.32.0, window 131,072"
    assert had == "    thinking off yes*, JSON by REQ011, tools ?, forced tools ?, prefix no PRF002*, FIM ?"


def test_a_model_that_has_it_all_says_so_in_three_words(tidegate: Run, gateway: Any) -> None:
    names = ("thinking_off", "json", "tools", "forced_tools", "prefix", "fim")
    facts = {name: {"way": "native", "basis": "declared"} for name in names}
    profile = {"model": "m", "traits": {}, "facts": facts}
    shown = shown_for(tidegate, gateway, backends=[{**HOME, "profiles": [profile]}])
    assert shown.out.splitlines()[4:6] == ["  home/m", "    all as hosted"]


@pytest.mark.parametrize(
    ("fact", "cell"),
    [
        ({}, "?"),
        ({"way": None, "basis": "unknown"}, "?"),
        ({"way": "native", "basis": "declared", "code": "GEN001"}, "yes"),
        ({"way": "emulated", "basis": "measured", "code": "REQ011"}, "by REQ011*"),
        ({"way": "refused", "basis": "declared"}, "no"),
    ],
)
def test_a_fact_in_a_cell(fact: dict[str, Any], cell: str) -> None:
    assert fact_cell(fact) == cell


def test_shadows_are_summed_up(tidegate: Run, gateway: Any) -> None:
    counts = {"waiting": 1, "compared": 4, "failed": 2, "dropped": 3, "same_finish": 3, "similarity": 0.256}
    shown = shown_for(tidegate, gateway, shadow=[{"to": "home", **counts}])
    assert (
        "shadow to home: 4 compared (same finish 3, words in common 26%), 2 failed, 3 dropped, 1 under way" in shown.out
    )
    last = shadow_lines([{"to": "home", **counts, "last": "ex_1"}])
    assert last[0].endswith("; the last is ex_1")
    none = {**counts, "compared": 0, "similarity": None}
    assert shadow_lines([{"to": "home", **none}]) == ["shadow to home: 0 compared, 2 failed, 3 dropped, 1 under way"]


def test_a_backend_that_is_left_alone_has_a_line_and_one_that_works_has_none(tidegate: Run, gateway: Any) -> None:
    one = {"backend": "home", "model": "m", "failures": 4, "opened": 2, "again_in_s": 17.2, "probes": 1, "refused": 9}
    states = ("open", "half_open", "closed")
    lines = breaker_lines([{**one, "state": state} for state in states])
    assert lines == [
        "home/m failed 4 times in a row: left alone for 17 s (RES002)",
        "home/m failed 4 times in a row: the next request tries it, or one does (RES002)",
    ]
    shown = shown_for(tidegate, gateway, breakers=[{**one, "state": "open"}])
    assert lines[0] in shown.out.splitlines()
