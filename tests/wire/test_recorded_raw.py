"""Raw streams of runtimes, chats on the raw path and completions: what they mean, however the network cut them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.support.samples import WEATHER, request

from tidegate.core.errors import BrokenContract
from tidegate.core.events import Event
from tidegate.core.fold import Answer, Folding
from tidegate.core.profile import Traits
from tidegate.core.requests import FimRequest, Request
from tidegate.core.usage import Usage
from tidegate.dialects import dialect_named

FOLDER = Path(__file__).parent
UNPARSED = Traits(encoding="v4", parses_calls=False, splits_reasoning=False)
CHAT = request(stream=True, max_tokens=400)
TOOLS = request(stream=True, max_tokens=400, tools=[WEATHER])
FIM = FimRequest(model="auto", prompt="def add(a, b):\n", suffix="\n\nprint(add(1, 2))", stream=True, max_tokens=60)
COUNTED = FimRequest(model="auto", prompt="One, two,", stream=True, max_tokens=4, logprobs=2)
MOST_CUTS = 300


@dataclass(frozen=True)
class Recording:
    """One file, the dialect that reads it, what was asked, and what it means without its head and ids of calls."""

    name: str
    asked: Request
    usage: Usage
    text: str = ""
    reasoning: str | None = None
    calls: tuple[tuple[str, str], ...] = ()
    finish: str = "stop"
    quirks: list[str] = field(default_factory=list)

    @property
    def dialect(self) -> str:
        return self.name.split("-")[1]

    @property
    def body(self) -> bytes:
        return (FOLDER / self.name).read_bytes()


THOUGHT, ANSWER = "Let me think.", "The answer is 2."
SUM = "    return a + b"
PARIS = ("get_weather", '{"city": "Paris"}')
PARIS_2 = ("get_weather", '{"city": "Paris", "days": 2}')
CUT = ("get_weather", '{"city": "Par')
RECORDINGS = [
    Recording(
        "raw-vllm-0.32.0/thinking.sse",
        CHAT,
        Usage(prompt=41, output=18, cache_hit=0, reasoning=10),
        ANSWER,
        "I add. 1+1=2.",
    ),
    Recording(
        "raw-vllm-0.32.0/tools.sse",
        TOOLS,
        Usage(prompt=256, output=65, cache_hit=128, reasoning=3),
        "",
        "Call it.",
        (PARIS_2,),
        "tool_calls",
    ),
    Recording("raw-vllm-0.32.0/fim.sse", FIM, Usage(prompt=38, output=6, cache_hit=0), SUM),
    Recording(
        "raw-llamacpp-b11549/thinking.sse",
        CHAT,
        Usage(prompt=23, output=32, cache_hit=22, reasoning=12),
        ANSWER,
        "Let me think. 1+1=2.",
    ),
    Recording(
        "raw-llamacpp-b11549/thinking-cut.sse",
        CHAT,
        Usage(prompt=23, output=4, cache_hit=22, reasoning=4),
        "",
        "Let me think",
        finish="length",
    ),
    Recording(
        "raw-llamacpp-b11549/tools.sse",
        TOOLS,
        Usage(prompt=23, output=314, cache_hit=0, reasoning=10),
        "Two calls.",
        "I look. 1+1=2.",
        (PARIS_2, ("get_weather", '{"city": "Köln"}')),
        "tool_calls",
    ),
    Recording(
        "raw-llamacpp-b11549/tools-cut.sse",
        TOOLS,
        Usage(prompt=23, output=70, cache_hit=22, reasoning=12),
        "Two calls.",
        "I look. 1+1=2.",
        (("get_weather", ""),),
        finish="length",
    ),
    Recording("raw-llamacpp-b11549/infill.sse", FIM, Usage(prompt=24, output=9, cache_hit=0), SUM),
    Recording("raw-llamacpp-b11549/completion-logprobs.sse", COUNTED, Usage(prompt=4, output=2, cache_hit=0), " three"),
    Recording(
        "raw-sglang-0.5.23/thinking.sse", CHAT, Usage(prompt=21, output=11, cache_hit=16, reasoning=4), ANSWER, THOUGHT
    ),
    Recording(
        "raw-sglang-0.5.23/tools.sse",
        TOOLS,
        Usage(prompt=21, output=32, reasoning=2),
        "",
        "Look.",
        (PARIS,),
        "tool_calls",
        ["RAW011"],
    ),
    Recording(
        "raw-sglang-0.5.23/tools-cut.sse",
        TOOLS,
        Usage(prompt=21, output=18, reasoning=2),
        "",
        "Look.",
        (CUT,),
        "length",
        ["RAW011"],
    ),
    Recording(
        "raw-ollama-0.33.0-rc2/thinking.ndjson",
        CHAT,
        Usage(prompt=21, output=11, reasoning=4),
        ANSWER,
        THOUGHT,
        quirks=["RAW011"],
    ),
    Recording(
        "raw-ollama-0.33.0-rc2/tools.ndjson",
        TOOLS,
        Usage(prompt=21, output=32, reasoning=2),
        "",
        "Look.",
        (PARIS,),
        "tool_calls",
        ["RAW011"],
    ),
    Recording(
        "raw-ollama-0.33.0-rc2/tools-cut.ndjson",
        TOOLS,
        Usage(prompt=21, output=18, reasoning=2),
        "",
        "Look.",
        (CUT,),
        "length",
        ["RAW011"],
    ),
    Recording("raw-ollama-0.33.0-rc2/fim.ndjson", FIM, Usage(prompt=21, output=5), SUM),
    Recording(
        "raw-lmstudio-0.4.21/thinking.sse",
        CHAT,
        Usage(prompt=21, output=11, reasoning=4),
        ANSWER,
        THOUGHT,
        quirks=["RAW008", "RAW011"],
    ),
    Recording(
        "raw-lmstudio-0.4.21/tools.sse",
        TOOLS,
        Usage(prompt=21, output=32, reasoning=2),
        "",
        "Look.",
        (PARIS,),
        "tool_calls",
        ["RAW011"],
    ),
]
each_recording = pytest.mark.parametrize("recording", RECORDINGS, ids=lambda one: one.name)


def replayed(recording: Recording, *pieces: bytes) -> tuple[Answer, list[tuple[str, str]], list[str]]:
    traits = UNPARSED if recording.asked in (CHAT, TOOLS) else Traits()
    dialect = dialect_named(recording.dialect).fitted(traits)
    reader = dialect.reader(dialect.encode(recording.asked, "deepseek-v4-flash"), got_stream=True)
    events: list[Event] = []
    for piece in pieces:
        events += [event for frame in reader.feed(piece) for event in frame.events]
    assert reader.close() == []
    folding = Folding()
    for event in events:
        folding.add(event)
    answer = folding.answer()
    calls = [(call.name, call.arguments) for call in answer.tool_calls]
    return replace(answer, tool_calls=()), calls, list(reader.quirks)


def test_every_raw_file_is_replayed():
    files = {path.relative_to(FOLDER).as_posix() for path in FOLDER.glob("raw-*/*.*")}
    assert files == {one.name for one in RECORDINGS}


@each_recording
def test_a_recording_means_what_it_meant(recording: Recording):
    answer, calls, quirks = replayed(recording, recording.body)
    assert (answer.text, answer.reasoning) == (recording.text, recording.reasoning)
    assert (tuple(calls), answer.finish) == (recording.calls, recording.finish)
    assert answer.usage == recording.usage
    assert quirks == recording.quirks
    assert (answer.text_logprobs is not None) is (recording.asked is COUNTED)


@each_recording
def test_one_cut_anywhere_changes_nothing(recording: Recording):
    body = recording.body
    whole = replayed(recording, body)
    for place in range(0, len(body) + 1, 1 + len(body) // MOST_CUTS):
        assert replayed(recording, body[:place], body[place:]) == whole, f"cut at byte {place}"


@each_recording
def test_one_byte_at_a_time_changes_nothing(recording: Recording):
    body = recording.body
    assert replayed(recording, *(body[i : i + 1] for i in range(len(body)))) == replayed(recording, body)


@each_recording
def test_a_recording_cut_short_anywhere_is_broken(recording: Recording):
    body = recording.body
    for place in range(0, len(body) - 1, 97):
        with pytest.raises(BrokenContract):
            replayed(recording, body[:place])
