"""A server that thinks before every answer and calls a tool once per user message; as a hosted double it is strict."""

from __future__ import annotations

import json
from typing import Any

from tests.support.recipe import PASS_BACK, refusal
from tests.support.upstreams import DONE, USAGE, Request, Upstream, chunk, head, in_chunk, whole_reply

Json = dict[str, Any]


class Thinker(Upstream):
    """`strict` refuses what DeepSeek's package refuses in its strict mode, and what the documentation forbids beyond that.

    Its calls have ids made by chance, as the hosted API's and llama.cpp's are, so each turn it ever took is told apart.
    """

    def __init__(self, name: str, *, strict: bool) -> None:
        super().__init__(self._answer)
        self.heard: list[Json] = []
        self.refused: list[Json] = []
        self._name = name
        self._strict = strict

    async def _answer(self, request: Request) -> bool:
        if not request.body:
            await request.reply(whole_reply(b""))
            return True
        asked = json.loads(request.body)
        self.heard.append(asked)
        refused = refusal_of(request.body) if self._strict else None
        if refused is not None:
            self.refused.append(refused)
            error = json.dumps(refused).encode()
            await request.reply(head("400 Bad Request", length=len(error)), error)
            return True
        await request.reply(streamed(self._turn(asked)) if asked.get("stream") else whole(self._turn(asked)))
        return True

    def _turn(self, asked: Json) -> Json:
        step = len(self.heard)
        turn: Json = {"role": "assistant", "content": f"{self._name} answers.", "reasoning_content": ""}
        turn["reasoning_content"] = f"{self._name} thinks 深 about step {step}."
        if asked.get("tools") and asked["messages"][-1]["role"] == "user":
            function = {"name": asked["tools"][0]["function"]["name"], "arguments": f'{{"step": {step}}}'}
            call_id = f"call_00_{self._name[0]}7Kq2aPx9Rt5VwYz1Bc{step:04d}"
            turn["content"] = ""
            turn["tool_calls"] = [{"index": 0, "id": call_id, "type": "function", "function": function}]
        return turn


def refusal_of(body: bytes) -> Json | None:
    refused = refusal(body)
    if refused is None and lacks_reasoning(json.loads(body)):
        refused = {"error": {"message": PASS_BACK, "type": "invalid_request_error", "param": None, "code": None}}
    return refused


def lacks_reasoning(asked: Json) -> bool:
    """The documentation's rule of 2026-08-27, wider than the package's: all earlier turns while tools are sent."""
    thinks = asked.get("thinking", {}).get("type") != "disabled"
    turns = [message for message in asked["messages"] if message["role"] == "assistant"]
    return thinks and bool(asked.get("tools")) and any("reasoning_content" not in turn for turn in turns)


def reason(turn: Json) -> str:
    return "tool_calls" if "tool_calls" in turn else "stop"


def whole(turn: Json) -> bytes:
    choice = {"index": 0, "message": turn, "logprobs": None, "finish_reason": reason(turn)}
    answer = {"id": "a", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE}
    body = json.dumps(answer, separators=(",", ":")).encode()
    return head("200 OK", length=len(body)) + body


def streamed(turn: Json) -> bytes:
    middle = len(turn["reasoning_content"]) // 2
    deltas: list[Json] = [
        {"role": "assistant", "content": None, "reasoning_content": ""},
        {"content": None, "reasoning_content": turn["reasoning_content"][:middle]},
        {"content": None, "reasoning_content": turn["reasoning_content"][middle:]},
    ]
    if turn["content"]:
        deltas.append({"content": turn["content"], "reasoning_content": None})
    if "tool_calls" in turn:
        deltas.append({"tool_calls": turn["tool_calls"]})
    last = chunk({"content": "", "reasoning_content": None}, reason(turn), USAGE)
    pieces = [*map(chunk, deltas), last, DONE, b""]
    return head("200 OK", "text/event-stream") + b"".join(map(in_chunk, pieces))
