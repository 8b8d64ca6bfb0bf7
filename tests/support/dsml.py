"""DSML for tests: how each encoding writes calls, how it was seen leaking, and what our stage and DeepSeek's parser make of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from deepseek_recipe import (
    ChatCompletionRequest,
    ConversionOptions,
    InferenceChunk,
    InferenceFinishReason,
    ModelVersion,
    PromptUsage,
    StreamProcessor,
)
from tests.support.samples import WEATHER, request

from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall
from tidegate.dialects.dsml import DsmlCalls

START = Start("m", 1795386344, None, "ID-1")


@dataclass(frozen=True)
class Spelling:
    """One way to write the marks."""

    mark: str
    block: str

    def calls(self, *calls: str) -> str:
        return f"<{self.mark}{self.block}>\n{''.join(calls)}</{self.mark}{self.block}>"

    def call(self, name: str, *parameters: str) -> str:
        return f'<{self.mark}invoke name="{name}">\n{"".join(parameters)}</{self.mark}invoke>\n'

    def text(self, name: str, value: str) -> str:
        return f'<{self.mark}parameter name="{name}" string="true">{value}</{self.mark}parameter>\n'

    def value(self, name: str, value: Any) -> str:
        written = json.dumps(value, ensure_ascii=False)
        return f'<{self.mark}parameter name="{name}" string="false">{written}</{self.mark}parameter>\n'


V4 = Spelling("｜DSML｜", "tool_calls")
V41 = Spelling("｜DSML｜ ", "calls")
V32 = Spelling("｜DSML｜", "function_calls")
DOUBLED, ASCII = Spelling("｜｜DSML｜｜", "tool_calls"), Spelling("|DSML|", "tool_calls")
SPELLINGS = {
    "v4": V4,
    "v4.1": V41,
    "v3.2": V32,
    "doubled": DOUBLED,
    "ascii": ASCII,
    "ascii doubled": Spelling("||DSML||", "tool_calls"),
    "v4.1 doubled": Spelling("｜｜DSML｜｜ ", "calls"),
    "other bar": Spelling("‖DSML‖", "tool_calls"),
    "mixed": Spelling("｜DSML|", "tool_calls"),
}


@dataclass
class Heard:
    """What a client gets."""

    reasoning: str = ""
    text: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    finish: str = ""

    @property
    def parsed(self) -> list[tuple[str, Any]]:
        return [(name, json.loads(arguments)) for name, arguments in self.calls]


def heard(events: Iterable[Event]) -> Heard:
    all_said = Heard()
    for event in events:
        match event:
            case Text(text):
                all_said.text += text
            case Reasoning(text):
                all_said.reasoning += text
            case ToolCall(index, call_id, name, arguments):
                if name is not None:
                    assert index == len(all_said.calls) and call_id
                    all_said.calls.append((name, ""))
                    all_said.ids.append(call_id)
                begun = all_said.calls[index]
                all_said.calls[index] = (begun[0], begun[1] + arguments)
            case Finish(reason):
                all_said.finish = reason
            case _:
                pass
    return all_said


def staged(*said: Event | str, finish: str = "stop", tools: bool = True, **asked: Any) -> tuple[Heard, tuple[str, ...]]:
    """Through our stage. A string is text."""
    stage = DsmlCalls(request(**({"tools": [WEATHER]} if tools else {}), **asked))
    events = [START, *(Text(one) if isinstance(one, str) else one for one in said), Finish(finish), End()]
    return heard(out for event in events for out in stage.take(event)), stage.quirks


def recipe(pieces: Sequence[str], finish: str = "stop", *, v41: bool = False, thinks: bool = False) -> Heard:
    """Through DeepSeek's own parser."""
    version = ModelVersion.DeepseekV41Flash if v41 else ModelVersion.DeepseekV4Pro
    asked = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "tools": [WEATHER],
        "thinking": {"type": "enabled" if thinks else "disabled"},
    }
    conversion = ChatCompletionRequest(asked).convert(ConversionOptions().with_model_alias("m", version))
    generator = ChatCompletionRequest.chunk_generator(conversion, "id", "m")
    processor = StreamProcessor(generator, conversion.parsing_options)
    usage = PromptUsage(prompt_tokens=1, prompt_cache_hit_tokens=0)
    frames = list(processor.push(InferenceChunk.ready(prompt_usage=usage)))
    for piece in pieces:
        frames += processor.push(InferenceChunk.text(piece, 1))
    reason = InferenceFinishReason.Stop if finish == "stop" else InferenceFinishReason.Length
    frames += processor.push(InferenceChunk.finish(reason))
    return heard(event for frame in frames for event in _events(json.loads(frame.to_json())["choices"][0]))


def _events(choice: dict[str, Any]) -> list[Event]:
    delta = choice["delta"]
    events: list[Event] = []
    if delta.get("reasoning_content"):
        events.append(Reasoning(delta["reasoning_content"]))
    if delta.get("content"):
        events.append(Text(delta["content"]))
    for call in delta.get("tool_calls") or ():
        function = call["function"]
        events.append(ToolCall(call["index"], call.get("id"), function.get("name"), function.get("arguments") or ""))
    return [*events, Finish(choice["finish_reason"])] if choice["finish_reason"] else events
