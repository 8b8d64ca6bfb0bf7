"""Hears one answer, frame by frame and after each was handed on, so that nobody waits for it.

Heard as it comes and not at its end: then it holds the text once instead of every frame, and no long answer stops all
others while it is decoded. What cannot be read, or is too long, is not heard, and is no error: the client has it.
"""

from __future__ import annotations

from tidegate.core.errors import GatewayError
from tidegate.core.events import Frame, Reasoning, Text, ToolCall
from tidegate.core.fold import Answer, Folding

LONGEST_HEARD = 4 * 1024 * 1024
"""Characters of one answer; more than 393,216 tokens of text are not held at once by every open stream."""


class Hearing:
    def __init__(self, most_characters: int = LONGEST_HEARD) -> None:
        self._left_characters = most_characters
        self._folding: Folding | None = Folding(logprobs=False)

    def hear(self, frames: list[Frame]) -> None:
        if self._folding is None:
            return
        try:
            for frame in frames:
                for event in frame.events:
                    self._folding.add(event)
                    match event:
                        case Reasoning(text) | Text(text) | ToolCall(arguments=text):
                            self._left_characters -= len(text)
                        case _:
                            pass
        except GatewayError:
            self._folding = None
        if self._left_characters < 0:
            self._folding = None

    def answer(self) -> Answer | None:
        """The whole answer once it has properly ended; None when it was not heard to its end."""
        if self._folding is None:
            return None
        try:
            return self._folding.answer()
        except GatewayError:
            return None
