"""Law: whatever is reloaded meanwhile, each request is answered as if the configuration of its arrival were the only one.

Requests are held at the two places where they wait longest, before they are decided (slow detection) and before they are
sent, while configurations come and go in which the same names mean other boundaries, classes and targets.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.asgi import Reply, call
from tests.support.hands import breath
from tests.support.ledgers import Watched
from tests.support.samples import request_body

from tidegate.app import App
from tidegate.app.reload import Running, Source
from tidegate.backends.fake import FakeBackend
from tidegate.backends.registry import Registry
from tidegate.config import Config, parse_config
from tidegate.core.boundary import DataClass

NAMES = ("a", "b")
CLASSES = ("public", "internal", "private")
EXTERNAL = {"boundary": "external", "accepts": "internal"}
DEVICE = {"boundary": "device"}


class Wish(NamedTuple):
    """What is written: where each backend stands, the default class, and where the alias `x` leads."""

    outside: tuple[bool, bool]
    default: str
    target: str


def config(wish: Wish) -> Config:
    backends = {
        name: {"kind": "fake", "models": ["m"], **(EXTERNAL if outside else DEVICE)}
        for name, outside in zip(NAMES, wish.outside, strict=True)
    }
    # A backend at home that nobody names: every class can be kept somewhere, so every configuration can be enforced.
    backends["safe"] = {"kind": "fake", "models": ["m"], **DEVICE}
    return parse_config(
        {
            "embedded": {"enabled": False},
            "probe": {"enabled": False},
            "privacy": {"default_class": wish.default, "names": ["en"]},
            "backends": backends,
            "aliases": {"x": {"targets": [wish.target]}},
        }
    )


class Ask(NamedTuple):
    model: str
    header: str | None


class Heard(NamedTuple):
    backend: FakeBackend
    data_class: DataClass


@dataclass
class Gates:
    """Where requests are held, by what they say. `open_all`: nobody is held."""

    open_all: bool = False
    looks: dict[str, asyncio.Event] = field(default_factory=dict)
    sends: dict[str, asyncio.Event] = field(default_factory=dict)
    heard: dict[str, list[Heard]] = field(default_factory=dict)

    async def at(self, gates: dict[str, asyncio.Event], said: str) -> None:
        if not self.open_all:
            await gates.setdefault(said, asyncio.Event()).wait()


class Slow:
    """Slow tiers that find nothing, after a while."""

    def __init__(self, gates: Gates) -> None:
        self._gates = gates

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def look(self, texts: Any, _budget_s: float) -> Any:
        await self._gates.at(self._gates.looks, texts[-1])
        return [() for _ in texts]


class Play:
    """One gateway over some configurations. The fake backends tell here what they hear."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gates = Gates()
        self.wanted: Config | None = None
        self.alone: dict[Wish, App] = {}

    def app(self, wish: Wish) -> App:
        made = App(config(wish), {}, self.folder, None, Slow(self.gates))  # type: ignore[arg-type]
        made.kept.ledger = made.ledger = Watched(self.folder / "ledger.sqlite3")
        made.ledger.salt = b"salt" * 8
        made.ledger.private_conversations = lambda _since: {}  # type: ignore[method-assign]
        made.compose()
        return made

    async def run(self, wishes: list[Wish], steps: list[Any]) -> None:
        first = self.app(wishes[0])
        source = Source(None, lambda: self.wanted or config(wishes[0]), lambda _: None, {}, self.folder)
        running, now, asked = Running(first, source), 0, list[tuple[int, Ask, str, asyncio.Task[Reply]]]()
        for number, step in enumerate(steps):
            match step:
                case Ask():
                    said = f"request {number}"
                    asked.append((now, step, said, asyncio.create_task(self.ask(running.asgi, step, said))))
                case "look" | "send":
                    gates = self.gates.looks if step == "look" else self.gates.sends
                    for gate in gates.values():
                        gate.set()
                case at:
                    now = at % len(wishes)
                    self.wanted = config(wishes[now])
                    await running.reload()
            await breath()
        self.gates.open_all = True
        for gate in (*self.gates.looks.values(), *self.gates.sends.values()):
            gate.set()
        replies = [(at, ask, said, await task) for at, ask, said, task in asked]
        await running.settled()
        running.app.registry.rest()
        for at, ask, said, reply in replies:
            await self.judge(wishes[at], ask, said, reply)

    async def ask(self, asgi: Any, ask: Ask, said: str) -> Reply:
        headers = {"x-tidegate-class": ask.header} if ask.header else {}
        body = request_body(model=ask.model, messages=[{"role": "user", "content": said}])
        return await call(asgi, "POST", "/chat/completions", body, headers)

    async def judge(self, wish: Wish, ask: Ask, said: str, reply: Reply) -> None:
        """As a gateway would have answered that knows no other configuration."""
        heard = self.gates.heard.pop(said, [])
        if wish not in self.alone:
            self.alone[wish] = self.app(wish)
        alone = await self.ask(self.alone[wish].asgi, ask, said)
        as_alone = self.gates.heard.pop(said, [])
        assert (reply.status, where(reply)) == (alone.status, where(alone)), (wish, ask)
        told = [
            [(one.backend.name, one.backend.view.boundary, one.data_class) for one in each]
            for each in (heard, as_alone)
        ]
        assert told[0] == told[1], (wish, ask)
        for one in heard:
            assert one.data_class.rank <= one.backend.view.accepts.rank, "the class may not go there"


