"""Streams of Ollama's `/api/chat` through its dialect and over a real socket. Declared: written from its source."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.support.asgi import Reply, call
from tests.support.fingerprints import shown
from tests.support.samples import reader_of, request
from tests.support.upstreams import Request, Upstream, head, in_chunk

from tidegate.app import App
from tidegate.backends.base import Endpoint
from tidegate.backends.http import HttpBackend
from tidegate.backends.transport import Transport
from tidegate.config import parse_config
from tidegate.core.boundary import DEFAULT_ACCEPTS, Boundary, DataClass
from tidegate.core.errors import BackendRefused, BrokenContract, GatewayError, NotSupported
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.usage import Usage
from tidegate.dialects.ollama import OLLAMA

FOLDER = Path(__file__).parent / "ollama-0.33.0-rc2"
START = Start("deepseek-r1:8b", 1787303410)
TOKENS = [
    {"token": text, "logprob": logprob, "bytes": list(text.encode())} for text, logprob in (("Hi", -0.25), ("!", -0.5))
]


def ended(reason: str, usage: Usage) -> list[Event]:
    return [Finish(reason), UsageReport(usage), End()]


MEANT: dict[str, list[Event]] = {
    "thinking": [
        START,
        *map(Reasoning, ("Let", " me think.", " 1+1=2.")),
        *map(Text, ("The", " answer is 2.")),
        *ended("stop", Usage(prompt=26, output=14, reasoning=8)),
    ],
    "nonthinking": [
        START,
        *map(Text, ("Plain", " answer, größer 🌊.")),
        *ended("stop", Usage(prompt=23, output=7, cache_hit=22)),
    ],
    "tools": [
        START,
        Reasoning("I call both."),
        ToolCall(0, "call_k3j9x0ab", "get_time", '{"tz":"CET"}'),
        ToolCall(1, "call_01_7a37449f6524eb0f6b4a19e3", "get_weather", '{"city":"Rome","days":3}'),
        *ended("tool_calls", Usage(prompt=160, output=41, reasoning=7)),
    ],
    "length": [START, Text("Once upon"), *ended("length", Usage(prompt=12, output=2))],
    "logprobs": [
        START,
        *(Text(token["token"], (token,)) for token in TOKENS),
        *ended("stop", Usage(prompt=12, output=2)),
    ],
}
each_recording = pytest.mark.parametrize("name", MEANT)


def body_of(name: str) -> bytes:
    return (FOLDER / f"{name}.ndjson").read_bytes()


def replayed(*pieces: bytes) -> list[Event]:
    reader = reader_of(OLLAMA, streamed=True)
    events = [event for piece in pieces for frame in reader.feed(piece) for event in frame.events]
    assert reader.close() == []
    told = [event.usage.cache_hit for event in events if isinstance(event, UsageReport)]
    counted = ["REQ023"] if any(isinstance(event, Reasoning) for event in events) else []
    assert reader.quirks == [*counted, *(["REQ031"] if None in told else [])]
    return events


def test_every_recorded_file_is_replayed():
    assert {path.stem for path in FOLDER.iterdir()} == MEANT.keys()


@each_recording
def test_a_recording_means_what_it_meant(name):
    assert replayed(body_of(name)) == MEANT[name]


@each_recording
def test_one_cut_anywhere_changes_nothing(name):
    body = body_of(name)
    for place in range(len(body) + 1):
        assert replayed(body[:place], body[place:]) == MEANT[name], f"cut at byte {place}"


@each_recording
def test_one_byte_at_a_time_changes_nothing(name):
    body = body_of(name)
    assert replayed(*(body[i : i + 1] for i in range(len(body)))) == MEANT[name]


@each_recording
def test_other_line_ends_mean_the_same(name):
    assert replayed(body_of(name).replace(b"\n", b"\r\n\r\n")) == MEANT[name]


@each_recording
def test_a_recording_cut_short_anywhere_is_broken(name):
    body = body_of(name)
    for place in range(0, len(body), 7):
        with pytest.raises(BrokenContract):
            replayed(body[:place])


@each_recording
@pytest.mark.parametrize("rest", [b'{"error":"secret"}\n', b'{"done":false}\n', b"not JSON\n"])
def test_what_comes_instead_of_the_end_is_broken_and_what_comes_after_it_is_not_looked_at(name, rest):
    body = body_of(name)
    with pytest.raises(BrokenContract) as told:
        replayed(body[: body.rindex(b"\n", 0, -1) + 1] + rest)
    assert "secret" not in told.value.message
    assert replayed(body + rest) == replayed(body, rest) == MEANT[name]


class Ollama(Upstream):
    """Answers `/api/chat` with these bytes, and `/v1/models` with one model of its own and one of the cloud."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.status = "200 OK"
        self.kind = "application/x-ndjson"
        self.said = b""
        self.heard: list[Request] = []

    async def _answer(self, asked: Request) -> bool:
        self.heard.append(asked)
        if asked.head.startswith(b"GET /v1/models "):
            listed = b'{"data":[{"id":"gpt-oss:120b-cloud"},{"id":"deepseek-r1:8b"}]}'
            await asked.reply(head("200 OK", length=len(listed)), listed)
            return True
        if (reply := shown("ollama", asked)) is not None:
            await asked.reply(reply)
            return True
        assert asked.head.startswith(b"POST /api/chat ")
        await asked.reply(head(self.status, self.kind), in_chunk(self.said), in_chunk(b""))
        return True


