"""Streams in which llama.cpp passed on the DSML that its model wrote: calls for who asked with tools, nothing for who did not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.dsml import Heard, heard
from tests.support.samples import WEATHER, request

from tidegate.core.errors import BrokenContract
from tidegate.core.events import Event, UsageReport
from tidegate.core.fold import OrderCheck
from tidegate.dialects.llamacpp import LLAMACPP

FOLDER = Path(__file__).parent / "llamacpp-b11549"
OFF = {"thinking": {"type": "disabled"}}
TOOLS = {"tools": [WEATHER]}
PARIS, ROME = ("get_weather", '{"city": "Paris", "days": 2}'), ("get_weather", '{"city": "Rome"}')
OPENING = (
    "Okay, before I answer, let me think. The question is about"  # The template's; it ends where the answer began.
)


@dataclass(frozen=True)
class Meaning:
    """What a recording says to a client, and the call it makes for one who asked with tools."""

    asked: dict[str, Any]
    calls: list[tuple[str, str]]
    text: str = ""
    thought: str = ""
    finish: str = "stop"
    tokens: int = 0


MEANT = {
    "dsml-v4": Meaning(OFF, [PARIS], "I look."),
    "dsml-v41": Meaning(OFF, [ROME, ("get_time", "{}")]),
    "dsml-cut": Meaning(OFF, [("get_weather", '{"city": "Par')], "I look.", finish="length"),
    "dsml-thinking": Meaning({}, [PARIS], thought=f"{OPENING}I must look.", tokens=206),
}
each_recording = pytest.mark.parametrize("name", MEANT)


def replayed(*pieces: bytes, **asked: Any) -> tuple[Heard, int | None, set[str]]:
    """What a client gets, the reasoning tokens it is told of, and the quirks."""
    reader = LLAMACPP.reader(LLAMACPP.encode(request(stream=True, **asked), "m"), got_stream=True)
    events: list[Event] = [event for piece in pieces for frame in reader.feed(piece) for event in frame.events]
    assert reader.close() == []
    order = OrderCheck()
    for event in events:
        order.accept(event)
    (reasoning,) = (event.usage.reasoning for event in events if isinstance(event, UsageReport))
    return heard(events), reasoning, set(reader.quirks)


def body_of(name: str) -> bytes:
    return (FOLDER / f"{name}.sse").read_bytes()


@each_recording
def test_who_asked_with_tools_gets_the_calls(name):
    meant = MEANT[name]
    found, tokens, quirks = replayed(body_of(name), **TOOLS, **meant.asked)
    assert (found.reasoning, found.text, found.calls, tokens) == (meant.thought, meant.text, meant.calls, meant.tokens)
    assert found.finish == ("tool_calls" if meant.finish == "stop" else meant.finish)
    assert quirks == {"REQ020"} | ({"REQ023"} if meant.thought else set())


@each_recording
@pytest.mark.parametrize("without", [{}, {**TOOLS, "tool_choice": "none"}])
def test_who_did_not_gets_the_answer_without_them(name, without):
    meant = MEANT[name]
    found, tokens, quirks = replayed(body_of(name), **without, **meant.asked)
    assert (found.reasoning, found.text, found.calls, tokens) == (meant.thought, meant.text, [], meant.tokens)
    assert found.finish == meant.finish
    assert quirks == {"REQ021"} | ({"REQ023"} if meant.thought else set())


@each_recording
def test_one_cut_anywhere_changes_nothing(name):
    body, asked = body_of(name), {**TOOLS, **MEANT[name].asked}
    whole = replayed(body, **asked)
    for place in range(0, len(body) + 1, 211):
        assert replayed(body[:place], body[place:], **asked) == whole, f"cut at byte {place}"


@each_recording
def test_one_byte_at_a_time_changes_nothing(name):
    body, asked = body_of(name), {**TOOLS, **MEANT[name].asked}
    assert replayed(*(body[i : i + 1] for i in range(len(body))), **asked) == replayed(body, **asked)


@each_recording
def test_a_recording_cut_short_anywhere_is_broken(name):
    body, asked = body_of(name), {**TOOLS, **MEANT[name].asked}
    for place in range(0, len(body) - 1, 997):
        with pytest.raises(BrokenContract):
            replayed(body[:place], **asked)


def test_a_cut_call_that_says_it_stopped_is_refused():
    body = body_of("dsml-cut").replace(b'"finish_reason":"length"', b'"finish_reason":"stop"')
    with pytest.raises(BrokenContract, match="REQ022"):
        replayed(body, **TOOLS, **OFF)
