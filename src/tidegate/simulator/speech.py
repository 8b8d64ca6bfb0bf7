"""What a brain says, as the tokens a model would have produced, each with the events that a client sees when it comes.

A tool call is written as the model writes it, in DSML, and its arguments appear piece by piece where DeepSeek's own
parser shows them (`deepseek-recipe` 0.2.0 fed token by token, 2026-11-24). Pure; limits and stops are `generation`'s.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, assert_never

from tidegate.catalog.contracts.contract import Encoding
from tidegate.core.events import Reasoning, Text, ToolCall
from tidegate.core.jsonvalue import as_object
from tidegate.simulator.brain import Said
from tidegate.simulator.logprobs import token_entry
from tidegate.simulator.prompt import Token

THINK_END = "</think>"
_JSON_OPENS = re.compile(r"[{\[]")
# Between two words of plain letters no token reaches across: the tokenizer cuts there before it merges.
_SEAM = re.compile(r"(?<=[A-Za-z])(?= [A-Za-z])")
_SPLIT_CHARACTERS = 4096


class Splitter(Protocol):
    """Cuts texts into tokens; `prompt.Renderer` does."""

    def split(self, text: str) -> list[Token]: ...

    def token_bytes(self, token_id: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Spoken:
    """One token and what a client sees of it."""

    token: Token
    events: tuple[Said, ...] = ()
    reasoning: bool = False


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of DSML: text that shows `shown` once it is complete, or a value that shows as it comes."""

    text: str
    shown: tuple[str, ...] = ()
    streams: bool = False
    escapes: bool = False
    names: bool = False


@dataclass(frozen=True, slots=True)
class Manner:
    """How one answer is spoken. `thinks_first`: it begins inside the reasoning. `calls_open`: the prompt has opened the
    block of tool calls. `is_json`: the bracket that opens it is a piece of its own, as DeepSeek's parser shows it.
    `alternatives`: how many per token are reported, None for no logprobs at all. `leaks`: DSML is shown as text, as
    servers with a wrong parser do.
    """

    encoding: Encoding
    answer_id: str
    thinks_first: bool = False
    calls_open: bool = False
    is_json: bool = False
    alternatives: int | None = None
    leaks: bool = False


class Speech:
    """The tokens of one answer."""

    def __init__(self, splitter: Splitter, manner: Manner) -> None:
        self._splitter = splitter
        self._manner = manner
        self._reasons = manner.thinks_first
        self._in_calls = manner.calls_open
        self._opens_json = manner.is_json
        self._count = 0

    def speak(self, said: Said) -> Iterator[Spoken]:
        match said:
            case Reasoning(text):
                if self._reasons:
                    yield from self._words(text, reasoning=True)
            case Text(text):
                yield from self._end_reasoning()
                yield from self._words(text, reasoning=False)
            case ToolCall():
                yield from self._end_reasoning()
                yield from self._call(said)
            case _:
                assert_never(said)

    def close(self) -> Iterator[Spoken]:
        """What still comes when the brain has said all."""
        yield from self._end_reasoning()
        if self._in_calls:
            self._in_calls = False
            yield from self._written([_Span(f"</{self._mark('calls')}>")])

    def _end_reasoning(self) -> Iterator[Spoken]:
        if self._reasons:
            self._reasons = False
            yield from (Spoken(token) for token in self._splitter.split(THINK_END))

    def _words(self, text: str, *, reasoning: bool) -> Iterator[Spoken]:
        decoder = _Pending()
        kind = Reasoning if reasoning else Text
        waiting: list[dict[str, Any]] = []
        for token in self._tokens(text):
            waiting.extend(self._logprobs(token))
            piece = decoder.take(token.data)
            events = tuple(kind(part, tuple(waiting) or None) for part in self._parts(piece, reasoning))
            if events:
                waiting = []
            yield Spoken(token, events, reasoning)

    def _tokens(self, text: str) -> Iterator[Token]:
        """A long text is split as it is said, so that nobody waits for all of it."""
        begin = 0
        while begin < len(text):
            seam = _SEAM.search(text, begin + _SPLIT_CHARACTERS)
            end = seam.start() if seam else len(text)
            yield from self._splitter.split(text[begin:end])
            begin = end

    def _parts(self, piece: str, reasoning: bool) -> list[str]:
        opening = _JSON_OPENS.search(piece) if self._opens_json and not reasoning else None
        if opening is None:
            return [piece] if piece else []
        self._opens_json = False
        return [part for part in (piece[: opening.start()], opening[0], piece[opening.end() :]) if part]

    def _logprobs(self, token: Token) -> list[dict[str, Any]]:
        if self._manner.alternatives is None:
            return []
        self._count += 1
        return [token_entry(token, self._count, self._manner.alternatives, self._splitter.token_bytes)]

    # -- tool calls ----------------------------------------------------------------------------------------------------

    def _mark(self, word: str) -> str:
        """A DSML name: V4.1 has a blank before it, V4 has none and calls the block otherwise."""
        if self._manner.encoding == "v4.1":
            return f"｜DSML｜ {word}"
        return f"｜DSML｜{'tool_calls' if word == 'calls' else word}"

    def _call(self, call: ToolCall) -> Iterator[Spoken]:
        spans: list[_Span] = []
        if not self._in_calls:
            self._in_calls = True
            spans.append(_Span(f"\n\n<{self._mark('calls')}>\n"))
        spans += [_Span(f'<{self._mark("invoke")} name="{call.name}'), _Span('">', names=True), _Span("\n")]
        parameters = _parameters(call.arguments)
        for place, (name, value) in enumerate(parameters):
            spans += self._parameter(name, value, first=place == 0)
        if not parameters:
            spans.append(_Span("\n"))
        end = self._mark("invoke")
        spans += [_Span(f"</{end[:6]}", ("}" if parameters else "{}",)), _Span(f"{end[6:]}>\n")]
        yield from self._written(spans, call)

    def _parameter(self, name: str, value: Any, *, first: bool) -> list[_Span]:
        mark = self._mark("parameter")
        is_text = isinstance(value, str)
        text = value if is_text else json.dumps(value, ensure_ascii=False)
        quote = ('"',) if is_text else ()
        return [
            _Span(f'<{mark} name="', ("{" if first else ", ", '"')),
            _Span(name, streams=True, escapes=True),
            _Span('"', ('"',)),
            _Span(" string", (": ",)),
            _Span(f'="{"true" if is_text else "false"}'),
            _Span('">', quote),
            _Span(text, streams=True, escapes=is_text),
            _Span(f"</{mark[:6]}", quote),
            _Span(f"{mark[6:]}>\n"),
        ]

    def _written(self, spans: Sequence[_Span], call: ToolCall | None = None) -> Iterator[Spoken]:
        """The tokens of these spans, each with the pieces of the call that are complete when it has come."""
        tokens = self._splitter.split("".join(span.text for span in spans))
        if self._manner.leaks:
            decoder = _Pending()
            pieces = ((token, decoder.take(token.data)) for token in tokens)
            yield from (Spoken(token, (Text(piece),) if piece else ()) for token, piece in pieces)
            return
        writer = _Writer(spans, call, self._manner.answer_id)
        yield from (Spoken(token, writer.take(token.data)) for token in tokens)


