"""A private answer is known before it goes out: piece by piece until its beginning is, and whole with its end."""

from __future__ import annotations

import asyncio

import pytest

from tidegate.core.errors import BrokenContract, Draining
from tidegate.core.events import End, Event, Finish, Frame, Start, Text, ToolCall, frame_of
from tidegate.core.messages import Message, TextPart
from tidegate.core.requests import ChatRequest
from tidegate.pipeline.ahead import Ahead
from tidegate.privacy.conversations import Conversations

ASKED = ChatRequest(model="m", messages=(Message("user", (TextPart("What about the tide?"),)),))
NEXT = Message("user", (TextPart("And then?"),))


class World:
    """What is known, and when each piece went out."""

    def __init__(self) -> None:
        self.conversations = Conversations(b"key", 100.0)
        self.told: list[tuple[str, ...]] = []
        self.ahead = Ahead(lambda turn: self.conversations.answer_marks(None, ASKED, turn), self.known)

    async def known(self, marks: tuple[str, ...]) -> None:
        self.told.append(marks)
        self.conversations.remember(marks, 0.0)

    async def give(self, *events: Event) -> None:
        await self.ahead.take([frame_of(*events)])

    def comes_back(self, said: str) -> bool:
        request = ChatRequest(model="m", messages=(*ASKED.messages, Message("assistant", (TextPart(said),)), NEXT))
        return self.conversations.was_private(None, None, request, 1.0)


async def test_whatever_has_gone_out_is_known_when_it_comes_back() -> None:
    world, said = World(), ""
    await world.give(Start())
    for word in [
        "Yes",
        ".",
        " The tide",
        " comes and goes twice",
        " a day, and nobody",
        " can hold it for ever and a day.",
    ]:
        said += word
        await world.give(Text(word))
        assert world.comes_back(said), said
    assert not world.comes_back("No.")


async def test_once_its_beginning_is_known_nobody_is_told_before_the_end() -> None:
    world = World()
    await world.give(Start(), Text("x" * 65))
    told = len(world.told)
    for _ in range(50):
        await world.give(Text("more"))
    assert len(world.told) == told
    await world.give(Finish("stop"))
    assert len(world.told) == told + 1
    assert world.comes_back("x" * 65 + "more" * 50)


async def test_no_mark_is_told_twice() -> None:
    world = World()
    await world.give(Start(), Text("The tide is high."), Finish("stop"), End())
    await world.give(Finish("stop"))
    marks = [mark for told in world.told for mark in told]
    assert len(marks) == len(set(marks))


async def test_a_call_of_a_tool_is_known_with_the_end() -> None:
    world = World()
    await world.give(Start(), ToolCall(0, "call_1", "look", '{"where": '))
    assert world.told == []
    await world.give(ToolCall(0, arguments='"at the sea"}'), Finish("tool_calls"))
    assert world.told


async def test_what_cannot_be_read_or_is_endless_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable() -> tuple[Event, ...]:
        raise BrokenContract("no JSON")

    world = World()
    await world.ahead.take([Frame(b"x", unreadable)])
    assert world.told == []
    world.ahead._left_characters = 3
    await world.give(Text("abc"), Text("defg"), Finish("stop"))
    assert world.comes_back("abc")


async def test_where_it_cannot_be_made_known_it_does_not_go_out() -> None:
    async def lost(_marks: tuple[str, ...]) -> None:
        raise Draining("gone")

    ahead = Ahead(lambda _turn: ("mark",), lost)
    with pytest.raises(Draining):
        await ahead.take([frame_of(Text("words"))])


async def test_it_is_known_before_the_piece_is_let_go() -> None:
    told, may_go_on = asyncio.Event(), asyncio.Event()

    async def slow(_marks: tuple[str, ...]) -> None:
        told.set()
        await may_go_on.wait()

    taking = asyncio.create_task(Ahead(lambda _turn: ("mark",), slow).take([frame_of(Text("words"))]))
    await told.wait()
    assert not taking.done()
    may_go_on.set()
    await taking
