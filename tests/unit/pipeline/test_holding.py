"""Held until it says something: what counts as that, and that an unstreamed answer is held to its end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.support.samples import request
from tests.support.world import World, fake, heard

from tidegate.core.errors import BackendTimedOut, BrokenContract, GatewayError
from tidegate.core.events import (
    End,
    Event,
    Finish,
    Frame,
    Milestones,
    Reasoning,
    Start,
    Text,
    ToolCall,
    UsageReport,
    frame_of,
)
from tidegate.core.usage import Usage
from tidegate.pipeline import holding
from tidegate.pipeline.holding import first_words, whole

CUT = BrokenContract("cut")


class Reads:
    """An answer on its way that comes in these pieces."""

    def __init__(self, *pieces: list[Frame] | GatewayError) -> None:
        self.pieces = list(pieces)
        self.quirks: Sequence[str] = ()

    async def read(self) -> list[Frame]:
        piece = self.pieces.pop(0) if self.pieces else []
        if isinstance(piece, GatewayError):
            raise piece
        return piece

    def close(self) -> None:
        raise AssertionError("whoever opened it closes it")


def started() -> Frame:
    return Frame(b"data: role\n\n", lambda: (Start(),), Milestones(start=Start()))


def never() -> tuple[Event, ...]:
    raise AssertionError("content that goes on as it came is not decoded for this")


COMMENT = Frame(b": keep-alive\n\n", tuple)


@pytest.mark.parametrize(
    "word", [Text("a"), Reasoning("a"), ToolCall(0, "c", "f"), Finish("stop")], ids=lambda event: type(event).__name__
)
async def test_it_is_held_until_it_says_something(word: Event) -> None:
    first, comment, empty, said, more = started(), COMMENT, frame_of(Text("")), frame_of(word), frame_of(Text("b"))
    answering = Reads([first], [comment, empty], [frame_of(Reasoning(""))], [said], [more])
    frames = await first_words(answering)
    assert (frames[:3], frames[-1]) == ([first, comment, empty], said)
    assert answering.pieces == [[more]], "and no longer"


async def test_what_goes_on_as_it_came_is_not_decoded() -> None:
    first, content = started(), Frame(b"data: content\n\n", never)
    assert await first_words(Reads([first], [COMMENT], [content])) == [first, COMMENT, content]


async def test_a_server_that_says_nothing_for_ever_is_not_held_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "MOST_HELD", 3)
    answering = Reads([started()], [COMMENT], [COMMENT], [COMMENT])
    assert len(await first_words(answering)) == 3
    assert await first_words(Reads()) == []
    assert len(await first_words(Reads([started()]))) == 1


@pytest.mark.parametrize("begun", [(Start(),), (Start(), Text("")), (Start(), Reasoning(""))])
@pytest.mark.parametrize("error", [CUT, BackendTimedOut("stalled")])
async def test_what_fails_before_its_first_word_is_asked_elsewhere(begun: Sequence[Event], error: GatewayError) -> None:
    world = World(fake("a", *begun, error), good := fake("b"))
    said = await world.ask(asked=request(stream=True))
    assert (heard(good), world.entry.status) == ([1], 200)
    assert world.entry.attempts == f"a:{type(error).__name__},b:ok"
    assert sum(isinstance(event, Start) for event in said) == 1, "nothing of the first had gone out"


USED = UsageReport(Usage(prompt=1, output=2))
PIECES = (Start("m"), Reasoning("R"), Text("He"), Text("llo"), ToolCall(0, "c", "f", "{"), ToolCall(0, None, None, "}"))


async def test_a_whole_answer_is_one_frame() -> None:
    (frame,) = await whole(Reads(*([frame_of(event)] for event in (*PIECES, Finish("stop", "x"), USED, End()))))
    call = ToolCall(0, "c", "f", "{}")
    assert frame.events == (Start("m"), Reasoning("R"), Text("Hello"), call, Finish("stop", "x"), USED, End())
    assert frame.passed.ended


async def test_a_whole_answer_that_came_in_one_piece_is_left_as_it_came() -> None:
    came = Frame(b"{}", never, Milestones(ended=True))
    assert await whole(Reads([came])) == [came]
    assert await whole(Reads()) == []


async def test_a_whole_answer_that_breaks_off_is_asked_for_again() -> None:
    world = World(fake("a", *PIECES, CUT), good := fake("b"))
    await world.ask(asked=request(stream=False))
    assert (heard(good), world.entry.attempts) == ([1], "a:BrokenContract,b:ok")
