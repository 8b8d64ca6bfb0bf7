"""One answer within its limits: length, stop strings, faults, and a count of what was produced."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.samples import request

from tidegate.core.events import Event, Finish, Reasoning, Text, ToolCall
from tidegate.simulator.brain import Said, Task
from tidegate.simulator.generation import Generation, Spoiling, StopScan
from tidegate.simulator.prompt import Renderer
from tidegate.simulator.speech import Manner, Speech

CUT = [(2, ("I think", "", "length")), (4, ("I think.", "", "length")), (5, ("I think.", "H", "length"))]
WORDS = st.text("abc", min_size=1, max_size=4)


class Told:
    """A brain that says this."""

    def __init__(self, *said: Said) -> None:
        self._said = said
        self.closed = False

    async def answer(self, task: Task) -> AsyncGenerator[Said, None]:
        try:
            for piece in self._said:
                yield piece
        finally:
            self.closed = True


def generation(
    rendering: Renderer, *said: Said, most: int = 1000, spoiling: Spoiling | None = None, **fields: Any
) -> Generation:
    thinks = bool(said) and isinstance(said[0], Reasoning)
    manner = Manner("v4.1", "a" * 32, thinks_first=thinks)
    task = Task(request(**fields), "high" if thinks else "off", most)
    return Generation(Told(*said), task, Speech(rendering, manner), spoiling)


async def events(one: Generation) -> list[Event]:
    return [event async for event in one.events()]


def spoken(found: list[Event]) -> tuple[str, str, str]:
    """Reasoning, text, why it ended."""
    assert isinstance(found[-1], Finish)
    reasoning = "".join(event.text for event in found if isinstance(event, Reasoning))
    return reasoning, "".join(event.text for event in found if isinstance(event, Text)), found[-1].reason


async def test_all_is_said_and_counted(rendering: Renderer):
    one = generation(rendering, Reasoning("I think."), Text("Hé!"))
    assert spoken(await events(one)) == ("I think.", "Hé!", "stop")
    assert (len(one.output_ids), one.reasoning_tokens) == (7, 3)  # as DeepSeek's package counts this answer


@pytest.mark.parametrize(
    ("most", "expected"),
    CUT,
)
async def test_max_tokens_ends_it_also_inside_the_reasoning(rendering: Renderer, most: int, expected: Any):
    one = generation(rendering, Reasoning("I think."), Text("Hé!"), most=most)
    assert spoken(await events(one)) == expected
    assert len(one.output_ids) == most


async def test_an_answer_that_just_fits_has_no_room_for_its_end(rendering: Renderer):
    assert spoken(await events(generation(rendering, Text("OK"), most=1))) == ("", "OK", "length")


async def test_a_tool_call_ends_with_its_own_reason_and_may_be_cut(rendering: Renderer):
    call = ToolCall(0, None, "get_weather", '{"city": "Paris"}')
    whole = await events(generation(rendering, call))
    assert spoken(whole)[2] == "tool_calls"
    assert "".join(event.arguments for event in whole if isinstance(event, ToolCall)) == '{"city": "Paris"}'
    cut = await events(generation(rendering, call, most=21))
    assert spoken(cut)[2] == "length"
    assert "".join(event.arguments for event in cut if isinstance(event, ToolCall)) == '{"city"'


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        ("lo", "Hel"),
        (["xyz", " wor"], "Hello"),
        ("zzz", "Hello world"),
        ("Hello", ""),
        ("d", "Hello worl"),
        ("!", "Hello world"),
    ],
)
async def test_a_stop_string_ends_the_answer_and_is_not_part_of_it(rendering: Renderer, stop: Any, expected: str):
    assert spoken(await events(generation(rendering, Text("Hello world"), stop=stop))) == ("", expected, "stop")


async def test_stop_strings_do_not_look_into_the_reasoning(rendering: Renderer):
    assert spoken(await events(generation(rendering, Reasoning("th think"), Text("lo"), stop=["th"]))) == (
        "th think",
        "lo",
        "stop",
    )


async def test_an_answer_that_is_left_closes_its_brain(rendering: Renderer):
    brain = Told(Text("Hello world"), Text("more"))
    one = Generation(brain, Task(request(), "off", 10), Speech(rendering, Manner("v4.1", "a")))
    running = one.events()
    await anext(running)
    await running.aclose()
    assert brain.closed
    assert len(one.output_ids) == 1


@pytest.mark.parametrize("reason", ["content_filter", "insufficient_system_resource"])
async def test_it_can_be_broken_off(rendering: Renderer, reason: str):
    spoiling = Spoiling(ends_as=reason, ends_after_events=2)
    assert spoken(await events(generation(rendering, Text("One two three four"), spoiling=spoiling))) == (
        "",
        "One two",
        reason,
    )
    assert spoken(await events(generation(rendering, Text("One"), spoiling=spoiling))) == ("", "One", reason)


async def test_it_can_be_empty_but_for_the_thoughts(rendering: Renderer):
    one = generation(rendering, Reasoning("R"), Text("{}"), spoiling=Spoiling(is_empty=True))
    assert spoken(await events(one)) == ("R", "", "stop")


async def test_arguments_can_be_cut_with_the_wrong_reason(rendering: Renderer):
    call = ToolCall(0, None, "get_weather", '{"city": "Paris"}')
    found = await events(generation(rendering, call, spoiling=Spoiling(cuts_arguments=True)))
    assert spoken(found)[2] == "tool_calls"
    assert "".join(event.arguments for event in found if isinstance(event, ToolCall)) == '{"city"'


def test_a_text_that_goes_on_like_a_stop_string_is_looked_at_once_only():
    """Looked through anew at each piece, this took minutes; it is 2 * 50,000 steps."""
    scan = StopScan(["a" * 50_000 + "b"])
    pieces = [Text("a")] * 49_999
    began = process_time()
    assert [shown for piece in pieces for shown in scan.take(piece)] == []
    assert "".join(event.text for event in scan.take(Text("c"))) == "a" * 49_999 + "c"
    assert process_time() - began < 5


@given(st.lists(WORDS, max_size=8), st.lists(WORDS, min_size=1, max_size=3))
def test_how_the_text_is_cut_changes_nothing(pieces: list[str], stops: list[str]):
    def shown(cut: list[str]) -> tuple[str, str | None]:
        scan, found = StopScan(stops), ""
        for piece in cut:
            found += "".join(event.text for event in scan.take(Text(piece)))
            if scan.found is not None:
                break
        return found + "".join(event.text for event in scan.rest()), scan.found

    assert shown(pieces) == shown(["".join(pieces)]) == shown(list("".join(pieces)))


@given(st.lists(WORDS, max_size=8), st.lists(WORDS, min_size=1, max_size=3))
def test_stopping_is_the_same_however_the_text_is_cut(pieces: list[str], stops: list[str]):
    scan, shown = StopScan(stops), ""
    for piece in pieces:
        shown += "".join(event.text for event in scan.take(Text(piece)))
        if scan.found is not None:
            break
    shown += "".join(event.text for event in scan.rest())
    text = "".join(pieces)
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    assert (scan.found is not None) == bool(places)
    if places:
        # The first stop string to be complete wins; it begins nowhere later than any that a longer reading would find.
        assert not any(stop in shown for stop in stops)
        assert text.startswith(shown)
    else:
        assert shown == text
