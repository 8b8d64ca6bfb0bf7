"""The simulator's answers beside those of DeepSeek's own package, fed the same model output token by token.

Field by field and in the same order: every chunk of the stream, and the whole answer. Only the answer's id, the call
ids, which the package draws by lot, and the time differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from deepseek_recipe import (
    ChatCompletionRequest,
    ChatCompletionResponse,
    ConversionOptions,
    InferenceChunk,
    InferenceFinishReason,
    ModelVersion,
    PromptUsage,
    StreamProcessor,
)
from tests.support.samples import WEATHER
from tests.support.simulated import Simulated, simulated

from tidegate.simulator.logprobs import token_entry
from tidegate.simulator.prompt import Token, renderer
from tidegate.simulator.surface import FINGERPRINT

OFF = {"thinking": {"type": "disabled"}}
CALL_ID = re.compile(r"call_\d\d_[0-9A-Za-z]{20,24}")


@dataclass(frozen=True)
class Case:
    """A request, and what the model writes in answer to it (`raw`), which the simulator is known to say."""

    name: str
    asked: str
    fields: dict[str, Any] = field(default_factory=dict)
    model: str = "deepseek-flash"
    finish: str = "Stop"
    begun: dict[str, Any] | None = None
    """What the answer is to begin with: Chat Prefix Completion."""


CASES = [
    Case("thinking", "Return exactly: Héllo 🎉 there"),
    Case("not thinking", "Return exactly: Hello there", OFF),
    Case("a v4 model", "Return exactly: Hello there", model="deepseek-v4-pro"),
    Case("effort max", "Why?", {"reasoning_effort": "max"}),
    Case("one tool", "get_weather in Paris", {"tools": [WEATHER]}),
    Case("one tool, v4", "get_weather in Paris", {"tools": [WEATHER]}, model="deepseek-v4-pro"),
    Case(
        "two tools",
        "Say get_time and get_weather in Paris",
        {"tools": [WEATHER, {"type": "function", "function": {"name": "get_time"}}], **OFF},
    ),
    Case("a tool that must be called", "Hello", {"tools": [WEATHER], "tool_choice": "required", **OFF}),
    Case("length in the answer", "Return exactly: one two three four", {"max_tokens": 3, **OFF}, finish="Length"),
    Case("length in the reasoning", "Return exactly: Hello", {"max_tokens": 5}, finish="Length"),
    Case(
        "length in a tool call", "get_weather in Paris", {"tools": [WEATHER], "max_tokens": 26, **OFF}, finish="Length"
    ),
    Case("a stop string", "Return exactly: one two three", {"stop": [" thr", "zz"], **OFF}),
    Case("JSON", 'Return json like {"a": [1, {"b": "c"}]}', {"response_format": {"type": "json_object"}}),
    Case("logprobs", "Return exactly: Hé 🎉!", {"logprobs": True, **OFF}),
    Case("logprobs in thinking", "Return exactly: Hé!", {"logprobs": True, "top_logprobs": 0}),
    Case("nothing but spaces", "Return exactly:  \n", OFF),
    Case("a prefix", "Tell me of the sky", OFF, begun={"content": "The sky"}),
    Case("a prefix in thinking, its thought over", "Tell me", begun={"content": "The sky"}),
    Case("a prefix of the thought", "Tell me", begun={"content": "", "reasoning_content": "So"}),
]


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulated]:
    with simulated() as running:
        yield running


def body(case: Case, **more: Any) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": case.asked}]
    if case.begun is not None:
        messages.append({"role": "assistant", "prefix": True, **case.begun})
    return {"model": case.model, "messages": messages, **case.fields, **more}


def produced(sim: Simulated) -> tuple[list[int], int]:
    """The token ids of the last answer, and its prompt tokens: the simulator keeps both for its cache and its bill."""
    last = sim.parts.seen[-1]
    assert last.usage is not None and last.usage["prompt"] is not None
    return list(last.output_ids), last.usage["prompt"]


def oracle(case: Case, ids: list[int], prompt_tokens: int, **more: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What DeepSeek's package makes of these tokens: the chunks, and the whole answer."""
    version = ModelVersion.DeepseekV41Flash if case.model == "deepseek-flash" else ModelVersion.DeepseekV4Pro
    options = ConversionOptions().with_model_alias(case.model, version)
    request = ChatCompletionRequest(body(case, **more)).convert(options)
    generator = ChatCompletionRequest.chunk_generator(request, "ID", case.model)
    processor = StreamProcessor(generator, request.parsing_options, renderer().tokenizer)
    usage = PromptUsage(prompt_tokens=prompt_tokens, prompt_cache_hit_tokens=0)
    chunks = [*processor.push(InferenceChunk.ready(prompt_usage=usage, system_fingerprint=FINGERPRINT))]
    for token_id, logprob in zip(ids, logprobs(case, ids), strict=True):
        if processor.finished:
            break
        chunks += processor.push(InferenceChunk.tokens([token_id], None if logprob is None else [(logprob, [])]))
    if not processor.finished:
        chunks += processor.push(InferenceChunk.finish(getattr(InferenceFinishReason, case.finish)))
        chunks += processor.finish() or []
    shown = [json.loads(chunk.to_json()) for chunk in chunks]
    whole = ChatCompletionResponse("ID", case.model, 0, prompt_tokens, 0)
    for chunk in chunks:
        whole.accumulate(chunk)
    return shown, json.loads(whole.to_json())


