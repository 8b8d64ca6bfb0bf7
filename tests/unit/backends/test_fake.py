"""The scripted backend: the same words each time, failures where the script puts them, and it remembers what it heard."""

from __future__ import annotations

import pytest
from tests.support.samples import request

from tidegate.backends.base import Answering, Room
from tidegate.backends.fake import DEFAULT_THOUGHTS, DEFAULT_WORDS, FakeBackend
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import BackendOverloaded, BrokenContract
from tidegate.core.events import End, Event, Reasoning, Start, Text
from tidegate.core.fold import Answer, fold
from tidegate.core.requests import FimRequest
from tidegate.core.usage import Usage


async def told(answering: Answering) -> list[Event]:
    events: list[Event] = []
    while frames := await answering.read():
        events += [event for frame in frames for event in frame.events]
    return events


async def asked(backend: FakeBackend, **fields: object) -> Answer:
    return fold(await told(await backend.open(request(**fields), "fake", DataClass.PRIVATE)))


async def test_the_default_script_says_the_same_words_each_time() -> None:
    backend = FakeBackend()
    first, second = await asked(backend), await asked(backend)
    assert first == second
    assert (first.text, first.finish) == ("".join(DEFAULT_WORDS), "stop")
    assert first.reasoning == "".join(DEFAULT_THOUGHTS)
    assert first.usage == Usage(prompt=1, output=9, cache_hit=0, reasoning=3)


async def test_it_does_not_think_when_told_not_to() -> None:
    answer = await asked(FakeBackend(), thinking={"type": "disabled"})
    assert answer.reasoning is None
    assert answer.usage == Usage(prompt=1, output=6, cache_hit=0, reasoning=None)


async def test_it_remembers_every_request_that_reached_it() -> None:
    backend = FakeBackend(script=lambda _request: [BackendOverloaded("busy")])
    asked_for = request(user_id="u1")
    with pytest.raises(BackendOverloaded):
        await backend.open(asked_for, "fake", DataClass.PUBLIC)
    assert backend.heard == [asked_for]


async def test_an_error_first_is_raised_before_any_answer() -> None:
    with pytest.raises(BackendOverloaded, match="busy"):
        await FakeBackend(script=lambda _request: [BackendOverloaded("busy")]).open(request(), "m", DataClass.PUBLIC)


async def test_an_error_later_is_raised_in_the_middle() -> None:
    backend = FakeBackend(script=lambda _request: [Start(), Text("a"), BrokenContract("cut")])
    answering = await backend.open(request(), "m", DataClass.PUBLIC)
    assert [(await answering.read())[0].events for _ in range(2)] == [(Start(),), (Text("a"),)]
    with pytest.raises(BrokenContract, match="cut"):
        await answering.read()


async def test_each_step_is_a_frame_that_was_never_bytes() -> None:
    answering = await FakeBackend(script=lambda _request: [Start(), Reasoning("r"), End()]).open(
        request(), "m", DataClass.PUBLIC
    )
    frames = await answering.read()
    assert [frame.wire for frame in frames] == [None]
    assert list(answering.quirks) == []


async def test_closing_ends_it() -> None:
    answering = await FakeBackend().open(request(), "m", DataClass.PUBLIC)
    assert await answering.read()
    answering.close()
    assert await answering.read() == []


async def test_a_script_sees_the_request() -> None:
    backend = FakeBackend(script=lambda asked: [Start(model=asked.model)])
    answering = await backend.open(request(model="echo"), "m", DataClass.PUBLIC)
    assert (await answering.read())[0].events == (Start(model="echo"),)


async def test_it_is_seen_as_it_was_made() -> None:
    backend = FakeBackend(
        "cloud", boundary=Boundary.EXTERNAL, accepts=DataClass.INTERNAL, models=("a", "b"), health="down"
    )
    await backend.refresh()
    view = backend.view
    assert (backend.name, view.name, view.boundary, view.accepts) == (
        "cloud",
        "cloud",
        Boundary.EXTERNAL,
        DataClass.INTERNAL,
    )
    assert (view.health, view.models, view.serves_any, view.note) == ("down", ("a", "b"), False, "")


async def test_it_fills_a_gap_without_thinking() -> None:
    answering = await FakeBackend().open(FimRequest(model="fake", prompt="a"), "fake", DataClass.PUBLIC)
    answer = fold(await told(answering))
    assert (answer.text, answer.reasoning) == ("".join(DEFAULT_WORDS), None)


def test_it_has_the_room_that_it_was_given() -> None:
    assert FakeBackend("a").room == Room("a")
    assert FakeBackend("a", room=Room("a", 1, 2)).room == Room("a", 1, 2)
