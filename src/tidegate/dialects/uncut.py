"""Whether a prompt was cut before it was answered, for servers that can do so without a word. Pure.

Nobody here has their tokenizers, so only what holds for every tokenizer is used: none joins words over a space, so a
prompt has at least as many tokens as words. A server that counts fewer has not read it all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tidegate.core.errors import BadAnswer
from tidegate.core.events import Event, UsageReport
from tidegate.core.messages import TextPart
from tidegate.core.requests import ChatRequest
from tidegate.dialects.base import COMMON, RequestQuirk
from tidegate.dialects.errors import window_exceeded
from tidegate.dialects.readers import Fields
from tidegate.dialects.stages import Reporting

CUT = COMMON.rule(
    "REQ030",
    "an answer to a prompt that was cut is refused",
    why="Some servers drop the oldest messages of a prompt that is longer than their window, and the answer looks right. A "
    "server that counts fewer prompt tokens than the messages have words has not read them all. Where its window is known, "
    "a prompt with more words than that is refused before it is sent.",
    source="ollama/ollama#4967, #17889; lmstudio-ai/lmstudio-bug-tracker#546; transformers 5.19.0, run 2026-11-22",
    checked="2026-11-24",
)

_LONGEST = 32
"""No tokenizer that is in use has a token of more letters; runs without a space count by this."""
_WORD = re.compile(r"[^\W_]")


def fewest_tokens(request: ChatRequest) -> int:
    """How many tokens the texts of the messages have at least. What a template adds, or may leave out, is not counted."""
    return sum(
        1 + (len(run) - 1) // _LONGEST
        for message in request.messages
        for part in message.parts
        if isinstance(part, TextPart)
        for run in part.text.split()
        if _WORD.search(run)
    )


class NotCut(Reporting):
    """Raises at the report of usage, which comes last: before it nobody can know."""

    def __init__(self, request: ChatRequest) -> None:
        super().__init__(CUT.code)
        self._request = request

    def take(self, event: Event) -> Iterable[Event]:
        if isinstance(event, UsageReport):
            # Some servers count 0 for what they do not count, and some leave out what the cache held.
            counted = (event.usage.prompt or 0) + (event.usage.cache_hit or 0)
            if 0 < counted < fewest_tokens(self._request):
                raise BadAnswer(
                    "the backend has not read the whole prompt: it counts fewer tokens than there are words; raise its "
                    f"context length, see {CUT.code}"
                )
        return (event,)


def within(window_tokens: int) -> RequestQuirk:
    """Refuses what cannot fit a window of this many tokens."""

    def refuse(request: ChatRequest, _fields: Fields) -> bool:
        fewest = fewest_tokens(request)
        if fewest > window_tokens:
            raise window_exceeded(window_tokens, f"at least {fewest}")
        return False

    return CUT, refuse
