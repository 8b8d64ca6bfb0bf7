"""A private answer is known before it is given out, so that it is known when it comes back, wherever that is.

A client may send the next turn as soon as it has read the last word, or leave in the middle and send what it has; that turn
may reach another process. So the marks by which the answer will be known are remembered everywhere before the words go
out: for each piece until its beginning is long enough to be known by that alone, and once more with its end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tidegate.core.errors import GatewayError
from tidegate.core.events import Finish, Frame, Text, ToolCall
from tidegate.core.messages import Message, TextPart, ToolCallPart
from tidegate.pipeline.hearing import LONGEST_HEARD
from tidegate.privacy.conversations import BEGINNING

Spread = Callable[[tuple[str, ...], float], Awaitable[None]]
"""Marks and when they were seen (unix seconds). Returns when every process knows them; raises where that cannot be."""


class Ahead:
    """Of one answer. `marks_of` gives the marks of it as far as it has come."""

    def __init__(
        self, marks_of: Callable[[Message], tuple[str, ...]], known: Callable[[tuple[str, ...]], Awaitable[None]]
    ) -> None:
        self._marks_of = marks_of
        self._known = known
        self._text: list[str] = []
        self._left_characters = LONGEST_HEARD
        self._calls: dict[int, list[str]] = {}
        self._begun = False
        """What was given out is known by its beginning, so what follows may wait for the end."""
        self._sent: set[str] = set()

    async def take(self, frames: list[Frame]) -> None:
        """Called before these go out."""
        said, finished = False, False
        try:
            for frame in frames:
                for event in frame.events:
                    match event:
                        case Text(text):
                            self._add(text)
                            said = True
                        case ToolCall(index, _, name, arguments):
                            call = self._calls.setdefault(index, ["", ""])
                            call[0] = name or call[0]
                            self._left_characters -= len(arguments)
                            if self._left_characters >= 0:
                                call[1] += arguments
                        case Finish():
                            finished = True
                        case _:
                            pass
        except GatewayError:
            return  # what cannot be read is not known by its words; the conversation's other marks are
        if finished or (said and not self._begun):
            await self._tell()

    def _add(self, text: str) -> None:
        self._left_characters -= len(text)
        if self._left_characters >= 0:
            self._text.append(text)

    async def _tell(self) -> None:
        text = "".join(self._text)
        calls = [ToolCallPart("", name, arguments) for name, arguments in self._calls.values()]
        marks = [
            mark for mark in self._marks_of(Message("assistant", (TextPart(text), *calls))) if mark not in self._sent
        ]
        self._sent.update(marks)
        self._begun = len(text.strip()) > BEGINNING
        if marks:
            await self._known(tuple(marks))