class _Pending:
    """Bytes of tokens to text: nothing until all of them make characters, as DeepSeek's parser waits."""

    def __init__(self) -> None:
        self._bytes = b""

    def take(self, data: bytes) -> str:
        self._bytes += data
        try:
            text = self._bytes.decode()
        except UnicodeDecodeError:
            return ""
        self._bytes = b""
        return text


class _Writer:
    """Goes along the spans with the bytes of the tokens and says what a client sees at each."""

    def __init__(self, spans: Sequence[_Span], call: ToolCall | None, answer_id: str) -> None:
        self._spans = iter(spans)
        self._call = call
        self._answer_id = answer_id
        self._span: _Span | None = None
        self._left = b""
        self._decoder = _Pending()
        self._next()

    def take(self, data: bytes) -> tuple[ToolCall, ...]:
        events: list[ToolCall] = []
        while data and self._span is not None:
            part, data = data[: len(self._left)], data[len(self._left) :]
            self._left = self._left[len(part) :]
            if self._span.streams and (piece := self._decoder.take(part)):
                events.append(self._piece(_escaped(piece) if self._span.escapes else piece))
            while self._span is not None and not self._left:
                events.extend(self._completed(self._span))
                self._next()
        return tuple(events)

    def _next(self) -> None:
        self._span = next(self._spans, None)
        self._left = self._span.text.encode() if self._span else b""

    def _completed(self, span: _Span) -> Iterator[ToolCall]:
        if span.names and self._call is not None:
            call_id = call_id_of(self._answer_id, self._call.index)
            yield ToolCall(self._call.index, call_id, self._call.name, "")
        yield from (self._piece(shown) for shown in span.shown)

    def _piece(self, arguments: str) -> ToolCall:
        assert self._call is not None
        return ToolCall(self._call.index, None, None, arguments)


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _parameters(arguments: str) -> list[tuple[str, Any]]:
    """As the hosted encoding writes them: what is no JSON object becomes one text parameter `arguments`."""
    try:
        found = as_object(json.loads(arguments))
    except ValueError:
        found = None
    return [("arguments", arguments)] if found is None else list(found.items())


def call_id_of(answer_id: str, index: int) -> str:
    """`call_00_` and 24 characters; follows from the answer's id."""
    digits = "".join(character for character in answer_id if character.isalnum())
    return f"call_{index:02d}_{digits[::-1][:24]:0<24}"
