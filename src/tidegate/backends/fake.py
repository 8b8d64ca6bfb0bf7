"""A scripted, deterministic backend without any network: for demonstrations, documentation and tests.

It says what its script says, or fails as its script says. The default script answers every request the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tidegate.backends.base import Holds, Room
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView, Health
from tidegate.core.errors import GatewayError
from tidegate.core.events import End, Event, Finish, Frame, Reasoning, Start, Text, UsageReport, frame_of
from tidegate.core.profile import FEATURES, Fact
from tidegate.core.requests import ChatRequest, Request
from tidegate.core.usage import Usage

DEFAULT_WORDS = ("This ", "is ", "the ", "scripted ", "fake ", "backend.")
DEFAULT_THOUGHTS = ("No ", "thought ", "needed.")

Script = Callable[[Request], Sequence[Event | GatewayError]]


def default_script(request: Request) -> Sequence[Event | GatewayError]:
    """Three words of reasoning when the request thinks, six words of answer; usage counts words as tokens."""
    chat = isinstance(request, ChatRequest)
    thoughts = DEFAULT_THOUGHTS if chat and request.thinks else ()
    usage = Usage(
        prompt=len(request.messages) if chat else 1,
        output=len(thoughts) + len(DEFAULT_WORDS),
        cache_hit=0,
        reasoning=len(thoughts) if thoughts else None,
    )
    said = [*map(Reasoning, thoughts), *map(Text, DEFAULT_WORDS)]
    return [Start(model="fake", created=0), *said, Finish("stop"), UsageReport(usage), End()]


@dataclass(slots=True)
class _Scripted:
    script: list[Event | GatewayError]
    quirks: list[str]

    async def read(self) -> list[Frame]:
        if not self.script:
            return []
        step = self.script.pop(0)
        if isinstance(step, GatewayError):
            raise step
        return [frame_of(step)]

    def close(self) -> None:
        self.script.clear()


class FakeBackend:
    """An error as the script's first step is raised when the backend is opened, before any answer began."""

    def __init__(
        self,
        name: str = "fake",
        *,
        boundary: Boundary = Boundary.DEVICE,
        accepts: DataClass = DataClass.PRIVATE,
        models: tuple[str, ...] = ("fake",),
        health: Health = "up",
        script: Script = default_script,
        room: Room | None = None,
    ) -> None:
        facts = tuple(Fact(feature, "native", "declared") for feature in FEATURES)
        self._view = BackendView(name, boundary, accepts, health, models, declared=facts)
        self._script = script
        self.room = room or Room(name)
        self.heard: list[Request] = []
        """Every request that reached it."""

    @property
    def name(self) -> str:
        return self._view.name

    @property
    def view(self) -> BackendView:
        return self._view

    async def open(self, request: Request, model: str, data_class: DataClass, holds: Holds | None = None) -> _Scripted:
        self.heard.append(request)
        steps = list(self._script(request))
        if steps and isinstance(steps[0], GatewayError):
            raise steps[0]
        return _Scripted(steps, [])

    async def refresh(self) -> None:
        return
