"""One answer in the making: a brain's words within the limits of the request, as the events of `core/events`.

Counts the tokens that were produced, which is what is billed; holds back text that may be the beginning of a stop
string. Knows no clock and no wire.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

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
    """Lets text through until a stop string begins, and nothing after it."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held: list[Text] = []
        self.found: str | None = None

    def take(self, event: Text) -> list[Text]:
        if not self._stops:
            return [event]
        self._held.append(event)
        text = "".join(held.text for held in self._held)
        places = [(place, stop) for stop in self._stops if (place := text.find(stop)) >= 0]
        if places:
            place, self.found = min(places)
            return self._release(place, cuts=True)
        return self._release(self._safe(text), cuts=False)

    def rest(self) -> list[Text]:
        """What was held back, now that no stop string can complete it."""
        rest, self._held = self._held, []
        return rest

    def _safe(self, text: str) -> int:
        """Where the first possible beginning of a stop string is."""
        for place in range(max(0, len(text) - max(map(len, self._stops)) + 1), len(text)):
            if any(stop.startswith(text[place:]) for stop in self._stops):
                return place
        return len(text)

    def _release(self, end: int, *, cuts: bool) -> list[Text]:
        """Held pieces that lie before `end`; the one across it waits, or is cut there."""
        released: list[Text] = []
        while self._held and len(self._held[0].text) <= end:
            end -= len(self._held[0].text)
            released.append(self._held.pop(0))
        if cuts and self._held and end:
            released.append(Text(self._held[0].text[:end], self._held[0].logprobs))
        if cuts:
            self._held = []
        return released


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
            if self._cut is not None and not self._cut.lets_through(event):
                return
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
    """Lets only the first pieces of each call's arguments through, so that they are no JSON."""

    _PIECES = 4

    def __init__(self) -> None:
        self._let: dict[int, int] = {}

    def lets_through(self, call: ToolCall) -> bool:
        if call.name is not None:
            return True
        self._let[call.index] = self._let.get(call.index, 0) + 1
        return self._let[call.index] <= self._PIECES
