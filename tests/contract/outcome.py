"""What a client got, from any surface, streamed or whole, in one form. Knows the hosted contract's shapes and nothing of ours."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

Fields = dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """`calls` are names and arguments; `quirks` the codes that the gateway reported for this exchange."""

    status: int = 0
    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    finish: str | None = None
    usage: Fields = field(default_factory=dict)
    error: Fields = field(default_factory=dict)
    quirks: tuple[str, ...] = ()
    pieces: int = 0
    """In how many parts the arguments of calls came."""


def frames_of(body: bytes) -> list[Fields]:
    lines = [line.removeprefix("data: ") for line in body.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def read(surface: str, body: bytes, status: int, *, streamed: bool) -> Outcome:
    outcome = Outcome(status)
    if status != 200:
        outcome.error = json.loads(body).get("error") or {}
        return outcome
    if surface == "messages":
        return _messages_stream(outcome, frames_of(body)) if streamed else _message(outcome, json.loads(body))
    if streamed:
        assert body.rstrip().endswith(b"data: [DONE]"), "a stream ends with [DONE]"
        return _chunks(outcome, frames_of(body))
    return _answer(outcome, json.loads(body))


def _answer(outcome: Outcome, answer: Fields) -> Outcome:
    (choice,) = answer["choices"]
    message: Fields = choice.get("message") or {"content": choice.get("text")}
    outcome.text = message["content"] or ""
    outcome.reasoning = message.get("reasoning_content") or ""
    for call in message.get("tool_calls") or ():
        assert call["id"], "a call has an id"
        outcome.calls.append((call["function"]["name"], call["function"]["arguments"]))
    outcome.pieces = len(outcome.calls)
    outcome.finish, outcome.usage = choice["finish_reason"], answer["usage"]
    return outcome


def _chunks(outcome: Outcome, chunks: list[Fields]) -> Outcome:
    calls: dict[int, list[str]] = {}
    for chunk in chunks:
        if "error" in chunk:
            outcome.error = chunk["error"]
            return outcome
        (choice,) = chunk["choices"]
        delta: Fields = choice.get("delta") or {"content": choice.get("text")}
        outcome.text += delta.get("content") or ""
        outcome.reasoning += delta.get("reasoning_content") or ""
        for piece in delta.get("tool_calls") or ():
            call = calls.setdefault(piece["index"], ["", ""])
            call[0] += piece["function"].get("name") or ""
            call[1] += piece["function"].get("arguments") or ""
            outcome.pieces += bool(piece["function"].get("arguments"))
        outcome.finish = choice["finish_reason"] or outcome.finish
        outcome.usage = chunk.get("usage") or outcome.usage
    outcome.calls = [(name, arguments) for _, (name, arguments) in sorted(calls.items())]
    return outcome


_FINISHES = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "tool_calls"}


def _usage(usage: Fields) -> Fields:
    """Messages count what the cache held apart from the input."""
    hit = usage.get("cache_read_input_tokens")
    miss = usage.get("input_tokens")
    prompt = None if miss is None else miss + (hit or 0)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": usage.get("output_tokens"),
        "prompt_cache_hit_tokens": hit,
        "prompt_cache_miss_tokens": miss if hit is not None else None,
    }


def _message(outcome: Outcome, message: Fields) -> Outcome:
    for block in message["content"]:
        match block["type"]:
            case "text":
                outcome.text += block["text"]
            case "thinking":
                outcome.reasoning += block["thinking"]
            case "tool_use":
                # A call that was cut has an empty input here, as in the hosted answer, which has no other way to say it
                # (deepseek-recipe 0.2.0, run 2026-11-24); `max_tokens` tells it from a call without arguments.
                cut = message["stop_reason"] == "max_tokens" and not block["input"]
                outcome.calls.append((block["name"], "" if cut else json.dumps(block["input"])))
            case other:
                raise AssertionError(f"unknown block {other}")
    outcome.pieces = len(outcome.calls)
    outcome.finish, outcome.usage = _FINISHES[message["stop_reason"]], _usage(message["usage"])
    return outcome


def _messages_stream(outcome: Outcome, events: list[Fields]) -> Outcome:
    blocks: dict[int, list[str]] = {}
    for event in events:
        match event["type"]:
            case "error":
                outcome.error = event["error"]
            case "content_block_start" if event["content_block"]["type"] == "tool_use":
                blocks[event["index"]] = [event["content_block"]["name"], ""]
            case "content_block_delta":
                delta = event["delta"]
                outcome.text += delta.get("text", "")
                outcome.reasoning += delta.get("thinking", "")
                if "partial_json" in delta:
                    blocks[event["index"]][1] += delta["partial_json"]
                    outcome.pieces += bool(delta["partial_json"])
            case "message_delta":
                outcome.finish = _FINISHES[event["delta"]["stop_reason"]]
                outcome.usage = _usage(event["usage"])
            case _:
                pass
    outcome.calls = [(name, arguments) for name, arguments in blocks.values()]
    return outcome