def logprobs(case: Case, ids: list[int]) -> list[float | None]:
    """The number that the simulator gives each token; the mark that ends the reasoning has none and is not counted."""
    if not case.fields.get("logprobs"):
        return [None] * len(ids)
    found: list[float | None] = []
    place = 0
    for token_id in ids:
        data = renderer().token_bytes(token_id)
        place += data != b"</think>"
        found.append(token_entry(Token(token_id, data), place, 0, renderer().token_bytes)["logprob"])
    return found


def comparable(value: Any) -> Any:
    """Equal if the same to a client: what is drawn by lot is taken out, key order is kept by `ordered`."""
    text = CALL_ID.sub("call", json.dumps(value))
    found = json.loads(text)
    found.pop("id", None)
    found.pop("created", None)
    return rounded(found)


def rounded(value: Any) -> Any:
    """The package keeps log probabilities in 32 bits."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    return value


def ordered(value: Any) -> Any:
    """The keys at every depth, in their order."""
    if isinstance(value, dict):
        return [(name, ordered(item)) for name, item in value.items()]
    return [ordered(item) for item in value] if isinstance(value, list) else None


@pytest.mark.parametrize("include_usage", [False, True], ids=["", "include_usage"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_stream_is_that_of_the_package(case: Case, include_usage: bool, sim: Simulated):
    sim.clear()
    more: dict[str, Any] = {"stream": True} | ({"stream_options": {"include_usage": True}} if include_usage else {})
    status, _, raw = sim.post(body(case, **more), "/beta/chat/completions")
    assert status == 200, raw
    *events, done, rest = raw.decode().split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    mine = [json.loads(event.removeprefix("data: ")) for event in events]
    theirs, _ = oracle(case, *produced(sim), **more)
    assert [comparable(chunk) for chunk in mine] == [comparable(chunk) for chunk in theirs]
    assert ordered(mine) == ordered(theirs)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_whole_answer_is_that_of_the_package(case: Case, sim: Simulated):
    sim.clear()
    status, _, raw = sim.post(body(case), "/beta/chat/completions")
    assert status == 200, raw
    mine = json.loads(raw)
    _, theirs = oracle(case, *produced(sim))
    assert comparable(mine) == comparable(theirs)
    assert ordered(mine) == ordered(theirs)
