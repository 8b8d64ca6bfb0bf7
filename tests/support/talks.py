"""Conversations as clients send them, in the wire's JSON, for laws on what leaves for the hosted API."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from tests.support.strategies import Strategy, texts

Json = dict[str, Any]

USER: Json = {"role": "user", "content": "Is it cold?"}


def words() -> Strategy[str]:
    """Texts that a careless writer would change: combining marks, wide characters, line separators, blanks at the ends."""
    strange = [
        "e\u0301",
        "é",
        "\u2028",
        "\u2029",
        "한국어 中文",
        "👩‍👩‍👧",
        " \t two  blanks \r\n",
        "\ufeff",
        "<think>",
        "0.10",
    ]
    return texts() | st.sampled_from(strange)


def asks() -> Strategy[list[Json]]:
    said = st.builds(lambda text: {"role": "user", "content": text}, words())
    return st.lists(said, min_size=1, max_size=2)


@st.composite
def turns(draw: st.DrawFn, *, faithful: bool = False) -> list[Json]:
    """An assistant's turn with the results of its calls. A faithful client sends reasoning always, others as it comes."""
    turn: Json = {"role": "assistant", "content": draw(words())}
    reasoning = draw(words() if faithful else st.none() | words())
    if reasoning is not None:
        turn["reasoning_content"] = reasoning
    calls = draw(st.integers(0, 2))
    ids = [f"call_{draw(st.integers(0, 10**9))}_{place}" for place in range(calls)]
    if not ids:
        return [turn]
    function = {
        "name": "look",
        "arguments": draw(st.sampled_from(["{}", '{"city": "Köln", "n": 1.0}', "not json", ""])),
    }
    turn["tool_calls"] = [{"id": one, "type": "function", "function": function} for one in ids]
    return [turn, *({"role": "tool", "tool_call_id": one, "content": draw(words())} for one in ids)]


@st.composite
def talks(draw: st.DrawFn, *, faithful: bool = False) -> list[Json]:
    """A conversation that ends where a model may answer: with a user's text or the results of calls."""
    system = [{"role": "system", "content": text} for text in draw(st.lists(words(), max_size=1))]
    groups = draw(st.lists(st.one_of(asks(), turns(faithful=faithful)), max_size=5))
    talk = [*system, *draw(asks()), *(message for group in groups for message in group)]
    return talk if talk[-1]["role"] != "assistant" else [*talk, *draw(asks())]


def schemas() -> Strategy[Json]:
    """JSON Schemas with keys in any order, and numbers that a careless reader would change."""
    numbers = st.sampled_from(
        [1, 1.0, -0.0, 1e-7, 1e22, 0.1, 2**53 + 1, 2**63, 2**64 - 1, 2**64, 10**40, -(2**63), -(10**30)]
    )
    leaf = st.fixed_dictionaries(
        {"type": st.just("number")}, optional={"maximum": numbers, "description": words(), "enum": st.lists(numbers)}
    )
    properties = st.dictionaries(st.sampled_from(["z", "a", "日", "b\u0301", "10", "9", ""]), leaf, max_size=4)
    return st.builds(lambda found: {"type": "object", "properties": found, "required": list(found)}, properties)


def tools() -> Strategy[list[Json]]:
    """Tools, the first of which is the one that `turns` call, in an order that is not the alphabet's."""
    described = st.builds(
        lambda name, text, schema: {
            "type": "function",
            "function": {"name": name, "description": text, "parameters": schema},
        },
        st.sampled_from(["zoom", "add", "Add", "z9", "_"]),
        words(),
        schemas(),
    )
    others = st.lists(described, max_size=3, unique_by=lambda tool: tool["function"]["name"])
    look = st.builds(
        lambda schema: {"type": "function", "function": {"name": "look", "description": "", "parameters": schema}},
        schemas(),
    )
    return st.builds(lambda first, rest: [first, *rest], look, others)
