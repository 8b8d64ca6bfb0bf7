"""Answers of `/completion` and `/infill`: pieces of text, the last of which says `stop`, why, and what was used.

A whole answer is such a last piece with all of the text. There is no `[DONE]` and no role: nothing of this is a chat.
"""

from __future__ import annotations

from typing import Any

from tidegate.codecs.answers import text_of
from tidegate.codecs.usage import count_of
from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Milestones, Start, Text, UsageReport, milestones
from tidegate.core.fold import Answer, fold
from tidegate.core.jsonvalue import as_list, as_object
from tidegate.core.usage import Usage

_REASONS = {"eos": "stop", "word": "stop", "limit": "length"}
"""What ended it: the model, a stop string, or the limit of tokens. The server says `none` of an answer that goes on."""


class ChunkDecoder:
    """Pieces of one answer to events."""

    __slots__ = ("_offset", "_started")

    def __init__(self) -> None:
        self._started = False
        self._offset = 0

    def decode(self, chunk: dict[str, Any]) -> tuple[Event, ...]:
        if "error" in chunk:
            raise BrokenContract("the backend reported an error inside its stream")
        events: list[Event] = []
        if not self._started:
            self._started = True
            events.append(
                Start()
            )  # only its last piece names the model, by the path of its file if nothing else was set
        if text := text_of(chunk.get("content") or ""):
            events.append(Text(text, self._logprobs(chunk.get("completion_probabilities"))))
        if chunk.get("stop") is True:
            events.append(_finish(chunk))
            if (usage := usage_of(chunk)) is not None:
                events.append(UsageReport(usage))
            events.append(End())
        return tuple(events)

    def _logprobs(self, value: Any) -> tuple[Any, ...] | None:
        """As completions have them: the alternatives of a token as one object, and where in the text it begins."""
        tokens: list[dict[str, Any]] = []
        for entry in as_list(value) or ():
            token = as_object(entry) or {}
            text = text_of(token.get("token"))
            others = [as_object(each) or {} for each in as_list(token.get("top_logprobs")) or ()]
            tokens.append(
                {
                    "token": text,
                    "logprob": token.get("logprob"),
                    "top_logprobs": {text_of(each.get("token")): each.get("logprob") for each in others},
                    "text_offset": self._offset,
                }
            )
            self._offset += len(text)
        return tuple(tokens) or None


def _finish(chunk: dict[str, Any]) -> Finish:
    reason = _REASONS.get(str(chunk.get("stop_type")))
    if reason is None:
        raise BrokenContract("the backend's stream ends without a reason that ends an answer")
    word = chunk.get("stopping_word")
    return Finish(reason, word if isinstance(word, str) and word else None)


def usage_of(chunk: dict[str, Any]) -> Usage | None:
    """What was used so far: each piece tells it. What the cache held is in the last one only."""
    prompt, output = count_of(chunk.get("tokens_evaluated")), count_of(chunk.get("tokens_predicted"))
    if prompt is None and output is None:
        return None
    timings = as_object(chunk.get("timings")) or {}
    return Usage(prompt=prompt, output=output, cache_hit=count_of(timings.get("cache_n")))


def decode_answer(fields: dict[str, Any]) -> Answer:
    return fold(ChunkDecoder().decode(fields))


def answer_milestones(fields: dict[str, Any]) -> Milestones:
    return milestones(ChunkDecoder().decode(fields))
