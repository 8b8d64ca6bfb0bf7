"""An answer to a masked request, on its way back: pseudonyms become the values they stand for.

A stage like those of dialects, and the last one before the surface. Holds text back only while it may be the beginning of
a known pseudonym. Knows the pairs of this one exchange, so nothing in an answer can name another's value. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

import orjson
from msgspec.structs import replace

from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Frame, Reasoning, Start, Text, ToolCall, UsageReport, frame_of
from tidegate.privacy.masking.mask import Veil
from tidegate.privacy.masking.rules import CUT, RESTORED

_NEVER = re.compile(r"(?!)")


class Pairs:
    """The pairs of an exchange, ready to be looked for. Shared by its channels."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._pairs = pairs
        longest_first = sorted(pairs, key=len, reverse=True)
        self._any = re.compile("|".join(map(re.escape, longest_first))) if pairs else _NEVER
        self._beginnings = frozenset(one[:size] for one in pairs for size in range(1, len(one)))
        self._longest = max(map(len, pairs), default=0)

    def opened(self, text: str, start: int) -> int:
        """From where on the text may be the beginning of a pseudonym; its length, if nowhere."""
        for at in range(max(start, len(text) - self._longest + 1), len(text)):
            if text[at:] in self._beginnings:
                return at
        return len(text)

    def find(self, text: str, start: int) -> re.Match[str] | None:
        return self._any.search(text, start)

    def value(self, pseudonym: str, *, in_json: bool) -> str:
        value = self._pairs[pseudonym]
        return orjson.dumps(value).decode()[1:-1] if in_json else value

    def whole(self, text: str) -> str:
        """All pseudonyms of a text that is complete."""
        return self._any.sub(lambda found: self._pairs[found[0]], text)

    def is_cut(self, text: str) -> bool:
        """Whether this beginning is more than its kind, so that no word of a language can be meant."""
        return any(one.startswith(text) and len(text) > one.rindex("_") + 1 for one in self._pairs if "_" in one)


class Channel:
    """One text that grows: what is said, what is thought, or the arguments of one call."""

    def __init__(self, pairs: Pairs, *, in_json: bool) -> None:
        self._pairs = pairs
        self._in_json = in_json
        self._held = ""
        self.restored = False

    def feed(self, piece: str) -> str:
        """What can be said by now."""
        text = self._held + piece
        said, done = self._restore(text, closing=False)
        self._held = text[done:]
        return said

    def close(self) -> str:
        """What was held back after all; an error if it can only be half a pseudonym."""
        said, done = self._restore(self._held, closing=True)
        rest, self._held = self._held[done:], ""
        if rest and self._pairs.is_cut(rest):
            raise BrokenContract(
                f"the answer breaks off inside a pseudonym ({CUT.code}); raise max_tokens or ask again"
            )
        return said + rest

    def _restore(self, text: str, *, closing: bool) -> tuple[str, int]:
        """What is settled, and how much of the text that was. An earlier beginning goes before a later whole."""
        said: list[str] = []
        done = 0
        while True:
            opened = self._pairs.opened(text, done)
            found = self._pairs.find(text, done)
            if found is None or (found.start() >= opened and not closing):
                said.append(text[done:opened])
                return "".join(said), opened
            said += (text[done : found.start()], self._pairs.value(found[0], in_json=self._in_json))
            done = found.end()
            self.restored = True


class Unmask:
    """The stage. One is made for each answer."""

    def __init__(self, veil: Veil) -> None:
        self._pairs = Pairs(veil.pairs)
        self._text = Channel(self._pairs, in_json=veil.text_is_json)
        self._reasoning = Channel(self._pairs, in_json=False)
        self._calls: dict[int, Channel] = {}
        self._open: type[Event] | None = None
        self._stop_restored = False

    @property
    def quirks(self) -> tuple[str, ...]:
        channels = (self._text, self._reasoning, *self._calls.values())
        done = self._stop_restored or any(channel.restored for channel in channels)
        return (RESTORED.code,) if done else ()

    def take(self, event: Event) -> Iterable[Event]:
        kind = type(event)
        rest = () if kind is self._open else tuple(self._close())
        self._open = kind
        return (*rest, *self._taken(event))

    def _taken(self, event: Event) -> Iterator[Event]:
        match event:
            case Text(piece):
                yield from _said(event, piece, self._text.feed(piece))
            case Reasoning(piece):
                yield from _said(event, piece, self._reasoning.feed(piece))
            case ToolCall(index, call_id, name, piece):
                if index not in self._calls:
                    self._calls[index] = Channel(self._pairs, in_json=True)
                said = self._calls[index].feed(piece)
                if said or not piece or call_id is not None or name is not None:
                    yield replace(event, arguments=said)
            case Finish(_, str(stop)):
                restored = self._pairs.whole(stop)
                self._stop_restored = self._stop_restored or restored != stop
                yield replace(event, stop=restored)
            case Start() | Finish() | UsageReport() | End():
                yield event
            case _:
                assert_never(event)

    def _close(self) -> Iterator[Event]:
        """The channels of the kind that spoke until now."""
        if self._open is Text and (rest := self._text.close()):
            yield Text(rest)
        elif self._open is Reasoning and (rest := self._reasoning.close()):
            yield Reasoning(rest)
        elif self._open is ToolCall:
            for index, channel in self._calls.items():
                if rest := channel.close():
                    yield ToolCall(index, arguments=rest)


def _said(event: Text | Reasoning, piece: str, said: str) -> Iterator[Event]:
    """Nothing, if all was held back; but logprobs pass as they came, and so does an event that said nothing."""
    if said or not piece or event.logprobs is not None:
        yield event if said == piece else replace(event, text=said)


def unmasked_frames(frames: Iterable[Frame], unmask: Unmask) -> list[Frame]:
    """Frames made anew without the bytes that came, in which pseudonyms stand. Comments between events are left out."""
    remade: list[Frame] = []
    for frame in frames:
        events = tuple(changed for event in frame.events for changed in unmask.take(event))
        if events:
            remade.append(frame_of(*events))
    return remade
