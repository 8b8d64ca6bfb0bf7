"""The embedded engine as the simulator's brain: a real model's words inside the simulated API.

An adapter between `backends` and the simulator's `Brain`, which may not know each other; only the command line sees both.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from msgspec.structs import replace

from tidegate.backends.base import Answering, Backend
from tidegate.core.boundary import DataClass
from tidegate.core.events import Reasoning, Text, ToolCall
from tidegate.core.requests import ChatRequest
from tidegate.simulator.brain import Brain, Said, Task


@dataclass(slots=True)
class _Call:
    name: str
    arguments: list[str] = field(default_factory=list[str])


class EmbeddedBrain:
    """Chat is the engine's; a fill-in-the-middle request, which it cannot serve, is `otherwise`'s."""

    def __init__(self, backend: Backend, otherwise: Brain) -> None:
        self._backend = backend
        self._otherwise = otherwise

    async def answer(self, task: Task) -> AsyncGenerator[Said, None]:
        request = task.request
        if not isinstance(request, ChatRequest):
            async for piece in self._otherwise.answer(task):
                yield piece
            return
        # Stop strings, log probabilities and limits are the simulator's, which counts in DeepSeek's tokens.
        asked = replace(request, stream=True, include_usage=None, stop=(), logprobs=None, top_logprobs=None)
        asked = replace(asked, thinking="enabled" if task.effort != "off" else "disabled")
        answering = await self._backend.open(asked, self._backend.view.models[0], DataClass.PRIVATE)
        try:
            calls: dict[int, _Call] = {}
            async for piece in _content(answering):
                if isinstance(piece, ToolCall):
                    calls.setdefault(piece.index, _Call(piece.name or "")).arguments.append(piece.arguments)
                else:
                    yield piece
            for index, call in sorted(calls.items()):
                yield ToolCall(index, None, call.name, "".join(call.arguments))
        finally:
            answering.close()


async def _content(answering: Answering) -> AsyncGenerator[Said, None]:
    while frames := await answering.read():
        for frame in frames:
            for event in frame.events:
                if isinstance(event, Reasoning | Text | ToolCall):
                    yield event
