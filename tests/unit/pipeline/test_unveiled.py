"""An answer behind a veil: read on while everything is held back, closed with what is behind it, its quirks told."""

from __future__ import annotations

from typing import Any

from tidegate.core.events import End, Finish, Frame, Start, Text, frame_of
from tidegate.pipeline.unveiled import Unveiled
from tidegate.privacy.masking.mask import Veil

VEIL = Veil({"EMAIL_abcdefghij": "a@b.example"}, ("a@b.example",))


class Said:
    def __init__(self, *batches: list[Frame]) -> None:
        self.batches, self.closed, self.quirks = list(batches), 0, ["DSK001"]

    async def read(self) -> list[Frame]:
        return self.batches.pop(0) if self.batches else []

    def close(self) -> None:
        self.closed += 1


def texts(frames: list[Frame]) -> list[Any]:
    return [event.text for frame in frames for event in frame.events if isinstance(event, Text)]


async def test_what_is_held_back_whole_does_not_read_as_the_end() -> None:
    batches = [[frame_of(Start("m"))], [frame_of(Text("EMAIL_abc"))], [frame_of(Text("defghij!"))]]
    one = Unveiled(Said(*batches, [frame_of(Finish("stop"), End())]), VEIL)
    assert texts(await one.read()) == []
    assert texts(await one.read()) == ["a@b.example!"]
    assert [event for frame in await one.read() for event in frame.events] == [Finish("stop"), End()]
    assert await one.read() == []


async def test_bytes_never_pass_as_they_came() -> None:
    (frame,) = await Unveiled(Said([Frame(b"data: x", lambda: (Text("x"),))]), VEIL).read()
    assert frame.wire is None


async def test_quirks_and_closing_are_those_of_the_answer_behind_it() -> None:
    said = Said([frame_of(Start("m"), Text("EMAIL_abcdefghij"))])
    one = Unveiled(said, VEIL)
    assert one.quirks == ("DSK001",)
    await one.read()
    assert len(one.quirks) == 2
    one.close()
    assert said.closed == 1