def where(reply: Reply) -> tuple[str | None, ...]:
    return tuple([reply.headers.get(f"x-tidegate-{name}") for name in ("backend", "boundary", "class")])


def play(folder: Path, wishes: list[Wish], steps: list[Any]) -> None:
    one = Play(folder)
    opened = FakeBackend.open

    async def held(self: FakeBackend, request: Any, model: str, data_class: DataClass, holds: Any = None) -> Any:
        said = request.messages[-1].parts[0].text
        one.gates.heard.setdefault(said, []).append(Heard(self, data_class))
        await one.gates.at(one.gates.sends, said)
        return await opened(self, request, model, data_class, holds)

    with patch.object(FakeBackend, "open", held):
        asyncio.run(one.run(wishes, steps))


WISHES = st.builds(Wish, st.tuples(st.booleans(), st.booleans()), st.sampled_from(CLASSES), st.sampled_from(NAMES))
ASKS = st.builds(Ask, st.sampled_from(("x", "a/m", "b/m", "auto")), st.sampled_from((None, *CLASSES)))
STEPS = st.lists(st.one_of(ASKS, st.sampled_from(("look", "send")), st.integers(0, 3)), min_size=2, max_size=12)


@given(st.lists(WISHES, min_size=2, max_size=3), STEPS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_request_is_decided_and_sent_under_one_configuration(
    tmp_path: Path, wishes: list[Wish], steps: list[Any]
) -> None:
    play(tmp_path, wishes, steps)


HOME_FIRST = [Wish((False, False), "private", "a"), Wish((True, False), "public", "b")]
TURNED = [Wish((True, False), "public", "a"), Wish((False, True), "public", "a")]
HELD = [Ask("x", None), 1, "look", Ask("x", None), "look", "send"]


def test_a_private_request_is_sent_to_the_backend_that_it_was_decided_for(tmp_path: Path) -> None:
    """The name `a` means an external backend by the time it is sent."""
    for wishes in (HOME_FIRST, TURNED):
        play(tmp_path, wishes, HELD)


def test_the_law_sees_backends_of_another_configuration(tmp_path: Path) -> None:
    newest: list[Registry] = []
    made, find = Registry.__init__, Registry.find

    def noted(self: Registry, *parts: Any, **more: Any) -> None:
        newest.append(self)
        made(self, *parts, **more)

    with (
        patch.object(Registry, "__init__", noted),
        patch.object(Registry, "find", lambda _self, name: find(newest[-1], name)),
        pytest.raises(AssertionError),
    ):
        play(tmp_path, TURNED, HELD)
