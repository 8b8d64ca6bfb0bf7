"""Real streams through the dialect they belong to: what they mean, and that it does not matter how they were cut."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.samples import reader_of, request

from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Frame, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.usage import Usage
from tidegate.dialects import dialect_named

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Recording:
    """One file, the dialect that reads it, and the events it means. `spoken` is everything between start and finish."""

    name: str
    dialect: str
    start: Start
    spoken: tuple[Event, ...]
    finish: str
    usage: Usage
    quirks: list[str] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        return (FOLDER / f"{self.name}.sse").read_bytes()

    @property
    def reported(self) -> list[str]:
        """A cache that nobody tells of is a quirk of its own."""
        return [*self.quirks, *(["REQ031"] if self.usage.cache_hit is None else [])]

    @property
    def events(self) -> list[Event]:
        return [self.start, *self.spoken, Finish(self.finish), UsageReport(self.usage), End()]


def reasoning(*pieces: str) -> tuple[Reasoning, ...]:
    return tuple(map(Reasoning, pieces))


def text(*pieces: str) -> tuple[Text, ...]:
    return tuple(map(Text, pieces))


RECIPE = Start("deepseek-v4-flash", 1795386344, "fp_x", "cmpl-1")


def lmstudio(model: str) -> Start:
    return Start(model, 1787616000, model, "chatcmpl-t8tsxqx7kwi9ekj70xwwl")


RECORDINGS = [
    Recording(
        "llamacpp-b11549/thinking",
        "llamacpp",
        Start("deepseek-v4-flash", 1795386190, "b0-unknown", "chatcmpl-FdMKyHiIBwzJN8pbPJKXCryY2m7dCA75"),
        reasoning("Le", "t", " me", " thin", "k", ".", " ", "1", "+", "1", "=", "2", ".")
        + text("T", "he", " answer", " i", "s", " ", "2", "."),
        "stop",
        Usage(prompt=23, output=26, cache_hit=22, reasoning=16),
        ["REQ023"],
    ),
    Recording(
        "llamacpp-b11549/nonthinking",
        "llamacpp",
        Start("deepseek-v4-flash", 1795386191, "b0-unknown", "chatcmpl-TuLXnMnsQ6LbPUBjq88GNXjSQIT5j8xw"),
        text("P", "l", "a", "in", " ", "answer", "."),
        "stop",
        Usage(prompt=23, output=8, cache_hit=22),
    ),
    Recording(
        "vllm-0.32.0/thinking",
        "generic",
        Start("deepseek-v4-flash", 1795385820, None, "chatcmpl-920c85a36b33f560"),
        reasoning("L", "et me", " think", ".", " 1", "+", "1", "=", "2", ".")
        + text("The", " an", "s", "w", "er", " is", " ", "2", "."),
        "stop",
        Usage(prompt=197, output=23, cache_hit=128, reasoning=12),
        ["GEN002"],
    ),
    Recording(
        "vllm-0.32.0/nonthinking",
        "generic",
        Start("deepseek-v4-flash", 1795385820, None, "chatcmpl-836a77dcb1daaabb"),
        text("P", "l", "ain", " an", "s", "w", "er", "."),
        "stop",
        Usage(prompt=6, output=9, cache_hit=0, reasoning=0),
    ),
    Recording(
        "lmstudio-0.4.21/thinking-gpt-oss",
        "lmstudio",
        lmstudio("openai/gpt-oss-20b"),
        reasoning("Need", " one", " word.") + text("Par", "is."),
        "stop",
        Usage(prompt=75, output=9, reasoning=4),
        ["LMS002"],
    ),
    Recording(
        "lmstudio-0.4.21/thinking-separated",
        "lmstudio",
        lmstudio("qwen/qwen3-8b"),
        reasoning("1+1", " is 2.") + text("2"),
        "stop",
        Usage(prompt=20, output=8, reasoning=5),
    ),
    Recording(
        "lmstudio-0.4.21/thinking-inline",
        "lmstudio",
        lmstudio("deepseek-r1-distill-qwen-7b"),
        reasoning("1+1", " is 2.") + text("2"),
        "stop",
        Usage(prompt=12, output=14, reasoning=9),
        ["LMS002", "REQ023"],
    ),
    Recording(
        "lmstudio-0.4.21/nonthinking",
        "lmstudio",
        lmstudio("qwen/qwen3-8b"),
        text("Hello", " there."),
        "stop",
        Usage(prompt=20, output=4, reasoning=0),
    ),
    Recording(
        "lmstudio-0.4.21/tools",
        "lmstudio",
        lmstudio("qwen/qwen3-8b"),
        (
            ToolCall(0, "365174485", "get_weather", ""),
            ToolCall(0, arguments='{"city":'),
            ToolCall(0, arguments='"Paris"}'),
        ),
        "tool_calls",
        Usage(prompt=150, output=17, reasoning=0),
    ),
    Recording(
        "transformers-serve-5.19/counting",
        "transformers_serve",
        Start("models/smol-hf@main", 1795385313, "", "2d77bc91-1ef3-483e-a00f-b6fc5038af77"),
        text("1", ".", " ", "1", "\n", ".", " ", "5"),
        "length",
        Usage(prompt=38, output=24),
    ),
    Recording(
        "transformers-serve-5.19/usage-unasked",
        "transformers_serve",
        Start("models/smol-hf@main", 1795385315, "", "2fe94465-a328-44e0-b8ea-8befbe13e61f"),
        text("!", " I"),
        "length",
        Usage(prompt=33, output=4),
    ),
    Recording(
        "deepseek-recipe-0.2.0/thinking",
        "deepseek",
        RECIPE,
        reasoning("Let", " me") + text("Hi", " there"),
        "stop",
        Usage(prompt=100, output=5, cache_hit=64),
    ),
    Recording(
        "deepseek-recipe-0.2.0/nonthinking",
        "deepseek",
        RECIPE,
        text("Plain", " answer."),
        "stop",
        Usage(prompt=100, output=2, cache_hit=64),
    ),
    Recording(
        "deepseek-recipe-0.2.0/tools",
        "deepseek",
        RECIPE,
        (
            Reasoning("I call"),
            ToolCall(0, "call_00_9pejpPKBIMbYrR8PJOKB0854", "get_time", ""),
            *(ToolCall(0, arguments=piece) for piece in ("{", '"tz"', ": ", '"', "CE", "T", '"', "}")),
        ),
        "tool_calls",
        Usage(prompt=100, output=6, cache_hit=64),
    ),
]
HOSTED = [recording for recording in RECORDINGS if recording.dialect == "deepseek"]
each_recording = pytest.mark.parametrize("recording", RECORDINGS, ids=lambda one: one.name)
each_hosted = pytest.mark.parametrize("recording", HOSTED, ids=lambda one: one.name)


def replayed(recording: Recording, *pieces: bytes) -> tuple[list[Event], bytes, list[str]]:
    """Events, bytes that may pass on untouched, and quirks; each frame is looked into before the next piece comes."""
    dialect = dialect_named(recording.dialect)
    reader = dialect.reader(dialect.encode(request(stream=True), recording.start.model or "m"), got_stream=True)
    frames: list[Frame] = []
    events: list[Event] = []
    for piece in pieces:
        fresh = reader.feed(piece)
        events.extend(event for frame in fresh for event in frame.events)
        frames.extend(fresh)
    assert reader.close() == []
    return events, b"".join(frame.wire or b"" for frame in frames), reader.quirks


def test_every_recorded_file_is_replayed():
    found = [path.relative_to(FOLDER).with_suffix("") for path in FOLDER.glob("*/*.sse")]
    files = {path.as_posix() for path in found if not path.parts[0].startswith("raw-")}  # those: test_recorded_raw
    of_messages = {name for name in files if "/messages-" in name}  # replayed in test_recorded_messages
    refused = {name for name in files if "/refused-" in name}  # replayed in test_recorded_refusals
    leaked = {name for name in files if "/dsml-" in name}  # replayed in test_recorded_dsml
    of_dialects = {
        name for name in files if name.startswith(("vllm-", "sglang-", "llamacpp-b11549-smollm2"))
    }  # in test_recorded_runtimes
    assert (
        files - of_messages - refused - leaked - of_dialects
        == {recording.name for recording in RECORDINGS} - of_dialects
    )


@each_recording
def test_a_recording_means_what_it_meant(recording):
    events, _, quirks = replayed(recording, recording.body)
    assert events == recording.events
    assert quirks == recording.reported


@each_recording
def test_one_cut_anywhere_changes_nothing(recording):
    body = recording.body
    whole = replayed(recording, body)
    stride = 1 if len(body) < 3000 else 7
    for place in range(0, len(body) + 1, stride):
        assert replayed(recording, body[:place], body[place:]) == whole, f"cut at byte {place}"


@each_recording
def test_one_byte_at_a_time_changes_nothing(recording):
    body = recording.body
    assert replayed(recording, *(body[i : i + 1] for i in range(len(body)))) == replayed(recording, body)


@each_recording
@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_other_line_ends_mean_the_same(recording, end):
    body = recording.body.replace(b"\n", end)
    events, _, _ = replayed(recording, body, b"\n")
    assert events == recording.events


@each_recording
def test_a_recording_cut_short_anywhere_is_broken(recording):
    body = recording.body
    for place in range(0, len(body) - 1, 97):
        with pytest.raises(BrokenContract):
            replayed(recording, body[:place])


@each_hosted
def test_the_hosted_stream_passes_byte_for_byte(recording):
    _, wire, _ = replayed(recording, recording.body)
    assert wire == recording.body


@each_hosted
def test_what_the_books_need_is_there_without_a_look_into_the_content(recording):
    frames = reader_of(dialect_named("deepseek"), streamed=True).feed(recording.body)
    passed = [frame.passed for frame in frames]
    assert passed[0].start == recording.start
    assert (passed[-2].finish, passed[-2].usage) == (Finish(recording.finish), UsageReport(recording.usage))
    assert passed[-1].ended
