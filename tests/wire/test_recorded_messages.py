"""Recorded Messages streams: what they mean, that it does not matter how they were cut, and that we write them back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.codecs import sse
from tidegate.codecs.anthropic_messages.decoder import StreamDecoder, load_event
from tidegate.codecs.anthropic_messages.encoder import MessageEncoder
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.usage import Usage

FOLDER = Path(__file__).parent / "deepseek-recipe-0.2.0"
START = Start("deepseek-flash", answer_id="ID-1")
PARIS = tuple(ToolCall(0, arguments=piece) for piece in ("{", '"city"', ": ", '"'))


def call(index: int, wire: bytes) -> ToolCall:
    """The head of a call; its id was drawn by the package."""
    begin = wire.index(f'"id":"call_0{index}_'.encode()) + 6
    return ToolCall(index, wire[begin : wire.index(b'"', begin)].decode(), "f")


def meaning(name: str, wire: bytes) -> list[Event]:
    thought = [Reasoning("R")]
    spoken: list[Event]
    match name:
        case "messages-thinking":
            spoken, finish, output = [Reasoning("I "), Reasoning("think"), Text("Hel"), Text("lo")], "stop", 5
        case "messages-nonthinking":
            spoken, finish, output = [Text("Hel"), Text("lo")], "stop", 2
        case "messages-tools":
            said = ("Pari", "s", '"', "}")
            first = [call(0, wire), *PARIS, *(ToolCall(0, arguments=piece) for piece in said)]
            spoken, finish, output = [*thought, *first, call(1, wire), ToolCall(1, arguments="{}")], "tool_calls", 9
        case _:
            spoken = [*thought, call(0, wire), *PARIS, ToolCall(0, arguments="Par")]
            finish, output = "length", 5
    usage = Usage(prompt=100, output=output, cache_hit=64)
    return [START, *spoken, Finish(finish), UsageReport(usage), End()]


RECORDINGS = ["messages-thinking", "messages-nonthinking", "messages-tools", "messages-cut"]


def decoded(*pieces: bytes) -> list[Event]:
    framing, decoder = sse.Decoder(), StreamDecoder()
    return [event for piece in pieces for one in framing.feed(piece) for event in decoder.decode(load_event(one))]


def test_every_recorded_file_is_replayed():
    assert {path.stem for path in FOLDER.glob("messages-*.sse")} == set(RECORDINGS)


@pytest.mark.parametrize("name", RECORDINGS)
def test_what_it_means(name: str):
    wire = (FOLDER / f"{name}.sse").read_bytes()
    assert decoded(wire) == meaning(name, wire)


@pytest.mark.parametrize("name", RECORDINGS)
def test_it_means_the_same_cut_at_every_byte(name: str):
    wire = (FOLDER / f"{name}.sse").read_bytes()
    whole = decoded(wire)
    for place in range(len(wire)):
        assert decoded(wire[:place], wire[place:]) == whole


@pytest.mark.parametrize("name", RECORDINGS)
def test_we_write_it_back_byte_for_byte(name: str):
    wire = (FOLDER / f"{name}.sse").read_bytes()
    encoder = MessageEncoder(answer_id="ID-1", model="deepseek-flash", usage=Usage(prompt=100, cache_hit=64))
    assert b"".join(encoder.encode(event) for event in decoded(wire)) == wire