@pytest.fixture
async def ollama() -> AsyncIterator[Ollama]:
    server = Ollama()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    found = Transport()
    yield found
    found.close()


def backend(transport: Transport, server: Ollama, boundary: Boundary = Boundary.DEVICE) -> HttpBackend:
    place = Endpoint(
        name="ollama", boundary=boundary, accepts=DEFAULT_ACCEPTS[boundary], host="127.0.0.1", port=server.port
    )
    return HttpBackend(transport, place, OLLAMA, (), watcher=transport)


async def told(
    one: HttpBackend, model: str = "deepseek-r1:8b", data_class: DataClass = DataClass.PUBLIC
) -> list[Event]:
    answering = await one.open(request(), model, data_class)
    try:
        events: list[Event] = []
        while frames := await answering.read():
            events += [event for frame in frames for event in frame.events]
        return events
    finally:
        answering.close()


@each_recording
async def test_over_a_socket_it_means_the_same(ollama: Ollama, transport: Transport, name: str) -> None:
    ollama.said = body_of(name)
    assert await told(backend(transport, ollama), data_class=DataClass.PRIVATE) == MEANT[name]
    body = orjson.loads(ollama.heard[-1].body)
    assert (body["model"], body["think"], body["truncate"]) == ("deepseek-r1:8b:local", "high", False)


async def test_a_server_that_answers_whole_is_understood(ollama: Ollama, transport: Transport) -> None:
    ollama.kind = "application/json; charset=utf-8"
    ollama.said = body_of("length").splitlines()[-1].replace(b'"content":""', b'"content":"Once upon"')
    assert await told(backend(transport, ollama)) == MEANT["length"]


async def test_an_error_status_is_the_dialects_error(ollama: Ollama, transport: Transport) -> None:
    ollama.status, ollama.kind, ollama.said = "404 Not Found", "application/json", b'{"error":"model \'x\' not found"}'
    with pytest.raises(BackendRefused, match="OLL001"):
        await told(backend(transport, ollama))


async def test_an_error_line_with_status_200_is_broken(ollama: Ollama, transport: Transport) -> None:
    ollama.said = b'{"error":"llama runner process has terminated"}\n'
    with pytest.raises(BrokenContract):
        await told(backend(transport, ollama))


