"""Chat request bodies for the oracle: valid ones, ones with a fault or two of every kind, and broken JSON. From a seed."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from tests.oracle.schemas import parameters

JUNK: list[Any] = [
    *(None, True, 5, -1, 1.5, 300, 2**64, -(2**63) - 1, 1e300, 1e-5, 1.5e-7, "s", 'q"\n\u200b日', "a" * 30),
    *([], [5], ["x"], [["text", "a"]], [[]], {}, {"type": "text"}, {"a": 1, "b": 2}, {"low": None}, {"low": 5}),
    *({"type": "zz"}, {"type": "function"}, ["user", "Hi"], ["user", "Hi", None], ["zz"]),
]
LINKS = [
    *("http://a", "x", "data:image/png;base64,AAAA", "data:image/bmp;base64,AAAA", "data:image/png;base64,!!"),
    *("data:image/png,AAAA", "DATA:image/jpg; base64,AA A=", "https://a/" + "x" * 8190, "data:image/gif;base64,A"),
]
BROKEN = [
    *'{}[],:"\\x0-.eE\n \x01',
    "\\ud800",
    "\\udc00",
    "tru",
    "1e999",
    "01",
    "\ufeff",
    "[" * 130,
    "-0",
    "\\u12",
]


def chat_body(seed: int) -> bytes:
    pick = Random(seed)
    text = json.dumps(_request(pick), ensure_ascii=pick.random() < 0.5)
    kind = pick.random()
    if kind < 0.12:
        at = pick.randrange(len(text) + 1)
        text = pick.choice([text[:at], text[:at] + pick.choice(BROKEN) + text[at:], text[:at] + text[at + 1 :]])
    elif kind < 0.14:
        text = text.replace(":", " : ").replace(",", pick.choice([",\n", ",\t", " ,\r\n"]))
    body = text.encode()
    return body if kind > 0.01 else body[: len(body) // 2] + b"\xff" + body[len(body) // 2 :]


def _request(pick: Random) -> Any:
    body: dict[str, Any] = {
        "model": pick.choice(["deepseek-flash"] * 6 + ["deepseek-v4-pro"] * 2 + ["nope"]),
        "messages": _messages(pick),
    }
    for name, draw in _FIELDS.items():
        if pick.random() < 0.13:
            body[name] = draw(pick)
    if pick.random() < 0.15:
        body["tools"] = _tools(pick, strict=True)
    members = list(body.items())
    pick.shuffle(members)
    body = dict(members)
    if pick.random() < 0.3:
        for _ in range(pick.randint(1, 2)):
            _spoil(body, pick)
    if pick.random() < 0.02:
        return pick.choice([[], 5, "x", None, [body.get("messages", []), "m"], [1] * 21])
    return body


def _spoil(body: Any, pick: Random) -> None:
    """Put something else in some place of the request, or take it away."""
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            places.append((value, key))
            walk(value[key])

    walk(body)
    if not places:
        return
    container, key = pick.choice(places)
    kind = pick.random()
    if kind < 0.7:
        container[key] = deepcopy(pick.choice(JUNK))
    elif kind < 0.9:
        del container[key]
    elif isinstance(container, dict):
        container["zz"] = container.pop(key)
    else:
        container.append(deepcopy(pick.choice(JUNK)))


# -- messages


def _call(pick: Random, call_id: str | None = None) -> dict[str, Any]:
    function = {"name": pick.choice(["w", "z"]), "arguments": "{}"}
    return {"id": call_id or pick.choice(["c", "d"]), "type": "function", "function": function}


def _part(pick: Random) -> dict[str, Any]:
    file_data = pick.choice([None, "x", *LINKS])
    return pick.choice(
        [
            {"type": "text", "text": "json"},
            {"type": "image_url", "image_url": {"url": pick.choice(LINKS), "detail": pick.choice([None, "low"])}},
            {"type": "file", "file_data": file_data},
            {"type": "file", "file_id": pick.choice(["f", None]), "file_data": pick.choice([None, file_data])},
        ]
    )


def _assistant(pick: Random) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant"}
    if pick.random() < 0.85:
        message["content"] = pick.choice(["", "x", "x", "x", None, [_part(pick)]])
    if pick.random() < 0.4:
        message["reasoning_content"] = pick.choice(["", "r", None])
    if pick.random() < 0.3:
        message["tool_calls"] = pick.choice([[], None, [_call(pick)], [_call(pick), _call(pick)]])
    if pick.random() < 0.2:
        message["prefix"] = pick.choice([True, True, False, None])
    return message


def _turn(pick: Random) -> list[dict[str, Any]]:
    """Calls and their answers."""
    ids = pick.choice([["c"], ["c", "d"]])
    asked = {"content": None, **_assistant(pick), "tool_calls": [_call(pick, call_id) for call_id in ids]}
    pick.shuffle(ids)
    return [asked, *({"role": "tool", "tool_call_id": call_id, "content": "x"} for call_id in ids)]


def _messages(pick: Random) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for _ in range(0 if pick.random() < 0.03 else pick.randint(1, 5)):
        kind = pick.random()
        if kind < 0.45:
            content = pick.choice(["Hi", "JSON", "", [{"type": "text", "text": "a"}], []])
            messages.append({"role": "user", "content": content})
        elif kind < 0.5:
            messages.append({"role": pick.choice(["system", "user"]), "content": [_part(pick), _part(pick)]})
        elif kind < 0.55:
            messages.append({"role": "latest_reminder", "content": "x", "name": 5})
        elif kind < 0.72:
            messages.append(_assistant(pick))
        elif kind < 0.8:
            content = pick.choice(["x", "json", [_part(pick)]])
            messages.append({"role": "tool", "tool_call_id": pick.choice("cde"), "content": content})
        else:
            messages += _turn(pick)
    return messages


# -- the other fields


def _tools(pick: Random, *, strict: bool = False) -> list[dict[str, Any]]:
    tools: list[dict[str, Any]] = []
    names = ["w", "w", "z", "y", "a b", "", "é" * 70, "a" * 129] if pick.random() < 0.15 else ["w", "z", "y", "v"]
    for _ in range(pick.randint(0, 3)):
        function: dict[str, Any] = {"name": pick.choice(names)}
        if pick.random() < 0.7:
            function["parameters"] = parameters(pick)
        if strict or pick.random() < 0.2:
            function["strict"] = pick.choice([True, True, True, True, False, None])
        tools.append({"type": "function", "function": function})
    if pick.random() < 0.01:
        tools = [{"type": "function", "function": {"name": f"f{index}"}} for index in range(129)]
    return tools


def _format(pick: Random) -> Any:
    schema = {"schema": parameters(pick), "strict": pick.choice([True, False, None])}
    return pick.choice(
        [
            {"type": "text"},
            {"type": "json_object"},
            ["json_object"],
            {"type": "regex", "regex": "a"},
            ["regex", "a"],
            {"type": "json_schema", "json_schema": schema},
            {"type": "json_schema", "json_schema": [schema["schema"], "name", False]},
        ]
    )


def _one_of(*values: Any) -> Callable[[Random], Any]:
    return lambda pick: pick.choice(values)


_FIELDS: dict[str, Callable[[Random], Any]] = {
    "frequency_penalty": _one_of(0, 2, -2, 2.00000001, 2.1, -3),
    "presence_penalty": _one_of(0, 2, 2.1),
    "max_tokens": _one_of(1, 0, 393216, 393217, 50),
    "temperature": _one_of(0, 1.5, 2, 2.00000001, 2.1, -1e-60, 1e39),
    "top_p": _one_of(1, 0.5, 0, 1e-60, 1.00000001, 1.1),
    "n": _one_of(1, 1, 2, 0),
    "seed": _one_of(0, 2**63 - 1, 2**63),
    "stop": _one_of("a", "", ["a"], [""], ["a"] * 17, [], ["a", ""]),
    "stream": _one_of(True, False),
    "stream_options": _one_of({}, {"include_usage": True}, [True]),
    "logprobs": _one_of(True, False),
    "top_logprobs": _one_of(0, 5, 20, 21),
    "response_format": _format,
    "tools": _tools,
    "tool_choice": _one_of("none", "auto", "required", *({"type": "function", "function": {"name": n}} for n in "wq")),
    "reasoning_effort": _one_of("none", "low", "high", "max", {"low": None}),
    "thinking": _one_of(*({"type": kind} for kind in ("enabled", "disabled", "disabled", "adaptive")), ["disabled", 1]),
    "parallel_tool_calls": _one_of(True, None),
    "user_id": _one_of("x", 5, "u" * 513),
}
