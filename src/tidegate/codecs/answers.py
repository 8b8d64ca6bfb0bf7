"""What the answers of chat and of completions have in common: reading JSON of a backend, who answers, writing JSON.

A fault here is the backend's, never the client's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import orjson

from tidegate.codecs.usage import decode_usage
from tidegate.core.errors import BrokenContract
from tidegate.core.events import Event, Finish, Start, UsageReport
from tidegate.core.jsonvalue import as_list, as_object

DONE = b"[DONE]"


def carries_only_content(data: bytes) -> bool:
    """Whether a chunk of compact JSON holds neither finish, usage nor error; False when in doubt.

    Exact, not a guess: inside a JSON string every quote is escaped, so these byte patterns only match real keys.
    """
    return (
        b'"finish_reason":null' in data
        and (b'"usage"' not in data or b'"usage":null' in data)
        and b'"error"' not in data
    )


def start_of(fields: dict[str, Any]) -> Start:
    """Who answers, of a chunk or a whole answer; what is not of its type counts as not said."""
    created = fields.get("created")
    return Start(
        _name(fields.get("model")),
        created if isinstance(created, int) and not isinstance(created, bool) else None,
        _name(fields.get("system_fingerprint")),
        _name(fields.get("id")),
    )


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def dump_answer(value: Any) -> bytes:
    """JSON bytes of an answer or a part of it. orjson writes at most 254 levels; what is deeper (logprobs, the input of a
    tool) is no answer."""
    try:
        return orjson.dumps(value)
    except TypeError:
        raise BrokenContract("the backend's answer is nested too deeply to be passed on") from None


def load_chunk(data: bytes) -> dict[str, Any]:
    return _load(data, "stream holds an event that")


def load_answer(body: bytes) -> dict[str, Any]:
    """The JSON object of a whole answer. Blank lines before it are the hosted API's keep-alive (API reference, 2026-08-02)."""
    return _load(body, "answer")


def _load(data: bytes, what: str) -> dict[str, Any]:
    try:
        fields = as_object(orjson.loads(data))
    except orjson.JSONDecodeError:
        raise BrokenContract(f"the backend's {what} is not JSON") from None
    if fields is None:
        raise BrokenContract(f"the backend's {what} is not a JSON object")
    return fields


class ChunkReader(ABC):
    """Chunks of one answer to events, whatever a choice holds.

    Holds only what the order of events needs: whether the answer began or finished.
    """

    __slots__ = ("_finished", "_started")

    def __init__(self) -> None:
        self._started = False
        self._finished = False

    @abstractmethod
    def said(self, choice: dict[str, Any]) -> list[Event]:
        """The content of a choice."""

    def decode(self, chunk: dict[str, Any]) -> tuple[Event, ...]:
        if "error" in chunk:
            raise BrokenContract("the backend reported an error inside its stream")
        events: list[Event] = []
        if not self._started:
            self._started = True
            events.append(start_of(chunk))
        if not self._finished:
            events += self.decode_content(chunk)
        usage = decode_usage(chunk.get("usage"))
        if usage is not None and self._finished:
            events.append(UsageReport(usage))
        return tuple(events)

    def decode_content(self, chunk: dict[str, Any]) -> tuple[Event, ...]:
        """What the first choice says: all of a chunk that `carries_only_content`, whenever it is asked for."""
        choices = as_list(chunk.get("choices"))
        if not choices:
            return ()
        choice = as_object(choices[0])
        if choice is None:
            raise BrokenContract("the backend's stream holds a choice that is not an object")
        events = self.said(choice)
        reason = choice.get("finish_reason")
        if reason is not None:
            self._finished = True
            events.append(Finish(text_of(reason)))
        return tuple(events)


def text_of(value: Any) -> str:
    """A text in a stream."""
    if not isinstance(value, str):
        raise BrokenContract("the backend's stream holds a delta that is not text")
    return value


def named_text(value: Any, what: str) -> str:
    """A text in a whole answer."""
    if not isinstance(value, str):
        raise BrokenContract(f"the backend's answer has no {what} that is text")
    return value
