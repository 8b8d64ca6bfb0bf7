"""What a raw completion endpoint is: where it is, how a request for text is written, and how its answer is read. Pure.

Two roads end here, chats on the raw path (`raw_path`) and completions (`fim`), and both are asked for as streams.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from tidegate.codecs.usage import decode_usage
from tidegate.core.events import Event
from tidegate.core.fold import Answer
from tidegate.core.profile import Traits
from tidegate.core.requests import ChatRequest
from tidegate.core.usage import Usage
from tidegate.dialects.readers import AnswerQuirk, Chunks, Fields, Wire

FORMAT_KINDS = ("json", "regex")


@dataclass(frozen=True, slots=True)
class Constraint:
    """What all of the text must be: JSON of this schema ("" is any JSON), or a match of this regular expression."""

    kind: Literal["json", "regex"]
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request for text. `rendered`: the prompt spells its own begin and control tokens. `suffix`: infill before it.

    `most` is what the client said or a default. `logprobs` counts alternatives.
    """

    model: str
    prompt: str
    rendered: bool = False
    suffix: str | None = None
    most: int
    temperature: float = 1
    top_p: float = 1
    seed: int | None = None
    stop: tuple[str, ...] = ()
    constraint: Constraint | None = None
    logprobs: int | None = None


def nothing_told(_chunk: Fields) -> Usage | None:
    return None


def usage_told(chunk: Fields) -> Usage | None:
    """For servers that send usage so far with each chunk, if asked (`continuous_usage_stats`)."""
    return decode_usage(chunk.get("usage"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEndpoint:
    """`infill`: the endpoint that takes a suffix, where there is one. `progress` reads what was used so far out of a chunk.
    `formats`: kinds of constraint that can be enforced. `on_chunk`: quirks of a raw answer's chunks.
    """

    path: str
    wire: Wire
    write: Callable[[Ask], Fields]
    infill: TextEndpoint | None = None
    progress: Callable[[Fields], Usage | None] = nothing_told
    formats: frozenset[str] = frozenset()
    on_chunk: tuple[AnswerQuirk, ...] = ()


class Tally:
    """What one answer has used so far, as its chunks tell it."""

    def __init__(self, progress: Callable[[Fields], Usage | None]) -> None:
        self._progress = progress
        self.usage: Usage | None = None

    def see(self, fields: Fields) -> None:
        self.usage = self._progress(fields) or self.usage

    def watching(self, wire: Wire) -> Wire:
        """The same wire, of which this sees each chunk before its events."""

        def whole(fields: dict[str, Any]) -> Answer:
            self.see(fields)
            return wire.answer(fields)

        return replace(wire, chunks=lambda: _Watched(wire.chunks(), self), answer=whole)


class _Watched:
    def __init__(self, chunks: Chunks, tally: Tally) -> None:
        self._chunks = chunks
        self._tally = tally

    def decode(self, fields: Fields, /) -> tuple[Event, ...]:
        self._tally.see(fields)
        return self._chunks.decode(fields)


def surely_left(window_tokens: int | None, prompt: str, most: int) -> int:
    """As much of `most` as fits beside the prompt, for a server that refuses what does not. Its tokens are not counted
    here: no text of a natural language has as many as one for two bytes. A prompt that may fill the window alone is left
    to the server, which counts.
    """
    if window_tokens is None:
        return most
    left = window_tokens - len(prompt.encode("utf-8", "surrogatepass")) // 2
    return min(most, left if left > 0 else window_tokens)


def openai_fields(ask: Ask) -> Fields:
    """A request as completion endpoints of OpenAI's shape take it, streamed; what nobody said is left out."""
    said = {"suffix": ask.suffix, "seed": ask.seed, "stop": list(ask.stop) or None, "logprobs": ask.logprobs}
    return {
        "model": ask.model,
        "prompt": ask.prompt,
        "max_tokens": ask.most,
        "temperature": ask.temperature,
        "top_p": ask.top_p,
        "stream": True,
        "stream_options": {"include_usage": True},
        **{name: value for name, value in said.items() if value is not None},
    }


def lacks_parsers(request: ChatRequest, traits: Traits) -> bool:
    """Whether a server without its parsers would hand on what the model wrote in answer to this request."""
    return (traits.parses_calls is False and bool(request.tools)) or (
        traits.splits_reasoning is False and request.thinks
    )
