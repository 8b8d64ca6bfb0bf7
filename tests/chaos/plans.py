"""What each client asks and how it behaves. Everything follows from the seed and the request's number.

Each request carries a marker in its text, by which the logs of the servers behind the gateway tell it, and asks for an exact
answer, so that a piece that is missing, doubled or another's shows.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

Surface = Literal["chat", "messages", "fim"]
Manner = Literal[
    "stays",
    "reads slowly",
    "sends slowly",
    "asks twice",
    "leaves before the answer",
    "leaves in the answer",
    "leaves in its body",
    "closes one side",
    "is wrong",
]
MARKER = re.compile(rb"mark-([a-z]{7})-end")
CANARY = "canarybird"
"""Stands in private requests only, and must not be seen outside."""
_LETTERS = "abcdefghij"
_PATHS: dict[Surface, tuple[str, ...]] = {
    "chat": ("/chat/completions", "/v1/chat/completions"),
    "messages": ("/anthropic/v1/messages", "/v1/messages"),
    "fim": ("/beta/completions",),
}
_ANYWHERE = ("away", "mixed", "mixed", "onward", "homes", "deepseek-flash", "deepseek-v4-pro", "hosted2/deepseek-flash")
_AT_HOME = ("homes", "homes", "mixed", "secret", "llama/m", "plain/m")
_TOOL = {
    "type": "function",
    "function": {
        "name": "get_tide",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    },
}


@dataclass(frozen=True, slots=True)
class Plan:
    """`expected` is the text that a whole answer has; None where only its shape is known."""

    number: int
    surface: Surface
    path: str
    body: bytes
    headers: tuple[str, ...]
    streamed: bool
    private: bool
    manner: Manner
    expected: str | None
    resets: bool
    """Who leaves does so with a reset instead of a proper end."""
    leaves_after_s: float
    leaves_after_bytes: int
    calm: bool

    def head(self) -> bytes:
        lines = [f"POST {self.path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *self.headers]
        return ("\r\n".join([*lines, f"Content-Length: {len(self.body)}"]) + "\r\n\r\n").encode()


def marker_of(number: int) -> str:
    """Letters only: digits might pass for a number that detection looks for."""
    return "".join(_LETTERS[int(digit)] for digit in f"{number:07d}")


def number_of(marker: bytes) -> int:
    return int("".join(str(_LETTERS.index(chr(letter))) for letter in marker))


def numbers_in(body: bytes) -> int | None:
    found = MARKER.search(body)
    return None if found is None else number_of(found[1])


def plan(seed: int, number: int, calm: bool = False) -> Plan:
    """`calm`: a client that behaves, for runs in which others are to be judged."""
    random = Random(f"{seed}:{number}")
    surface: Surface = random.choices(("chat", "messages", "fim"), (70, 22, 8))[0]
    manner: Manner = "stays" if calm else _manner(random)
    private = random.random() < 0.3
    streamed = random.random() < 0.6
    text = _text(random, number)
    body, expected = _body(random, surface, number, text, private, streamed)
    if manner == "is wrong":
        body, expected = _spoiled(random, number, body), None
    by_header = private and body.get("model") != "secret"
    raw = json.dumps(body).encode()
    if manner == "is wrong" and random.random() < 0.3:
        raw = raw[: len(raw) // 2]
    return Plan(
        number=number,
        surface=surface,
        path=random.choice(_PATHS[surface]),
        body=raw,
        headers=("x-tidegate-class: private",) if by_header else (),
        streamed=streamed,
        private=private,
        manner=manner,
        expected=expected,
        resets=random.random() < 0.5,
        leaves_after_s=random.random() ** 2 * 1.5,
        leaves_after_bytes=int(random.random() ** 2 * 4000),
        calm=calm,
    )


def _manner(random: Random) -> Manner:
    shares: dict[Manner, int] = {
        "stays": 60,
        "reads slowly": 7,
        "sends slowly": 5,
        "asks twice": 5,
        "leaves before the answer": 7,
        "leaves in the answer": 8,
        "leaves in its body": 3,
        "closes one side": 2,
        "is wrong": 3,
    }
    return random.choices(list(shares), list(shares.values()))[0]


def _text(random: Random, number: int) -> str:
    words = " ".join(f"w{place}" for place in range(random.choice((3, 12, 25, 60))))
    return f"mark-{marker_of(number)}-end {words} over"


def _body(
    random: Random, surface: Surface, number: int, text: str, private: bool, streamed: bool
) -> tuple[dict[str, Any], str | None]:
    kept = f" Keep the {CANARY} to yourself." if private else ""
    model = random.choice(_AT_HOME if private else _ANYWHERE)
    body: dict[str, Any] = {"model": model, "stream": streamed}
    if surface == "fim":
        body |= {"prompt": f"# mark-{marker_of(number)}-end{kept}\ndef tide(", "suffix": "\n    return high\n"}
        return body, None
    asked = f"Be short.{kept} Say exactly: {text}"
    messages = [{"role": "user", "content": asked}]
    expected: str | None = text
    if random.random() < 0.75:
        body["thinking"] = {"type": "disabled"}
    if surface == "messages":
        body |= {"max_tokens": 3000, "system": "You are a gate.", "messages": messages}
        return body, expected
    if random.random() < 0.06:
        messages[0]["content"] = f"mark-{marker_of(number)}-end{kept} Call get_tide for Brest."
        body["tools"] = [_TOOL]
        expected = None
    if random.random() < 0.3:
        messages.insert(0, {"role": "system", "content": "You are a gate."})
    if streamed and random.random() < 0.3:
        body["stream_options"] = {"include_usage": True}
    return body | {"messages": messages}, expected


def _spoiled(random: Random, number: int, body: dict[str, Any]) -> dict[str, Any]:
    """A request that deserves a 4xx, wherever it goes; no two are the same."""
    spoils: list[dict[str, Any]] = [
        {"model": "no-such-model"},
        {"messages": "none"},
        {"messages": []},
        {"stream": "yes"},
        {"model": 7},
    ]
    return {"note": marker_of(number), **body, **random.choice(spoils)}