@pytest.mark.parametrize("model", ["gpt-oss:120b-cloud", "deepseek-v4-flash:cloud", "mine:CLOUD"])
async def test_at_home_no_byte_is_sent_for_a_cloud_model(ollama: Ollama, transport: Transport, model: str) -> None:
    with pytest.raises(NotSupported, match="OLL001"):
        await told(backend(transport, ollama), model)
    assert ollama.heard == []


async def test_outside_a_cloud_model_takes_what_is_public_and_nothing_else(
    ollama: Ollama, transport: Transport
) -> None:
    ollama.said = body_of("nonthinking")
    outside = backend(transport, ollama, Boundary.EXTERNAL)
    assert await told(outside, "gpt-oss:120b-cloud")
    assert orjson.loads(ollama.heard[-1].body)["model"] == "gpt-oss:120b-cloud"
    with pytest.raises(GatewayError, match="private request must not reach"):
        await told(outside, data_class=DataClass.PRIVATE)
    assert len(ollama.heard) == 1


@pytest.mark.parametrize(
    ("boundary", "models"),
    [
        (Boundary.DEVICE, ("deepseek-r1:8b",)),
        (Boundary.EXTERNAL, ("gpt-oss:120b-cloud", "deepseek-r1:8b")),
    ],
)
async def test_at_home_cloud_models_are_not_listed(
    ollama: Ollama, transport: Transport, boundary: Boundary, models: tuple[str, ...]
) -> None:
    one = backend(transport, ollama, boundary)
    await one.refresh()
    assert one.view.models == models


@pytest.fixture
async def app(ollama: Ollama, tmp_path: Path) -> AsyncIterator[App]:
    written = {
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "profiles": {"measure": False},
        "privacy": {"default_class": "private"},
        "backends": {"box": {"kind": "ollama", "base_url": f"http://127.0.0.1:{ollama.port}/v1"}},
    }
    async with App(parse_config(written), {}, tmp_path, None) as running:
        yield running


async def asked(app: App, path: str, **fields: Any) -> Reply:
    messages = [{"role": "user", "content": "canary"}]
    return await call(app.asgi, "POST", path, orjson.dumps({"messages": messages, **fields}))


@pytest.mark.parametrize("model", ["box", "local", "box/deepseek-r1:8b"])
async def test_through_the_gateway_it_is_the_contract(app: App, ollama: Ollama, model: str) -> None:
    ollama.said = body_of("tools")
    reply = await asked(app, "/chat/completions", model=model)
    assert (reply.status, reply.headers["x-tidegate-boundary"]) == (200, "device")
    assert {"OLL001", "OLL002", "OLL006"} <= set(reply.headers["x-tidegate-quirks"].replace(",", " ").split())
    answer = orjson.loads(reply.body)
    (choice,) = answer["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["reasoning_content"] == "I call both."
    assert [one["function"]["arguments"] for one in choice["message"]["tool_calls"]] == [
        '{"tz":"CET"}',
        '{"city":"Rome","days":3}',
    ]
    assert (answer["usage"]["total_tokens"], answer["usage"]["prompt_cache_hit_tokens"]) == (201, None)


async def test_through_the_gateway_it_streams_and_speaks_messages(app: App, ollama: Ollama) -> None:
    ollama.said = body_of("thinking")
    reply = await asked(app, "/chat/completions", model="box", stream=True)
    assert reply.body.endswith(b"data: [DONE]\n\n")
    assert b'"reasoning_content":" me think."' in reply.body
    reply = await asked(app, "/anthropic/v1/messages", model="box", max_tokens=64)
    assert [block["type"] for block in orjson.loads(reply.body)["content"]] == ["thinking", "text"]


@pytest.mark.parametrize("model", ["box/gpt-oss:120b-cloud", "box/deepseek-v4-flash:cloud", "box/x:Cloud"])
async def test_through_the_gateway_no_prompt_is_sent_for_a_cloud_model(app: App, ollama: Ollama, model: str) -> None:
    reply = await asked(app, "/chat/completions", model=model)
    assert reply.status in (400, 404)
    assert all(b"canary" not in heard.body for heard in ollama.heard)
