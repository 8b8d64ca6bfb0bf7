"""A backend's answer as a brain's: content in pieces, tool calls whole, and the simulator's own limits kept out of it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.samples import request

from tidegate.backends.fake import FakeBackend
from tidegate.cli.embedded_brain import EmbeddedBrain
from tidegate.core.boundary import DataClass
from tidegate.core.events import End, Finish, Frame, Reasoning, Start, Text, ToolCall, frame_of
from tidegate.core.requests import ChatRequest, FimRequest
from tidegate.simulator.brain import Task
from tidegate.simulator.responder import ScriptedBrain


class Answering:
    quirks = ()

    def __init__(self, *batches: list[Frame]) -> None:
        self._batches = list(batches)
        self.closed = False

    async def read(self) -> list[Frame]:
        return self._batches.pop(0) if self._batches else []

    def close(self) -> None:
        self.closed = True


class Scripted(FakeBackend):
    """Says this, and remembers what it was asked."""

    def __init__(self, answering: Answering) -> None:
        super().__init__("embedded", models=("smollm2",))
        self.answering = answering
        self.asked: tuple[ChatRequest, str, DataClass] | None = None

    async def open(self, request: ChatRequest, model: str, data_class: DataClass) -> Any:
        self.asked = (request, model, data_class)
        return self.answering


BATCHES = (
    [frame_of(Start("smollm2")), frame_of(Reasoning("Hm"))],
    [
        frame_of(Text("Sure.")),
        frame_of(ToolCall(0, "x", "get_weather", '{"ci')),
        frame_of(ToolCall(1, "y", "get_time", "{}")),
    ],
    [frame_of(ToolCall(0, None, None, 'ty": 1}'), Finish("tool_calls"), End())],
)


async def test_text_comes_in_pieces_and_calls_come_whole() -> None:
    backend = Scripted(Answering(*BATCHES))
    task = Task(request(model="deepseek-flash", stop="x", logprobs=True, reasoning_effort="max"), "max", 50)
    said = [piece async for piece in EmbeddedBrain(backend, ScriptedBrain()).answer(task)]
    assert said == [
        Reasoning("Hm"),
        Text("Sure."),
        ToolCall(0, None, "get_weather", '{"city": 1}'),
        ToolCall(1, None, "get_time", "{}"),
    ]
    assert backend.answering.closed
    assert backend.asked is not None
    asked, model, data_class = backend.asked
    assert (model, data_class) == ("smollm2", DataClass.PRIVATE)
    assert (asked.stream, asked.stop, asked.logprobs, asked.thinking, asked.effort) == (
        True,
        (),
        None,
        "enabled",
        "max",
    )


async def test_leaving_closes_the_answer() -> None:
    backend = Scripted(Answering(*BATCHES))
    running = EmbeddedBrain(backend, ScriptedBrain()).answer(Task(request(), "off", 50))
    await anext(running)
    await running.aclose()
    assert backend.answering.closed
    assert backend.asked is not None and backend.asked[0].thinking == "disabled"


async def test_a_gap_is_not_the_engines() -> None:
    backend = Scripted(Answering())
    task = Task(FimRequest(model="deepseek-v4-pro", prompt="a"), "off", 50)
    (piece,) = [piece async for piece in EmbeddedBrain(backend, ScriptedBrain()).answer(task)]
    assert isinstance(piece, Text)
    assert backend.asked is None


@pytest.mark.parametrize("error", [RuntimeError])
async def test_an_error_of_the_engine_passes_through(error: type[Exception]) -> None:
    class Failing(Scripted):
        async def open(self, request: ChatRequest, model: str, data_class: DataClass) -> Any:
            raise error("gone")

    brain = EmbeddedBrain(Failing(Answering()), ScriptedBrain())
    with pytest.raises(error):
        await anext(brain.answer(Task(request(), "off", 50)))
