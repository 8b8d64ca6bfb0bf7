"""The same raw model output through DeepSeek's own generator and through our encoder: event by event the same stream, and
the same whole answer. Ids of tool calls are the package's own, since nobody else can know them.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from tests.oracle_messages.recipe import Spoken, speak

from tidegate.codecs import sse
from tidegate.codecs.anthropic_messages.answer import decode_answer, encode_answer
from tidegate.codecs.anthropic_messages.decoder import StreamDecoder, load_event
from tidegate.codecs.anthropic_messages.encoder import MessageEncoder
from tidegate.core.events import Event
from tidegate.core.fold import fold
from tidegate.core.usage import Usage

TOOL = {"name": "f", "description": "d", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
MODEL = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "Hi"}]}
THINKING = {**MODEL, "tools": [TOOL]}
PLAIN = {**THINKING, "thinking": {"type": "disabled"}}
CALLS = "\n\n<｜DSML｜ calls>\n"
OPEN = '<｜DSML｜ invoke name="f">\n'
CITY = '<｜DSML｜ parameter name="city" string="true">Paris</｜DSML｜ parameter>\n'
CLOSE = "</｜DSML｜ invoke>\n"
DONE = "</｜DSML｜ calls>"


def cut(text: str, size: int = 9) -> list[str]:
    return [text[place : place + size] for place in range(0, len(text), size)]


CASES: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "thinking, then text": (THINKING, ["I ", "think", "</think>", "Hel", "lo"], "stop"),
    "text alone": (PLAIN, ["Hel", "lo"], "stop"),
    "nothing": (PLAIN, [], "stop"),
    "nothing though it should think": (THINKING, [], "stop"),
    "no thought, then text": (THINKING, ["</think>", "Hi"], "stop"),
    "thinking, text and a tool": (
        THINKING,
        ["R", "</think>", "Let me", *cut(CALLS + OPEN + CITY + CLOSE + DONE)],
        "stop",
    ),
    "two tools": (THINKING, ["R", "</think>", *cut(CALLS + OPEN + CITY + CLOSE + OPEN + CLOSE + DONE, 30)], "stop"),
    "a tool at once": (PLAIN, cut(CALLS + OPEN + CITY + CLOSE + DONE, 40), "stop"),
    "cut in the thought": (THINKING, ["R"], "length"),
    "cut in the text": (THINKING, ["R", "</think>", "x"], "length"),
    "cut in a tool": (THINKING, ["R", "</think>", *cut(CALLS + OPEN + CITY[:47], 30)], "length"),
    "cut in a tool's head": (THINKING, ["R", "</think>", CALLS + OPEN], "length"),
    "arguments that are no JSON": (
        THINKING,
        [
            "R",
            "</think>",
            *cut(CALLS + OPEN + CITY.replace("true", "false").replace("Paris", '{"a": [1}') + CLOSE + DONE),
        ],
        "stop",
    ),
    "filtered": (THINKING, ["R", "</think>", "x"], "content_filter"),
    "filtered in the thought": (THINKING, ["R"], "content_filter"),
    "stopped by a stop string": ({**THINKING, "stop_sequences": ["lo"]}, ["R", "</think>", "Hel", "lo x"], "stop"),
}


def events_of(spoken: Spoken) -> list[Event]:
    decoder = StreamDecoder()
    return [event for _, fields in spoken.events for event in decoder.decode(fields)]


def ours(spoken: Spoken, *, thinks: bool) -> list[tuple[str, dict[str, Any]]]:
    known = Usage(prompt=100, cache_hit=64)
    encoder = MessageEncoder(answer_id="ID-1", model="deepseek-flash", usage=known, thinks=thinks)
    wire = b"".join(encoder.encode(event) for event in events_of(spoken))
    return [((event.event or b"").decode(), orjson.loads(event.data or b"")) for event in sse.Decoder().feed(wire)]


def pieces_of(events: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """Keys in their order too, which dict equality does not see."""
    return [(name, {"bytes": orjson.dumps(fields)}) for name, fields in events]


@pytest.mark.parametrize("case", CASES)
def test_the_stream_is_the_hosted_one(case: str):
    request, pieces, finish = CASES[case]
    spoken = speak(request, pieces, finish)
    assert spoken.whole["stop_sequence"] == ("lo" if "stop string" in case else None)
    written = ours(spoken, thinks="thinking" not in request)
    assert pieces_of(written) == pieces_of(spoken.events)


@pytest.mark.parametrize("case", CASES)
def test_a_stream_that_thinks_needs_not_be_told(case: str):
    """A thought, be it empty, opens the block as well as knowing that there must be one."""
    request, pieces, finish = CASES[case]
    spoken = speak(request, pieces, finish)
    assert ours(spoken, thinks=False) == spoken.events


@pytest.mark.parametrize("case", CASES)
def test_the_whole_answer_is_the_hosted_one(case: str):
    request, pieces, finish = CASES[case]
    spoken = speak(request, pieces, finish)
    answer = fold(events_of(spoken))
    written = encode_answer(answer, answer_id="ID-1", model="deepseek-flash")
    assert written == orjson.dumps(spoken.whole)


@pytest.mark.parametrize("case", [case for case in CASES if "tool" not in case and "JSON" not in case])
def test_a_whole_answer_reads_as_its_stream(case: str):
    """Of tools only the stream says what the model wrote: the whole answer has parsed it."""
    request, pieces, finish = CASES[case]
    spoken = speak(request, pieces, finish)
    assert decode_answer(spoken.whole) == fold(events_of(spoken))


def test_the_comparison_sees_a_wrong_event(monkeypatch: pytest.MonkeyPatch):
    spoken = speak(*CASES["thinking, then text"])
    monkeypatch.setattr(MessageEncoder, "_close", lambda self: b"")
    assert ours(spoken, thinks=True) != spoken.events


def test_the_comparison_sees_keys_in_another_order():
    spoken = speak(*CASES["text alone"])
    turned = [(name, dict(reversed(fields.items()))) for name, fields in spoken.events]
    assert pieces_of(turned) != pieces_of(spoken.events)


def test_the_events_pass_through_bytes(case: str = "two tools"):
    spoken = speak(*CASES[case])
    wire = b"".join(
        b"event: " + name.encode() + b"\ndata: " + orjson.dumps(fields) + b"\n\n" for name, fields in spoken.events
    )
    decoder = StreamDecoder()
    assert [event for one in sse.Decoder().feed(wire) for event in decoder.decode(load_event(one))] == events_of(spoken)
