"""The law: wherever a stream is cut, what the client reads is the first part and the rest, once, as one answer.

The whole gateway between real sockets: a first server that breaks off after so many bytes, and a second that goes on from
whatever prefix it is sent. The bytes of both are recorded ones; what is read is judged here, without the gateway's codecs.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple
from unittest.mock import patch

import pytest
from tests.support.asgi import call
from tests.support.hands import breath
from tests.support.upstreams import DONE, USAGE, Request, Upstream, chunk, head, in_chunk

from tidegate.app import App
from tidegate.config import parse_config
from tidegate.ledger.store import Ledger

FOLDER = Path(__file__).parent.parent / "wire" / "deepseek-recipe-0.2.0"
SAID = {
    ("chat", True): ("Let me", "Hi there"),
    ("chat", False): ("", "Plain answer."),
    ("messages", True): ("I think", "Hello"),
    ("messages", False): ("", "Hello"),
}
"""What the recordings say."""
PATHS = {"chat": "/chat/completions", "messages": "/anthropic/v1/messages"}


class Case(NamedTuple):
    surface: str
    thinks: bool

    @property
    def said(self) -> tuple[str, str]:
        """Reasoning and text."""
        return SAID[self.surface, self.thinks]

    @property
    def wire(self) -> bytes:
        name = ("messages-" if self.surface == "messages" else "") + ("thinking" if self.thinks else "nonthinking")
        return (FOLDER / f"{name}.sse").read_bytes()

    @property
    def body(self) -> bytes:
        more = {} if self.thinks else {"thinking": {"type": "disabled"}}
        said = [{"role": "user", "content": "Hi"}]
        return json.dumps({"model": "auto", "stream": True, "max_tokens": 900, "messages": said, **more}).encode()


CASES = [Case(surface, thinks) for surface in PATHS for thinks in (True, False)]


Way = Literal["cut", "ends", "error"]
ERROR = b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"no"}}\n\n'


class Cutting(Upstream):
    """Answers with a recording and breaks off after `cut` bytes of it: the connection is cut, or the body has its proper
    end there, or an error event stands there."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.wire, self.cut = b"", 0
        self.way: Way = "cut"

    async def _answer(self, request: Request) -> bool:
        await request.reply(head("200 OK", "text/event-stream"), in_chunk(self.wire[: self.cut]) if self.cut else b"")
        await breath()  # what comes in one piece with an error is not handed on
        if self.way == "error":
            await request.reply(in_chunk(ERROR))
        if self.way != "cut":
            await request.reply(in_chunk(b""))
        return self.way != "cut"


