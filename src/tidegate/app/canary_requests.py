"""The requests of a canary run: bodies with planted values in every field that takes a text, on every surface."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tidegate.app.canary_values import WORD, Kind, Planted, plant, some

Surface = Literal["chat", "fim", "messages"]
SURFACES: tuple[Surface, ...] = ("chat", "fim", "messages")
URLS: dict[Surface, str] = {
    "chat": "/chat/completions",
    "fim": "/beta/completions",
    "messages": "/anthropic/v1/messages",
}
_BY_THEMSELVES = ("DeepSeek key", "AWS key", "plain word")
"""Kinds that need no words around them, and only letters, digits and dashes."""
_LONG = ("private key", "JWT")
_FILLER = "please read this with care, it belongs to what we spoke of before, and answer in one short sentence:"


@dataclass(slots=True)
class Shot:
    """One request. `planted` is all in it that a row or class may speak of; `never` stands in fields that no backend is
    sent; `asked` is what the last user turn holds, so what an answer that repeats it must hold. `quoted`: the value is a
    name that the hosted API's error repeats to whoever sent it, and so does ours."""

    path: str
    number: int
    surface: Surface = "chat"
    model: str = "auto"
    client: str | None = None
    header: str | None = None
    stream: bool = False
    sticky: bool = False
    image: bool = False
    quoted: bool = False
    url: str = ""
    body: bytes = field(default=b"", repr=False)
    headers: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    planted: list[Planted] = field(default_factory=list[Planted])
    never: list[Planted] = field(default_factory=list[Planted])
    asked: list[Planted] = field(default_factory=list[Planted])

    @property
    def marker(self) -> str:
        return f"cn{self.number:06}q"

    @property
    def values(self) -> list[Planted]:
        return [*self.planted, *self.never]


