"""The servers of the leak test, on real sockets: outside ones that write down every byte and repeat it, and failing ones at
home. What each does with a request stands in the plan of its turn, which it finds by the marker in the text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
from tests.leaks.talks import Turn, echo
from tests.support.upstreams import (
    DONE,
    LLAMACPP_PROPS,
    USAGE,
    Request,
    Upstream,
    chunk,
    failing_reply,
    head,
    in_chunk,
    is_streamed,
    whole_reply,
)

MARKER = re.compile(rb"step-(\d{7})")
_PIECE = 7
_MOST_SINGLE = 400
"""Bytes of a stream that are sent one by one, where they are."""


def step_of(body: bytes) -> int:
    """The newest step that this request speaks of; -1: of none."""
    return max(map(int, MARKER.findall(body)), default=-1)


class Outside(Upstream):
    """A server that may only have what the policy lets it have. Keeps every byte by step, and says it all back."""

    def __init__(self, name: str, turns: Mapping[int, Turn], heard: dict[int, list[tuple[str, bytes]]]) -> None:
        super().__init__(self._answer)
        self.name = name
        self.requests = 0
        self._turns = turns
        self._heard = heard

    async def _answer(self, request: Request) -> bool:
        if not request.body:
            known = request.head.startswith(b"GET /props ")
            reply = head("200 OK", length=len(LLAMACPP_PROPS)) + LLAMACPP_PROPS if known else whole_reply(b"")
            await request.reply(reply)
            return True
        step = step_of(request.body)
        self.requests += 1
        self._heard.setdefault(step, []).append((self.name, request.head + request.body))
        turn = self._turns.get(step)
        if turn is None or b"/completions" not in request.head.partition(b"\r\n")[0]:
            await request.reply(whole_reply(request.body))
            return True
        text = echo(_asked(orjson.loads(request.body)))
        if not is_streamed(request.body):
            await request.reply(whole(text, None))
            return True
        await self._stream(request, stream_of(text, None), turn.cut)
        return True

    async def _stream(self, request: Request, data: bytes, cut: int) -> None:
        await request.reply(head("200 OK", "text/event-stream"))
        if cut:
            at = cut % len(data)
            pieces = [data[:at], data[at:]]
        else:
            pieces = [data[at : at + 1] for at in range(min(len(data), _MOST_SINGLE))] + [data[_MOST_SINGLE:]]
        for piece in filter(None, pieces):
            await request.reply(in_chunk(piece))
        await request.reply(in_chunk(b""))


class AtHome(Upstream):
    """A server inside the boundary: fails as the plan of the turn says, or answers and thinks."""

    def __init__(self, name: str, turns: Mapping[int, Turn], outside: Upstream) -> None:
        super().__init__(self._answer)
        self.name = name
        self.requests = 0
        self._turns = turns
        self._outside = outside

    async def _answer(self, request: Request) -> bool:
        if request.head.startswith(b"GET /props "):
            await request.reply(head("200 OK", length=len(LLAMACPP_PROPS)), LLAMACPP_PROPS)
            return True
        if not request.body:
            await request.reply(whole_reply(b""))
            return True
        self.requests += 1
        turn = self._turns.get(step_of(request.body))
        failure = turn.failures[self.name] if turn else "none"
        if failure == "hangs":
            await request.peer_has_left()
        if failure == "dies mid-stream" and is_streamed(request.body):
            await self._break_off(request, turn)
            return False
        if failure != "none" or turn is None or b"chat/completions" not in request.head.partition(b"\r\n")[0]:
            reply, stays_open = failing_reply(failure, request.body, self._outside.url)
            await request.reply(reply)
            return stays_open
        text = echo(_asked(orjson.loads(request.body)))
        thought = turn.thought.value if turn.thought and turn.thinks else None
        if is_streamed(request.body):
            await request.reply(head("200 OK", "text/event-stream"), in_chunk(stream_of(text, thought)), in_chunk(b""))
        else:
            await request.reply(whole(text, thought))
        return True

    async def _break_off(self, request: Request, turn: Turn | None) -> None:
        """A part of the answer, which repeats what was asked: a value may be cut in two."""
        data = stream_of(echo(_asked(orjson.loads(request.body))), None)
        at = len(data) * ((turn.cut if turn else 0) % 90 + 5) // 100
        await request.reply(head("200 OK", "text/event-stream"), in_chunk(data[:at]))


def _asked(body: dict[str, Any]) -> str:
    """The text that the last user turn says, or the prompt."""
    for message in reversed(body.get("messages", ())):
        if message["role"] == "user":
            content = message["content"]
            return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    return str(body.get("prompt", ""))


def whole(text: str, thought: str | None) -> bytes:
    message = {"role": "assistant", "content": text} | ({"reasoning_content": thought} if thought else {})
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop", "text": text}
    body = {"id": "a", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE}
    data = orjson.dumps(body)
    return head("200 OK", length=len(data)) + data


def stream_of(text: str, thought: str | None) -> bytes:
    """Events of a few characters each, so that whatever is in the text stands in several of them."""
    events = [chunk({"role": "assistant", "content": ""})]
    events += [chunk({"reasoning_content": thought[at : at + _PIECE]}) for at in range(0, len(thought or ""), _PIECE)]
    events += [chunk({"content": text[at : at + _PIECE]}) for at in range(0, len(text), _PIECE)]
    return b"".join([*events, chunk({"content": ""}, "stop", USAGE), DONE])