class GoingOn(Upstream):
    """Says what is left of the answer behind the prefix that it is sent, in small pieces; all of it without one."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.heard: list[dict[str, Any]] = []
        self.whole = ("", "")
        self.wire = b""
        self.echoes = False
        """It says the prefix once more: a server that the profile was wrong about."""

    async def _answer(self, request: Request) -> bool:
        body = json.loads(request.body)
        self.heard.append(body)
        if b"/messages" in request.head.partition(b"\r\n")[0]:  # nothing had been said yet
            await request.reply(head("200 OK", "text/event-stream"), in_chunk(self.wire), in_chunk(b""))
            return True
        last = body["messages"][-1]
        prefix = last if last.get("prefix") else {}
        thought, said = prefix.get("reasoning_content") or "", prefix.get("content") or ""
        reasoning, text = self.whole
        assert reasoning.startswith(thought)
        assert text.startswith(said)
        if self.echoes:
            thought, said = "", ""
        thinks = body.get("thinking", {}).get("type") != "disabled" and not said
        pieces = [
            chunk(
                {"role": "assistant", "content": None if thinks else ""} | ({"reasoning_content": ""} if thinks else {})
            )
        ]
        pieces += [
            chunk({"content": None, "reasoning_content": one}) for one in (reasoning[len(thought) :] if thinks else "")
        ]
        pieces += [chunk({"content": one}) for one in text[len(said) :]]
        pieces += [chunk({"content": ""}, "stop", USAGE), DONE]
        await request.reply(head("200 OK", "text/event-stream"), *map(in_chunk, pieces), in_chunk(b""))
        return True


@dataclass
class World:
    loop: asyncio.AbstractEventLoop
    app: App
    first: Cutting
    second: GoingOn
    failed: list[int] = field(default_factory=list)

    def ask(self, case: Case, cut: int) -> bytes:
        self.first.wire, self.first.cut = case.wire, cut
        self.second.whole, self.second.wire = case.said, case.wire
        self.second.heard.clear()
        reply = self.loop.run_until_complete(call(self.app.asgi, "POST", PATHS[case.surface], case.body))
        assert reply.status == 200
        return reply.body


@pytest.fixture
def world(tmp_path: Path) -> Generator[World]:
    loop = asyncio.new_event_loop()
    first, second = Cutting(), GoingOn()
    for server in (first, second):
        loop.run_until_complete(server.start())
    hosted = {"kind": "deepseek", "models": ["deepseek-flash"]}
    config = {
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "streams": {"on_break": "continue"},
        "breaker": {"failures": 1_000_000},
        "backends": {"first": {**hosted, "base_url": first.url}, "second": {**hosted, "base_url": second.url}},
    }
    app = App(parse_config(config), {"DEEPSEEK_API_KEY": "k"}, tmp_path, None)
    app.ledger = Ledger(tmp_path / "ledger.sqlite3", flush_interval_s=0.05)
    app.ledger.open()
    app.compose()
    yield World(loop, app, first, second)
    app.close_connections()
    app.ledger.close()
    for server in (first, second):
        loop.run_until_complete(server.stop())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


class Read(NamedTuple):
    """A stream as a client reads it. `broken`: it ends with an error."""

    reasoning: str
    text: str
    broken: bool


def read_chat(body: bytes) -> Read:
    data = [line[6:] for line in body.decode().splitlines() if line.startswith("data: ")]
    ended = data[-1] == "[DONE]"
    assert data.count("[DONE]") == int(ended)
    chunks = [json.loads(one) for one in data if one != "[DONE]"]
    if broken := "error" in chunks[-1]:
        chunks.pop()
    assert broken != ended
    choices = [one["choices"][0] for one in chunks]
    names = {(one["id"], one["created"], one["model"], one.get("system_fingerprint")) for one in chunks}
    assert len(names) == 1, "one answer has one name"
    assert [at for at, one in enumerate(choices) if "role" in one["delta"]] == [0]
    finished = [at for at, one in enumerate(choices) if one["finish_reason"]]
    assert finished == [len(choices) - 1] or (broken and not finished)
    assert broken or chunks[-1]["usage"]["completion_tokens"] is not None
    deltas = [one["delta"] for one in choices]
    return Read(*("".join(one.get(name) or "" for one in deltas) for name in ("reasoning_content", "content")), broken)


def read_messages(body: bytes) -> Read:
    events = [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: ")]
    kinds = [one["type"] for one in events]
    broken = kinds[-1] == "error"
    assert kinds.count("message_start") == 1
    assert kinds.count("message_stop") == int(not broken)
    blocks: list[dict[str, Any]] = []
    is_open = False
    for one in events:
        match one["type"]:
            case "content_block_start":
                assert not is_open
                assert one["index"] == len(blocks), "blocks are counted on"
                blocks.append(one["content_block"])
                is_open = True
            case "content_block_delta":
                assert is_open
                assert one["index"] == len(blocks) - 1
                for name in ("text", "thinking"):
                    if name in one["delta"]:
                        blocks[-1][name] += one["delta"][name]
            case "content_block_stop":
                assert is_open
                is_open = False
            case _:
                pass
    assert broken or not is_open
    return Read(*("".join(one.get(name, "") for one in blocks) for name in ("thinking", "text")), broken)


READ = {"chat": read_chat, "messages": read_messages}


def whole_at(case: Case) -> int:
    """From how many bytes on the answer had said why it ends, in a whole event."""
    word = b"message_delta" if case.surface == "messages" else b'"finish_reason":"stop"'
    return case.wire.index(b"\n\n", case.wire.index(word)) + 2


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.surface}{' thinking' if case.thinks else ''}")
def test_wherever_it_is_cut_the_client_reads_one_whole_answer(world: World, case: Case) -> None:
    read = READ[case.surface]
    finished, continued = whole_at(case), 0
    for cut in range(len(case.wire)):
        body = world.ask(case, cut)
        found = read(body)
        if cut < finished:
            assert found == (*case.said, False), f"cut after {cut} bytes"
        else:
            assert found == (*case.said, True), "its end was missing, and nothing is left to be said"
            assert b"RES011" in body
        if b": tidegate: continued" in body:
            continued += 1
            begun = body.index(b": tidegate: continued")
            assert case.wire.startswith(body[:begun]), "what had come went through byte for byte"
            (sent,) = world.second.heard
            assert sent["messages"][-1]["prefix"] is True
            assert sent["max_tokens"] < 900
    assert continued > 300
    assert read(world.ask(case, len(case.wire))) == (*case.said, False)
    assert world.second.heard == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.surface}{' thinking' if case.thinks else ''}")
@pytest.mark.parametrize("way", ["ends", "error"])
def test_however_it_ends_between_two_events_the_client_reads_one_whole_answer(
    world: World, way: Way, case: Case
) -> None:
    world.first.way = way
    cuts = [at.end() for at in re.finditer(b"\n\n", case.wire) if at.end() < whole_at(case)]
    bodies = [world.ask(case, cut) for cut in [0, *cuts]]
    assert [READ[case.surface](body) for body in bodies] == [(*case.said, False)] * len(bodies)
    assert any(b": tidegate: continued" in body for body in bodies)


def test_a_server_that_says_the_prefix_again_would_be_seen(world: World) -> None:
    """The fault test of this law."""
    world.second.echoes = True
    case = Case("chat", False)
    found = read_chat(world.ask(case, case.wire.index(b'" answer."')))
    assert found.text != case.said[1]


def nothing_said(encoder: Any, _resumed: Any) -> Any:
    return encoder


class NoStart(NamedTuple):
    """In the place of `Start`, so that no name is found in what was said."""

    answer_id: None = None
    model: None = None
    created: None = None
    fingerprint: None = None


UNDONE: dict[str, tuple[Case, bytes, str, Any]] = {
    "what was said": (Case("chat", True), b'" there"', "tidegate.surfaces.openai.having_said", nothing_said),
    "whose answer it is": (Case("chat", True), b'" there"', "tidegate.surfaces.answering.Start", NoStart),
    "what was said, in blocks": (
        Case("messages", True),
        b'"lo"',
        "tidegate.surfaces.anthropic.having_said",
        nothing_said,
    ),
    "where its blocks are": (
        Case("messages", True),
        b'"Hel"',  # the block of the text is open, and empty
        "tidegate.codecs.anthropic_messages.encoder.MessageEncoder.stand",
        lambda *_: None,
    ),
}


@pytest.mark.parametrize("what", UNDONE)
def test_without_what_it_stands_on_the_law_fails(world: World, what: str) -> None:
    case, before, target, wrong = UNDONE[what]
    cut = case.wire.index(before)
    assert READ[case.surface](world.ask(case, cut)) == (*case.said, False)
    with patch(target, wrong), pytest.raises(AssertionError):
        assert READ[case.surface](world.ask(case, cut)) == (*case.said, False)
