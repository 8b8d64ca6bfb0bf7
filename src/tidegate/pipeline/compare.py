"""How two answers to one request differ, in numbers: never a word of either. Pure."""

from __future__ import annotations

import re
from collections import Counter

import orjson
from msgspec import Struct

from tidegate.core.fold import Answer

_WORD = re.compile(r"[㐀-鿿豈-﫿぀-ヿ]|[^\W㐀-鿿豈-﫿぀-ヿ]+")
"""A word, or one Chinese or Japanese character."""
_LOOKED_AT = 100_000
"""Characters of each answer."""


class Side(Struct, frozen=True, gc=False, omit_defaults=True):
    """One answer. `json`: whether its text is one JSON value, where JSON was asked for."""

    backend: str
    model: str
    finish: str
    text_chars: int
    reasoning_chars: int | None
    output_tokens: int | None
    duration_s: float
    json: bool | None = None


class Comparison(Struct, frozen=True, gc=False):
    """`similarity` is the share of words that both have (twice those in common by all of both): 1 for the same words in
    any order, 0 for none; two answers without words are the same. `same_calls`: the same functions in the same order."""

    similarity: float
    same_finish: bool
    same_calls: bool
    first: Side
    shadow: Side


def side(answer: Answer, backend: str, model: str, duration_s: float, *, json: bool) -> Side:
    return Side(
        backend,
        model,
        answer.finish,
        len(answer.text),
        None if answer.reasoning is None else len(answer.reasoning),
        answer.usage.output if answer.usage else None,
        round(duration_s, 4),
        _is_json(answer.text) if json else None,
    )


def compare(first: Answer, shadow: Answer, first_side: Side, shadow_side: Side) -> Comparison:
    return Comparison(
        round(similarity(first.text, shadow.text), 4),
        first.finish == shadow.finish,
        [call.name for call in first.tool_calls] == [call.name for call in shadow.tool_calls],
        first_side,
        shadow_side,
    )


def similarity(one: str, other: str) -> float:
    """The Sørensen-Dice coefficient of their words, each as often as it stands there."""
    left, right = _words(one), _words(other)
    total = left.total() + right.total()
    return 2 * (left & right).total() / total if total else 1.0


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text[:_LOOKED_AT].lower()))


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
