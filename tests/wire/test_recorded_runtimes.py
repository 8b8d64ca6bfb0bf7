"""Streams of local runtimes through their own dialect: what they mean for the request they answer, however they were cut."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.samples import WEATHER, request

from tidegate.core.errors import BrokenContract
from tidegate.core.events import Event
from tidegate.core.fold import Answer, Folding
from tidegate.core.messages import ToolCallPart
from tidegate.core.profile import UNKNOWN_TRAITS, Traits
from tidegate.core.usage import Usage
from tidegate.dialects import dialect_named

FOLDER = Path(__file__).parent
OFF = {"thinking": {"type": "disabled"}}
TOOLS = {"tools": [WEATHER], "stream": True}
FORCED = {**TOOLS, **OFF, "tool_choice": "required"}
FORM = {"type": "json_schema", "json_schema": {"schema": {"type": "object", "required": ["city", "sea"]}}}
OURS = ("vllm-", "sglang-", "llamacpp-b11549-smollm2")
STREAMED = {"stream": True}


@dataclass(frozen=True)
class Recording:
    """One file, the dialect that reads it, what was asked, and what it means without its head."""

    name: str
    dialect: str
    asked: dict[str, Any]
    finish: str
    text: str = ""
    reasoning: str | None = None
    calls: tuple[ToolCallPart, ...] = ()
    usage: Usage | None = None
    quirks: list[str] = field(default_factory=list)
    traits: Traits = UNKNOWN_TRAITS

    @property
    def body(self) -> bytes:
        return (FOLDER / f"{self.name}.sse").read_bytes()

    def means(self, answer: Answer) -> Answer:
        return Answer(
            start=answer.start,
            text=self.text,
            reasoning=self.reasoning,
            tool_calls=self.calls,
            finish=self.finish,
            usage=self.usage,
        )


THOUGHT, ANSWER = "Let me think. 1+1=2.", "The answer is 2."
PARIS = '{"city": "Paris", "days": 2}'
AS_TEXT = Traits(splits_reasoning=False)
TAGS = Usage(prompt=8, output=25, cache_hit=0, reasoning=0)
TAGS_COUNTED = Usage(prompt=8, output=25, cache_hit=0, reasoning=14)
UNPARSED = Usage(prompt=6, output=14)

RECORDINGS = [
    Recording(
        "vllm-0.32.0/thinking",
        "vllm",
        STREAMED,
        "stop",
        ANSWER,
        THOUGHT,
        usage=Usage(prompt=197, output=23, cache_hit=128, reasoning=12),
        quirks=["VLL006"],
    ),
    Recording(
        "vllm-0.32.0/nonthinking",
        "vllm",
        {**STREAMED, **OFF},
        "stop",
        "Plain answer.",
        usage=Usage(prompt=6, output=9, cache_hit=0, reasoning=0),
    ),
    Recording(
        "vllm-0.32.0/thinking-cut",
        "vllm",
        STREAMED,
        "length",
        reasoning="Let me think",
        usage=Usage(prompt=197, output=4, cache_hit=128, reasoning=4),
        quirks=["VLL006"],
    ),
    Recording(
        "vllm-0.32.0/tools",
        "vllm",
        TOOLS,
        "tool_calls",
        reasoning="I should call.",
        calls=(
            ToolCallPart("chatcmpl-tool-93c252ca9ffdd04c", "get_weather", PARIS),
            ToolCallPart("chatcmpl-tool-9b3a01a3e34feced", "get_time", '{"tz": "CET"}'),
        ),
        usage=Usage(prompt=648, output=113, cache_hit=640, reasoning=4),
        quirks=["VLL006"],
    ),
    Recording(
        "vllm-0.32.0/tools-cut",
        "vllm",
        TOOLS,
        "length",
        reasoning="I should call.",
        calls=(ToolCallPart("chatcmpl-tool-966e60b030ba710b", "get_weather", '{"city": "'),),
        usage=Usage(prompt=648, output=40, cache_hit=640, reasoning=4),
        quirks=["VLL006"],
    ),
    # The server had closed all three calls.
    Recording(
        "vllm-0.32.0/tools-cut-in-name",
        "vllm",
        {**TOOLS, **OFF},
        "length",
        calls=(ToolCallPart("chatcmpl-tool-864fc51e78a9754f", "t", ""),),
        quirks=["VLL016"],
    ),
    Recording(
        "vllm-0.32.0/tools-cut-before-arguments",
        "vllm",
        {**TOOLS, **OFF},
        "length",
        calls=(ToolCallPart("chatcmpl-tool-95fffe0a239036c9", "tide_at", ""),),
        quirks=["VLL016"],
    ),
    Recording(
        "vllm-0.32.0/tools-cut-after-argument",
        "vllm",
        {**TOOLS, **OFF},
        "length",
        calls=(ToolCallPart("chatcmpl-tool-b90c75945390923c", "tide_at", '{"place": "Brest Brest"'),),
        quirks=["VLL016"],
    ),
    Recording(
        "vllm-0.32.0/r1-tools-cut",
        "vllm",
        TOOLS,
        "length",
        "\n\n",
        "I should call.",
        calls=(ToolCallPart("chatcmpl-tool-8f8381dcafc313a8", "get_weather", '{"city": "'),),
        usage=Usage(prompt=7, output=22, cache_hit=0, reasoning=4),
        quirks=["REQ023", "VLL006"],
    ),
    # An answer without `</think>`: reasoning when it thinks, and the answer when it does not.
    Recording(
        "vllm-0.32.0/r1-no-closing-tag", "vllm", STREAMED, "stop", reasoning="Just an answer.", quirks=["VLL006"]
    ),
    Recording(
        "vllm-0.32.0/r1-no-closing-tag",
        "vllm",
        {**STREAMED, **OFF},
        "stop",
        "Just an answer.",
        quirks=["VLL006", "VLL007"],
    ),
    # A tag inside the content: split where the client waits for the whole answer, passed on where it is on its way.
    Recording(
        "vllm-0.32.0/r1-tags-in-content",
        "vllm",
        {},
        "stop",
        ANSWER,
        THOUGHT,
        usage=TAGS_COUNTED,
        quirks=["REQ023", "VLL008"],
    ),
    Recording(
        "vllm-0.32.0/r1-tags-in-content",
        "vllm",
        STREAMED,
        "stop",
        ANSWER,
        THOUGHT,
        usage=TAGS_COUNTED,
        quirks=["REQ023", "VLL008"],
        traits=AS_TEXT,
    ),
    Recording(
        "vllm-0.32.0/r1-tags-in-content",
        "vllm",
        STREAMED,
        "stop",
        f"{THOUGHT}</think>\n\n{ANSWER}",
        usage=TAGS,
    ),
    Recording(
        "sglang-0.5.23/thinking",
        "sglang",
        STREAMED,
        "stop",
        "The answer is 2.",
        "Let me think.",
        usage=Usage(prompt=85, output=11, cache_hit=64, reasoning=5),
    ),
    Recording(
        "sglang-0.5.23/nonthinking",
        "sglang",
        {**STREAMED, **OFF},
        "stop",
        "Plain answer.",
        usage=Usage(prompt=6, output=4, reasoning=0),
        quirks=["SGL010"],
    ),
    Recording(
        "sglang-0.5.23/tools",
        "sglang",
        TOOLS,
        "tool_calls",
        reasoning="I call.",
        calls=(ToolCallPart("call_0f3b7a52c1d84e6f9a0b1c2d", "get_weather", '{"city": "Paris"}'),),
        usage=Usage(prompt=240, output=40, cache_hit=192, reasoning=4),
    ),
    Recording(
        "sglang-0.5.23/tools-cut",
        "sglang",
        TOOLS,
        "length",
        reasoning="I call.",
        calls=(ToolCallPart("call_0f3b7a52c1d84e6f9a0b1c2d", "get_weather", '{"city": "'),),
        usage=Usage(prompt=240, output=20, cache_hit=192, reasoning=4),
    ),
    Recording(
        "sglang-0.5.23/no-parser",
        "sglang",
        STREAMED,
        "stop",
        f"Let me think. </think>\n\n{ANSWER}",
        usage=UNPARSED,
        quirks=["SGL010"],
    ),
    Recording(
        "sglang-0.5.23/no-parser",
        "sglang",
        STREAMED,
        "stop",
        ANSWER,
        "Let me think. ",
        usage=Usage(prompt=6, output=14, reasoning=7),
        quirks=["REQ023", "SGL007", "SGL010"],
        traits=AS_TEXT,
    ),
    Recording(
        "sglang-0.5.23/aborted",
        "sglang",
        STREAMED,
        "insufficient_system_resource",
        reasoning="Let me",
        usage=Usage(prompt=85, output=2, reasoning=2),
        quirks=["SGL010", "SGL011"],
    ),
    # The text of a call, asked for by schema.
    Recording(
        "llamacpp-b11549-smollm2/forced-call",
        "llamacpp",
        FORCED,
        "tool_calls",
        calls=(ToolCallPart("call_00_054a357775cd83581cbf8f4f", "get_weather", '{\n        "city": "Paris"\n    }'),),
        usage=Usage(prompt=107, output=32, cache_hit=106, reasoning=0),
        quirks=["REQ013"],
    ),
    Recording(
        "llamacpp-b11549-smollm2/forced-call-cut",
        "llamacpp",
        FORCED,
        "length",
        calls=(ToolCallPart("call_00_3a1bd1a53f0445a5eb3e27dd", "get_weather", '{\n        "city": "Paris'),),
        usage=Usage(prompt=107, output=24, cache_hit=106, reasoning=0),
        quirks=["REQ013"],
    ),
    Recording(
        "llamacpp-b11549-smollm2/json-schema",
        "embedded",
        {**STREAMED, **OFF, "response_format": FORM},
        "stop",
        '{\n  "city": "Paris",\n  "sea": true\n}',
        usage=Usage(prompt=71, output=17, cache_hit=70, reasoning=0),
    ),
]
each_recording = pytest.mark.parametrize(
    "recording",
    RECORDINGS,
    ids=lambda one: f"{one.name}-{len(one.asked)}{'-fitted' if one.traits != UNKNOWN_TRAITS else ''}",
)


def replayed(recording: Recording, *pieces: bytes) -> tuple[Answer, list[str]]:
    dialect = dialect_named(recording.dialect).fitted(recording.traits)
    reader = dialect.reader(dialect.encode(request(**recording.asked), "m"), got_stream=True)
    events: list[Event] = []
    for piece in pieces:
        events += [event for frame in reader.feed(piece) for event in frame.events]
    assert reader.close() == []
    folding = Folding()
    for event in events:
        folding.add(event)
    return folding.answer(), reader.quirks


def test_every_file_of_these_runtimes_is_replayed():
    files = {path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.glob("*/*.sse")}
    assert {name for name in files if name.startswith(OURS)} == {one.name for one in RECORDINGS}


@each_recording
def test_a_recording_means_what_it_meant(recording):
    answer, quirks = replayed(recording, recording.body)
    assert answer == recording.means(answer)
    assert answer.start.answer_id
    assert sorted(quirks) == recording.quirks


@each_recording
def test_one_cut_anywhere_changes_nothing(recording):
    body = recording.body
    whole = replayed(recording, body)
    for place in range(0, len(body) + 1, 1 if len(body) < 3000 else 7):
        assert replayed(recording, body[:place], body[place:]) == whole, f"cut at byte {place}"


@each_recording
def test_one_byte_at_a_time_changes_nothing(recording):
    body = recording.body
    assert replayed(recording, *(body[i : i + 1] for i in range(len(body)))) == replayed(recording, body)


@each_recording
def test_a_recording_cut_short_anywhere_is_broken(recording):
    body = recording.body
    for place in range(0, len(body) - 1, 97):
        with pytest.raises(BrokenContract):
            replayed(recording, body[:place])
