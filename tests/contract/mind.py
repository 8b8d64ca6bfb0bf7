"""What the model of a double says, given how the runtime conditions it. Pure and the same for all runtimes.

It is no model: it answers from a handful of texts, so that what reaches a client can be judged. A runtime that ignores a
wish conditions it otherwise, and the answer is then wrong in the way in which the real one would be.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

THOUGHT = "The user asks; let me see."
PROSE = "The sky is blue."
CONTINUED = " blue."
"""After the prefix `The sky is`."""
GAP = "a + b"
"""Between `def add(a, b):\\n    return ` and the suffix."""
PROMPT_TOKENS, CACHED_TOKENS = 200, 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The prompt as it reaches the model: `schema` and `forced` are grammars, `tools` what stands in the prompt."""

    text: str
    thinks: bool = False
    schema: dict[str, Any] | None = None
    tools: tuple[dict[str, Any], ...] = ()
    forced: str | None = None
    strict: bool = False
    prefix: str | None = None
    thought_before: bool = False
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """One token of an answer: of the reasoning, the text, or the arguments of the call with this index."""

    kind: str
    text: str
    index: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    pieces: tuple[Piece, ...]
    finish: str

    def joined(self, kind: str) -> str:
        return "".join(piece.text for piece in self.pieces if piece.kind == kind)

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Name and arguments of each call, as far as they were said."""
        found: dict[int, tuple[str, str]] = {}
        for piece in self.pieces:
            if piece.kind == "call":
                name, arguments = found.get(piece.index, (piece.name, ""))
                found[piece.index] = (name, arguments + piece.text)
        return list(found.values())

    @property
    def tokens(self) -> int:
        return len(self.pieces)


def say(wish: Wish) -> Said:
    pieces: list[Piece] = []
    if wish.thinks and not wish.thought_before:
        pieces += _cut("reasoning", THOUGHT)
    calls = _calls(wish)
    if calls:
        for index, (name, arguments) in enumerate(calls):
            pieces += [Piece("call", text, index, name) for text in _tokens(arguments)]
    else:
        pieces += _cut("text", _text(wish))
    if wish.max_tokens is not None and wish.max_tokens < len(pieces):
        return Said(tuple(pieces[: wish.max_tokens]), "length")
    return Said(tuple(pieces), "tool_calls" if calls else "stop")


def _calls(wish: Wish) -> list[tuple[str, str]]:
    names = [tool["function"]["name"] for tool in wish.tools]
    if wish.schema is not None:
        return []
    if wish.forced is not None:
        name = wish.forced or names[0]
        parameters = next(
            tool["function"].get("parameters", {}) for tool in wish.tools if tool["function"]["name"] == name
        )
        return [(name, json.dumps(instance_of(parameters)) if wish.strict else "{}")]
    if names and "weather" in wish.text:
        cities = ("Paris", "London") if "both" in wish.text else ("Paris",)
        return [(names[0], json.dumps({"city": city})) for city in cities]
    return []


def _text(wish: Wish) -> str:
    if wish.schema is not None:
        return json.dumps(instance_of(wish.schema))
    if wish.prefix is not None:
        return CONTINUED
    if "json" in wish.text:
        return 'Sure! Here it is: {"city": "Paris"'
    return PROSE


def instance_of(schema: dict[str, Any]) -> Any:
    """Some value that this schema allows; enough of JSON Schema for what tests and gateway send."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return instance_of(schema[choice][0])
    match schema.get("type", "object"):
        case "object":
            properties: dict[str, Any] = schema.get("properties", {})
            return {name: instance_of(properties.get(name, {})) for name in schema.get("required", properties)}
        case "array":
            return []
        case "string":
            return "Paris"
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return 7


def _cut(kind: str, text: str) -> list[Piece]:
    return [Piece(kind, part) for part in _tokens(text)]


def _tokens(text: str) -> list[str]:
    """Pieces of three characters, so that tags, names and numbers are cut."""
    return [text[place : place + 3] for place in range(0, len(text), 3)]


RAW_MARKS = ("<｜User｜>", "<｜Assistant｜>", "<think>", "</think>")


def read_prompt(prompt: str, max_tokens: int | None, schema: dict[str, Any] | None = None) -> Wish:
    """What a V4 prompt asks, as the model that was trained on it would understand it."""
    asked, _, turn = prompt.rpartition("<｜Assistant｜>")
    closed = "</think>" in turn
    said = turn.rpartition("</think>")[2] if closed else ""
    forced = "<｜DSML｜tool_calls>" in said
    lines = [line for line in prompt.splitlines() if line.startswith("{") and '"parameters"' in line]
    tools = tuple({"type": "function", "function": json.loads(line)} for line in lines)
    return Wish(
        text=asked.rpartition("<｜User｜>")[2].lower(),
        thinks="<think>" in turn and not closed,
        schema=schema,
        tools=tools,
        forced="" if forced else None,
        strict=forced,
        prefix=said if said and not forced else None,
        thought_before=closed,
        max_tokens=max_tokens,
    )


def as_raw(said: Said) -> list[str]:
    """The pieces of an answer as a V4 model writes them."""
    pieces: list[str] = []
    kind, index = "", -1
    for piece in said.pieces:
        if kind == "reasoning" and piece.kind != "reasoning":
            pieces.append("</think>")
        if piece.kind == "call" and piece.index != index:
            pieces += ["\n\n<｜DSML｜tool_calls>\n"] if index < 0 else []
            index = piece.index
            pieces += _dsml(*said.calls[index], whole=said.finish != "length")
        elif piece.kind != "call":
            pieces.append(piece.text)
        kind = piece.kind
    if index >= 0 and said.finish != "length":
        pieces.append("</｜DSML｜tool_calls>")
    return pieces


def _dsml(name: str, arguments: str, *, whole: bool) -> list[str]:
    begin = f'<｜DSML｜invoke name="{name}">\n'
    if not whole:
        return [begin, '<｜DSML｜parameter name="city" string="true">', "Pa"]
    pieces = [begin]
    for parameter, value in json.loads(arguments).items():
        pieces += [f'<｜DSML｜parameter name="{parameter}" string="true">', value, "</｜DSML｜parameter>\n"]
    return [*pieces, "</｜DSML｜invoke>\n"]
