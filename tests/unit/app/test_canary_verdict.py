from __future__ import annotations

from typing import Any

import pytest

from tidegate.app.canary_values import KINDS, WORD, kinds_of, plant
from tidegate.app.canary_verdict import UNSCANNABLE, Asked, Verdict, highest, judge
from tidegate.config import parse_config

CARD, AWS = KINDS[0], KINDS[7]
TUESDAY_NOON = 1_795_521_600.0  # 2026-11-24 12:00 UTC


def verdict(
    *rows: dict[str, Any], found: tuple[str, ...] = (CARD.code,), said: str = "public", **asked: Any
) -> Verdict:
    named = [{"name": f"row-{number}", **row} for number, row in enumerate(rows)]
    config = parse_config({"policy": named, "clients": [{"name": "ann", "key_env": "ANN"}]})
    facts = {"client": "ann", "model": "auto", "size_bytes": 100, "at": TUESDAY_NOON} | asked
    return judge(config, kinds_of(config), Asked(said=said, found=frozenset(found), **facts))


def test_what_no_row_speaks_of_is_private() -> None:
    assert verdict().left_class == "private"
    assert verdict({"found": ["personal"], "action": "allow"}, found=(CARD.code, AWS.code)).left_class == "private"
    assert verdict(found=()).left_class == "public"


def test_the_strictest_row_wins_in_any_order() -> None:
    allow, mask, local, block = ({"found": ["any"], "action": action} for action in ("allow", "mask", "local", "block"))
    card = plant(CARD)
    assert verdict(allow).lets(card, "public")
    assert verdict(allow).by(card) == "row-0"
    for rows in ((allow, mask), (mask, allow)):
        assert not verdict(*rows).lets(card, "public")
        assert verdict(*rows).lets(plant(WORD), "public")
    assert verdict(mask, local).left_class == "private"
    assert not verdict(allow, block).lets(plant(WORD), "public")


def test_an_image_cannot_be_masked() -> None:
    assert verdict({"action": "mask"}, found=(UNSCANNABLE,)).left_class == "private"
    assert verdict({"found": ["unscannable"], "action": "allow"}, found=(UNSCANNABLE,)).left_class == "public"


@pytest.mark.parametrize(
    ("condition", "applies"),
    [
        ({"clients": ["ann"]}, True),
        ({"models": ["au*"]}, True),
        ({"models": ["flash*"]}, False),
        ({"min_bytes": 100, "max_bytes": 100}, True),
        ({"min_bytes": 101}, False),
        ({"max_bytes": 99}, False),
        ({"hours": "08:00-12:30"}, True),
        ({"hours": "08:00-12:00"}, False),
        ({"hours": "22:00-06:00"}, False),
        ({"hours": "11:00-06:00"}, True),
        ({"days": ["tue"]}, True),
        ({"days": ["wed"]}, False),
    ],
)
def test_conditions(condition: dict[str, Any], applies: bool) -> None:
    assert (verdict({**condition, "class": "internal"}, found=()).left_class == "internal") is applies


def test_another_client_is_not_meant() -> None:
    assert verdict({"clients": ["ann"], "class": "internal"}, found=(), client=None).left_class == "public"


def test_classes_and_what_a_backend_takes() -> None:
    assert highest("public", None, "internal") == "internal"
    internal = verdict(found=(), said="internal")
    assert (internal.lets(plant(WORD), "public"), internal.lets(plant(WORD), "internal")) == (False, True)


def test_without_detection_only_the_class_counts() -> None:
    config = parse_config({"privacy": {"detect": False}})
    found = judge(config, kinds_of(config), Asked(None, "auto", "public", frozenset({CARD.code}), 1, TUESDAY_NOON))
    assert found.lets(plant(CARD), "public")
    assert found.by(plant(CARD)) == "[privacy] detect = false"
