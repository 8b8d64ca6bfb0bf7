from __future__ import annotations

from typing import Any

import pytest

from tidegate.app.canary_requests import Shot
from tidegate.app.canary_run import CanaryRun, code_of
from tidegate.app.canary_servers import Heard
from tidegate.app.canary_values import KINDS, WORD, Planted, kinds_of, plant
from tidegate.config import Config, parse_config

CARD, AWS = KINDS[0], KINDS[7]


def judged(rows: list[dict[str, Any]], *planted: Planted, said: bytes, header: str | None = None) -> CanaryRun:
    """A run whose one request holds these values, after a sink has heard `said`."""
    backends = {"cloud": {"kind": "deepseek"}}
    terms = [{"name": "files", "terms": ["Nordlicht-Akte"]}]
    config = parse_config({"policy": rows, "backends": backends, "privacy": {"terms": terms}})
    run = CanaryRun(config, {}, kinds_of(config), lambda _done, _of: None)
    shot = Shot("first answer", 1, header=header, planted=[*planted])
    run._shots[1] = (shot, run._verdict(config, shot))
    run.search.add(one for one in planted if one.is_fresh)
    run._judge_heard(config, Heard("cloud", 1, said))
    return run


def row(action: str) -> dict[str, Any]:
    return {"name": "the-row", "found": ["any"], "action": action}


def test_what_no_row_lets_out_has_arrived() -> None:
    card = plant(CARD)
    run = judged([], card, said=card.value.encode())
    assert [(one.path, one.where, one.code) for one in run.report.arrivals] == [("first answer", "cloud", "SEN001")]
    assert run.report.lines["first answer"].reached == 1


@pytest.mark.parametrize(("action", "arrives"), [("allow", 0), ("mask", 1), ("local", 1), ("block", 1)])
def test_the_rows_say_what_may_be_heard(action: str, arrives: int) -> None:
    card = plant(CARD)
    run = judged([row(action)], card, said=card.value.encode())
    assert run.report.arrivals.total() == arrives
    assert dict(run.report.allowed) == ({} if arrives else {("the-row", "card", "cloud"): 1})


def test_a_word_of_a_private_request_has_arrived_and_one_of_a_public_request_may() -> None:
    word = plant(WORD)
    assert judged([], word, said=word.value.encode()).report.clean
    run = judged([], word, said=word.value.encode(), header="private")
    assert [one.code for one in run.report.arrivals] == ["class"]


def test_a_term_is_looked_for_in_its_own_request_only() -> None:
    term = plant(kinds_of(parse_config({"privacy": {"terms": [{"name": "files", "terms": ["Nordlicht-Akte"]}]}}))[-1])
    assert not judged([row("mask")], term, said=b"about Nordlicht-Akte").report.clean
    assert judged([row("mask")], plant(WORD), said=b"about Nordlicht-Akte").report.clean


def test_what_speaks_of_no_request_of_ours_may_hold_nothing() -> None:
    config = parse_config({"backends": {"cloud": {"kind": "deepseek"}}})
    run = CanaryRun(config, {}, KINDS, lambda _done, _of: None)
    word = plant(WORD)
    run.search.add([word])
    run._judge_heard(config, Heard("cloud", -1, b"x" + word.value.encode()))
    assert [one.path for one in run.report.arrivals] == ["no request of ours"]


def test_codes() -> None:
    assert (code_of(plant(AWS)), code_of(plant(WORD))) == ("SEN060", "class")


def test_a_class_is_the_highest_that_anything_says() -> None:
    written = {"aliases": {"mine": {"targets": ["embedded"], "class": "private"}}}
    clients = [{"name": "ann", "key_env": "ANN", "class": "internal"}]
    config: Config = parse_config(written | {"clients": clients})
    run = CanaryRun(config, {}, KINDS, lambda _done, _of: None)

    def said(**more: Any) -> str:
        return run._verdict(config, Shot("first answer", 1, **more)).left_class

    assert [said(), said(client="ann"), said(model="mine"), said(model="local"), said(sticky=True)] == [
        "public",
        "internal",
        "private",
        "private",
        "private",
    ]
    assert said(image=True) == "private"