class Writer:
    """Writes the body of one shot. `kinds` take turns from place to place."""

    def __init__(self, shot: Shot, kinds: tuple[Kind, ...]) -> None:
        self._shot = shot
        self._kinds = kinds
        self._next = 0

    def write(self, **more: Any) -> None:
        """`more` are fields beside the request's own."""
        shot = self._shot
        fields: dict[str, Any] = {"model": shot.model, "stream": shot.stream, "max_tokens": 32, **more}
        wrote: dict[Surface, Callable[[], dict[str, Any]]] = {
            "chat": self._chat,
            "fim": self._fim,
            "messages": self._messages,
        }
        fields |= wrote[shot.surface]()
        shot.url = shot.url or URLS[shot.surface]
        # Every second one in ASCII only: what is not ASCII is escaped then.
        shot.body = json.dumps(fields, ensure_ascii=shot.number % 2 == 0).encode()

    def text(self, into: list[Planted] | None = None) -> str:
        return self._plant(self._kind(), into).text

    def _kind(self) -> Kind:
        self._next += 1
        return self._kinds[(self._shot.number + self._next) % len(self._kinds)]

    def _plant(self, kind: Kind, into: list[Planted] | None = None) -> Planted:
        one = plant(kind)
        (self._shot.planted if into is None else into).append(one)
        return one

    def question(self) -> str:
        """The last user turn: a value of a kind, and a word that only the class protects."""
        value, word = self._plant(self._kind()), self._plant(WORD)
        self._shot.asked = [value, word]
        return f"[{self._shot.marker}] {_FILLER} {value.text} {word.text}"

    def _fim(self) -> dict[str, Any]:
        return {"prompt": f"# {self.question()}\n", "suffix": f"\n# {self.text()}\n"}

    def _chat(self) -> dict[str, Any]:
        call_id = f"call_00_{some('0123456789abcdef', 24)}"
        function = {"name": "look", "arguments": json.dumps({"x": self.text()}, ensure_ascii=False)}
        call = {"id": call_id, "type": "function", "function": function}
        said = {"role": "assistant", "content": self.text(), "reasoning_content": self.text()}
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": f"Be brief. {self.text()}"},
            {"role": "user", "content": f"[{self._shot.marker}] before: {self.text()}"},
            {**said, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call_id, "content": self.text()},
            {"role": "assistant", "content": f"{self._shot.marker}: {self.text()}", "reasoning_content": self.text()},
            {"role": "user", "content": self.question()},
        ]
        if self._shot.image:
            messages[-1]["content"] = [{"type": "text", "text": messages[-1]["content"]}, self._picture()]
        shape = {"type": "object", "properties": {"x": {"type": "string", "description": self.text()}}}
        tool = {"name": "look", "description": self.text(), "parameters": shape}
        fields: dict[str, Any] = {"messages": messages, "tools": [{"type": "function", "function": tool}]}
        if (user_id := self._bare()) is not None:
            fields["user_id"] = user_id
        if (stop := self._stop()) is not None:
            fields["stop"] = [stop]
        return fields

    def _messages(self) -> dict[str, Any]:
        call_id = f"toolu_{some('0123456789abcdef', 24)}"
        used = {"type": "tool_use", "id": call_id, "name": "look", "input": {"x": self.text()}}
        thought = {"type": "thinking", "thinking": self.text(), "signature": ""}
        said = {"type": "text", "text": f"{self._shot.marker}: {self.text()}"}
        result = {"type": "tool_result", "tool_use_id": call_id, "content": self.text()}
        shape = {"type": "object", "properties": {"x": {"type": "string", "description": self.text()}}}
        fields: dict[str, Any] = {
            "system": f"Be brief. {self.text()}",
            "messages": [
                {"role": "user", "content": f"[{self._shot.marker}] before: {self.text()}"},
                {"role": "assistant", "content": [thought, said, used]},
                {"role": "user", "content": [result, {"type": "text", "text": self.question()}]},
            ],
            "tools": [{"name": "look", "description": self.text(), "input_schema": shape}],
        }
        if (stop := self._stop()) is not None:
            fields["stop_sequences"] = [stop]
        return fields

    def _bare(self) -> str | None:
        """A value that may stand alone in a narrow field."""
        fitting = [kind for kind in self._kinds if kind.name in _BY_THEMSELVES]
        return self._plant(fitting[self._shot.number % len(fitting)]).value if fitting else None

    def _stop(self) -> str | None:
        kind = self._kind()
        return None if kind.name in _LONG else self._plant(kind).text

    def _picture(self) -> dict[str, Any]:
        hidden = self._plant(WORD)  # nobody can look into a picture, so only its class protects it
        data = base64.b64encode(f"image of {hidden.value} and more".encode()).decode()
        return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


def tempting(writer_into: list[Planted], urls: list[str]) -> dict[str, Any]:
    """Fields by which other gateways can be led elsewhere, each with a value that no backend may be sent."""

    def word() -> str:
        one = plant(WORD)
        writer_into.append(one)
        return one.value

    url = urls[0] if urls else "http://127.0.0.1:9"
    return {
        "fallbacks": [{"model": "deepseek-flash", "note": word()}],
        "models": ["deepseek-flash", word()],
        "api_base": f"{url}/{word()}",
        "base_url": f"{url}/{word()}",
        "api_key": word(),
        "route": word(),
        "provider": {"order": [word()]},
        "metadata": {"note": word(), "x-tidegate-class": "public"},
        "extra_headers": {"x-tidegate-class": "public", "x-note": word()},
        "x-tidegate-class": "public",
    }


def plain_body(shot: Shot, kind: Kind) -> None:
    """A chat of one turn without tools, for answers that cannot have them."""
    writer = Writer(shot, (kind,))
    messages = [{"role": "system", "content": writer.text()}, {"role": "user", "content": writer.question()}]
    shot.url = URLS["chat"]
    shot.body = json.dumps({"model": shot.model, "stream": shot.stream, "messages": messages}).encode()
