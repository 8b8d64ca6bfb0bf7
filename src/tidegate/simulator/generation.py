"""One answer in the making: a brain's words within the limits of the request, as the events of `core/events`.

Counts the tokens that were produced, which is what is billed; holds back text that may be the beginning of a stop
string. Knows no clock and no wire.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from msgspec.structs import replace

from tidegate.core.events import Event, Finish, Reasoning, Text, ToolCall
from tidegate.simulator.brain import Brain, Said, Task
from tidegate.simulator.speech import Speech, Spoken


@dataclass(frozen=True, slots=True)
class Spoiling:
    """What a fault does to an answer while it is made."""

    is_empty: bool = False
    ends_as: str = ""
    ends_after_events: int = 0
    cuts_arguments: bool = False


class StopScan:
    """Lets text through until a stop string begins, and nothing after it.

    Goes over each character once and keeps, for each stop string, how much of it the text so far ends with
    (Knuth, Morris, Pratt); so the cost does not grow with what is held back.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple((stop, _fallbacks(stop)) for stop in stops if stop)
        self._begun = [0] * len(self._stops)
        self._held: deque[Text] = deque()
        self._held_characters = 0
        self.found: str | None = None

    def take(self, event: Text) -> list[Text]:
        if not self._stops:
            return [event]
        self._held.append(event)
        for character in event.text:
            self._held_characters += 1
            if found := self._completed(character):
                self.found = found
                return self._release(self._held_characters - len(found), cuts=True)
        return self._release(self._held_characters - max(self._begun), cuts=False)

    def rest(self) -> list[Text]:
        """What was held back, now that no stop string can complete it."""
        rest = list(self._held)
        self._forget()
        return rest

    def _completed(self, character: str) -> str:
        """The longest stop string that ends with this character."""
        found = ""
        for place, (stop, fallbacks) in enumerate(self._stops):
            begun = self._begun[place]
            while begun and stop[begun] != character:
                begun = fallbacks[begun - 1]
            begun += stop[begun] == character
            if begun == len(stop):
                found, begun = max(found, stop, key=len), 0
            self._begun[place] = begun
        return found

    def _release(self, end: int, *, cuts: bool) -> list[Text]:
        """Held pieces that lie before `end`; the one across it waits, or is cut there."""
        released: list[Text] = []
        while self._held and len(self._held[0].text) <= end:
            end -= len(self._held[0].text)
            self._held_characters -= len(self._held[0].text)
            released.append(self._held.popleft())
        if cuts and self._held and end:
            released.append(Text(self._held[0].text[:end], self._held[0].logprobs))
        if cuts:
            self._forget()
        return released

    def _forget(self) -> None:
        self._held.clear()
        self._held_characters = 0
        self._begun = [0] * len(self._stops)


def _fallbacks(stop: str) -> list[int]:
    """For each beginning of the stop string, the longest shorter one that it ends with."""
    found = [0] * len(stop)
    length = 0
    for place in range(1, len(stop)):
        while length and stop[place] != stop[length]:
            length = found[length - 1]
        length += stop[place] == stop[length]
        found[place] = length
    return found


class Generation:
    """Iterate `events`; `output_ids` and `reasoning_tokens` count what was produced so far."""

    def __init__(self, brain: Brain, task: Task, speech: Speech, spoiling: Spoiling | None = None) -> None:
        self._brain = brain
        self._task = task
        self._speech = speech
        self._spoiling = spoiling or Spoiling()
        self._stops = StopScan(task.request.stop)
        self._shown = 0
        self._called = False
        self._cut = _ArgumentCut() if self._spoiling.cuts_arguments else None
        self.output_ids: list[int] = []
        self.reasoning_tokens = 0

    async def events(self) -> AsyncGenerator[Event, None]:
        """Content, then one `Finish`. Closing it closes the brain."""
        reason = ""
        async with aclosing(self._brain.answer(self._task)) as said:
            async for piece in said:
                if self._spoiling.is_empty and not isinstance(piece, Reasoning):
                    continue
                for event in self._spoken(self._speech.speak(piece)):
                    yield event
                if reason := self._reason():
                    break
        if not reason:
            for event in self._spoken(self._speech.close()):
                yield event
            reason = self._reason() or self._spoiling.ends_as or ("tool_calls" if self._called else "stop")
        for event in self._stops.rest():
            yield event
        yield Finish(reason, self._stops.found)

    def _spoken(self, tokens: Iterator[Spoken]) -> Iterator[Said]:
        for spoken in tokens:
            if self._reason():
                return
            self.output_ids.append(spoken.token.token_id)
            self.reasoning_tokens += spoken.reasoning
            for event in spoken.events:
                yield from self._passed(event)

    def _passed(self, event: Said) -> Iterator[Said]:
        self._shown += 1
        if isinstance(event, Text):
            yield from self._stops.take(event)
            return
        if isinstance(event, ToolCall):
            yield from self._stops.rest()
            self._called = True
            spoilt = event if self._cut is None else self._cut.of(event)
            if spoilt is None:
                return
            event = spoilt
        yield event

    def _reason(self) -> str:
        """Why it ends here; empty while it goes on."""
        if self._stops.found is not None:
            return "stop"
        if self._spoiling.ends_as and self._shown >= self._spoiling.ends_after_events:
            return self._spoiling.ends_as
        # Also when all was said: the end itself would have been one token more.
        return "length" if len(self.output_ids) >= self._task.max_tokens else ""


class _ArgumentCut:
    """Lets only the first pieces of each call's arguments through, and never the whole, so that they are no JSON."""

    _PIECES = 4

    def __init__(self) -> None:
        self._let: dict[int, list[str]] = {}

    def of(self, call: ToolCall) -> ToolCall | None:
        if call.name is not None:
            return call
        let = self._let.setdefault(call.index, [])
        if len(let) >= self._PIECES:
            return None
        piece = call.arguments
        if _is_json("".join(let) + piece):
            let.extend([""] * self._PIECES)
            piece = piece[:-1]
        let.append(piece)
        return replace(call, arguments=piece) if piece else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
