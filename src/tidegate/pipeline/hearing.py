"""Hears one answer for those who want to know it whole: frame by frame, after each was handed on, so that nobody waits.

Heard as it comes and not at its end: then it holds the text once instead of every frame, and no long answer stops all
others while it is decoded. What cannot be read is not heard, and is no error: the client has it as it came.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tidegate.core.errors import GatewayError
from tidegate.core.events import Frame, Reasoning, Text, ToolCall
from tidegate.core.exchange import Exchange
from tidegate.core.fold import Answer, Folding

LONGEST_HEARD = 4 * 1024 * 1024
"""Characters of one answer; more than 393,216 tokens of text are not held at once for every open stream."""

Keeper = Callable[[Exchange, Answer], None]
"""Gets the whole answer once it has properly ended."""
CutKeeper = Callable[[Exchange, str], None]
"""Gets the text of an answer that broke off, as far as it was given out."""


class Hearing:
    def __init__(
        self, keepers: Sequence[Keeper], most_characters: int = LONGEST_HEARD, on_cut: CutKeeper | None = None
    ) -> None:
        self._keepers = keepers
        self._on_cut = on_cut
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

    def end(self, exchange: Exchange) -> None:
        """The answer has properly ended."""
        if self._folding is None:
            return
        try:
            answer = self._folding.answer()
        except GatewayError:
            return
        for keep in self._keepers:
            keep(exchange, answer)

    def cut(self, exchange: Exchange, last: list[Frame]) -> None:
        """The answer broke off, or nobody waits for it any more. `last` was given out and not heard yet."""
        if self._on_cut is None:
            return
        self.hear(last)
        if self._folding is not None and (said := self._folding.said):
            self._on_cut(exchange, said)
