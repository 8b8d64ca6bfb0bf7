"""One request answered, on the chat surface: shapes, headers, classes, and what a client reads of a failure."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.asgi import Reply, call
from tests.support.samples import request_body

from tidegate.backends.fake import FakeBackend
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView
from tidegate.core.errors import BackendTimedOut, BackendUnreachable, BrokenContract, GatewayError, RateLimited
from tidegate.core.events import End, Event, Finish, Frame, Milestones, Start, Text, UsageReport
from tidegate.core.usage import Usage
from tidegate.routing.policy import Alias, Policy
from tidegate.surfaces.auth import Client

Build = Callable[..., Any]
CANARY = "canary-9c1 the patient said"
ID = "00000000-0000-0000-0000-000000000000"


def fake(*steps: Event | GatewayError, name: str = "home", **more: Any) -> FakeBackend:
    return FakeBackend(name, script=lambda _request: steps, **more) if steps else FakeBackend(name, **more)


def cloud(**more: Any) -> FakeBackend:
    return fake(name="cloud", boundary=Boundary.EXTERNAL, accepts=DataClass.PUBLIC, models=("deepseek-flash",), **more)


async def chat(
    front: Any, headers: dict[str, str] | None = None, path: str = "/chat/completions", **fields: Any
) -> Reply:
    return await call(front, "POST", path, request_body(**fields), headers)


def events_of(reply: Reply) -> list[Any]:
    """The JSON of each event of a stream; the end stands as None."""
    assert reply.body.endswith(b"\n\n")
    blocks = reply.body.decode().removesuffix("\n\n").split("\n\n")
    assert all(block.startswith("data: ") for block in blocks)
    return [None if block == "data: [DONE]" else json.loads(block[6:]) for block in blocks]


def error_of(reply: Reply) -> dict[str, Any]:
    envelope = json.loads(reply.body)
    assert list(envelope["error"]) == ["message", "type", "param", "code"]
    return envelope["error"]


@pytest.mark.parametrize("path", ["/chat/completions", "/v1/chat/completions"])
async def test_an_unstreamed_answer_is_one_object(front: Build, path: str) -> None:
    reply = await chat(front(fake()), path=path)
    answer = json.loads(reply.body)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert int(reply.headers["content-length"]) == len(reply.body)
    assert (answer["id"], answer["object"], answer["created"]) == (ID, "chat.completion", 1_700_000_000)
    assert (answer["model"], answer["system_fingerprint"]) == ("fake", "fp_tidegate")
    message = answer["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == (
        "This is the scripted fake backend.",
        "No thought needed.",
    )
    assert answer["usage"]["prompt_cache_miss_tokens"] == 1
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] == 3


async def test_a_streamed_answer_is_events_of_one_identity_with_its_end(front: Build) -> None:
    reply = await chat(front(fake()), stream=True)
    *chunks, done = events_of(reply)
    assert (reply.status, done) == (200, None)
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (reply.headers["cache-control"], reply.headers["x-accel-buffering"]) == ("no-cache", "no")
    assert "content-length" not in reply.headers
    identity = {(chunk["id"], chunk["model"], chunk["created"], chunk["system_fingerprint"]) for chunk in chunks}
    assert identity == {(ID, "fake", 1_700_000_000, "fp_tidegate")}
    said = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
    assert said == "This is the scripted fake backend."
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"


@pytest.mark.parametrize("asked", [True, False])
async def test_usage_is_null_on_earlier_chunks_only_when_it_was_asked_for(front: Build, asked: bool) -> None:
    options = {"stream_options": {"include_usage": True}} if asked else {}
    *chunks, _ = events_of(await chat(front(fake()), stream=True, **options))
    with_usage = [chunk for chunk in chunks if chunk.get("usage")]
    assert with_usage == [chunks[-1]]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert all(("usage" in chunk) is asked for chunk in chunks[:-1])


async def test_the_headers_tell_the_decision(front: Build) -> None:
    for stream in (True, False):
        reply = await chat(front(fake()), stream=stream)
        told = {name: value for name, value in reply.headers.items() if name.startswith("x-tidegate-")}
        assert told == {
            "x-tidegate-exchange": "ex_" + "0" * 32,
            "x-tidegate-class": "public",
            "x-tidegate-rules": "CLS001,RTE003,RTE020",
            "x-tidegate-backend": "home",
            "x-tidegate-boundary": "device",
            "x-tidegate-quirks": "",
        }


@pytest.mark.parametrize("given", ["private", "PRIVATE", " Private ", "public, private", "private,internal"])
async def test_the_class_header_raises_the_class(front: Build, given: str) -> None:
    reply = await chat(front(outside := cloud(), fake()), {"x-tidegate-class": given})
    assert (reply.status, reply.headers["x-tidegate-class"], reply.headers["x-tidegate-backend"]) == (
        200,
        "private",
        "home",
    )
    assert outside.heard == []


async def test_the_class_header_never_lowers_a_class(front: Build) -> None:
    policy = Policy(aliases={"notes": Alias("notes", ("cloud", "home"), DataClass.PRIVATE)})
    reply = await chat(front(outside := cloud(), fake(), policy=policy), {"x-tidegate-class": "public"}, model="notes")
    assert (reply.headers["x-tidegate-class"], reply.headers["x-tidegate-backend"]) == ("private", "home")
    assert "CLS005" in reply.headers["x-tidegate-rules"]
    assert outside.heard == []


@pytest.mark.parametrize("given", ["secret", "", "privat", "private;", "public private", "3"])
async def test_a_class_that_does_not_exist_is_refused(front: Build, given: str) -> None:
    reply = await chat(front(backend := fake()), {"x-tidegate-class": given})
    assert (reply.status, error_of(reply)["type"]) == (400, "invalid_request_error")
    assert "one of public, internal, private" in error_of(reply)["message"]
    assert backend.heard == []


async def test_a_private_request_with_only_external_backends_is_a_403_that_sends_nothing(front: Build) -> None:
    reply = await chat(front(outside := cloud()), {"x-tidegate-class": "private"})
    assert (reply.status, reply.headers["x-tidegate-class"]) == (403, "private")
    assert "cloud: RTE010" in error_of(reply)["message"]
    assert "x-tidegate-backend" not in reply.headers
    assert outside.heard == []


async def test_the_clients_class_and_name_are_taken_from_its_key(front: Build) -> None:
    made = front(cloud(), fake(), clients={"sk-1": Client("clinic", DataClass.PRIVATE)})
    reply = await chat(made, {"authorization": "Bearer sk-1"})
    assert (reply.headers["x-tidegate-backend"], reply.headers["x-tidegate-class"]) == ("home", "private")
    assert made.ledger.find(reply.headers["x-tidegate-exchange"]).client == "clinic"


async def test_without_a_key_nothing_is_read_and_the_try_is_booked(front: Build) -> None:
    made = front(backend := fake(), clients={"sk-1": Client("clinic")})
    reply = await chat(made)
    assert (reply.status, error_of(reply)["type"]) == (401, "authentication_error")
    entry = made.ledger.find(reply.headers["x-tidegate-exchange"])
    assert (entry.status, entry.error, entry.request_bytes, backend.heard) == (401, "AuthenticationFailed", 0, [])


async def test_what_is_booked_of_a_body_is_its_length_and_a_keyed_hash(front: Build) -> None:
    made, body = front(fake()), request_body(messages=[{"role": "user", "content": CANARY}])
    first, again = [await call(made, "POST", "/chat/completions", body) for _ in range(2)]
    entries = [made.ledger.find(reply.headers["x-tidegate-exchange"]) for reply in (first, again)]
    assert entries[0].request_bytes == len(body)
    assert entries[0].request_hash == entries[1].request_hash != ""
    assert CANARY not in repr(entries)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("failure", [RateLimited("slow"), BackendUnreachable("gone"), BackendTimedOut("late")])
async def test_a_failure_before_the_first_frame_is_a_status(front: Build, failure: GatewayError, stream: bool) -> None:
    reply = await chat(front(fake(failure)), stream=stream)
    assert (reply.status, error_of(reply)["message"]) == (failure.status, failure.message)
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-tidegate-backend"] == "home"


async def test_a_failure_after_the_first_frame_is_an_event_inside_the_stream(front: Build) -> None:
    made = front(fake(Start(model="m"), Text("half"), BrokenContract("cut off")))
    reply = await chat(made, stream=True)
    *chunks, last = events_of(reply)
    assert reply.status == 200
    assert [chunk["choices"][0]["delta"].get("content") for chunk in chunks][-1] == "half"
    assert last["error"]["message"] == "cut off"
    assert b"[DONE]" not in reply.body
    assert made.ledger.find(reply.headers["x-tidegate-exchange"]).status == 502


async def test_the_same_failure_is_a_plain_error_when_nothing_was_streamed(front: Build) -> None:
    reply = await chat(front(fake(Start(model="m"), Text("half"), BrokenContract("cut off"))))
    assert (reply.status, error_of(reply)["message"]) == (502, "cut off")


async def test_usage_that_nobody_reported_is_null_and_not_zero(front: Build) -> None:
    reply = await chat(front(fake(Start(), Text("a"), Finish("stop"), End())))
    assert json.loads(reply.body)["usage"] is None
    *chunks, _ = events_of(await chat(front(fake(Start(), Text("a"), Finish("stop"), End())), stream=True))
    assert not any(chunk.get("usage") for chunk in chunks)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("late", [True, False])
async def test_a_crash_shows_nothing_of_the_inside(
    front: Build, caplog: pytest.LogCaptureFixture, stream: bool, late: bool
) -> None:
    class Crashing(FakeBackend):
        async def open(self, *arguments: Any) -> Any:
            if not late:
                raise KeyError(CANARY)
            answering = await super().open(*arguments)
            answering.script[2:] = [_Bomb()]
            return answering

    with caplog.at_level(logging.DEBUG):
        made = front(Crashing("home"))
        reply = await chat(made, stream=stream)
    shown = events_of(reply)[-1]["error"] if stream and late else error_of(reply)
    assert reply.status == (200 if stream and late else 500)
    assert (shown["type"], shown["message"].startswith("Tidegate failed internally")) == ("server_error", True)
    assert CANARY not in reply.body.decode() + caplog.text
    assert "unexpected KeyError" in caplog.text
    entry = made.ledger.find(reply.headers["x-tidegate-exchange"])
    assert (entry.status, entry.error) == (500, "KeyError")


class _Bomb:
    """A step that explodes when it is looked into."""

    def __getattribute__(self, name: str) -> Any:
        raise KeyError(CANARY)


async def test_wire_bytes_pass_untouched_when_the_backend_speaks_the_contract(front: Build) -> None:
    usage = UsageReport(Usage(prompt=1, output=1))
    passed = Milestones(Start(model="m"), Finish("stop"), usage, True)
    wire = b'{"odd":  "spacing", "choices":[]}'

    class Wired(FakeBackend):
        async def open(self, *_: Any) -> Any:
            class Whole:
                quirks = ()
                frames = [Frame(wire, tuple, passed)]  # noqa: RUF012

                async def read(self) -> list[Frame]:
                    return [self.frames.pop()] if self.frames else []

                def close(self) -> None:
                    pass

            return Whole()

    assert (await chat(front(Wired("home")))).body == wire
    assert (await chat(front(Wired("home")), stream=True)).body == wire


async def test_a_client_that_leaves_gets_nothing_and_is_booked(front: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.asgi._UNWATCHED_S", 0.0)

    class Silent(FakeBackend):
        async def open(self, *_: Any) -> Any:
            return await asyncio.get_running_loop().create_future()

    made, sent = front(Silent("home")), []
    messages = [{"type": "http.request", "body": request_body(), "more_body": False}, {"type": "http.disconnect"}]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    await made({"type": "http", "method": "POST", "path": "/chat/completions", "headers": headers}, receive, send)
    assert sent == []
    assert made.ledger.find("ex_" + "0" * 32).status == 499


@pytest.mark.parametrize("path", ["/models", "/v1/models"])
async def test_models_lists_names_then_addresses_with_their_owners(front: Build, path: str) -> None:
    embedded = fake(name="embedded", models=("demo",))
    embedded._view = BackendView(
        "embedded", Boundary.DEVICE, DataClass.PRIVATE, "up", ("demo",), note="embedded demo model, not DeepSeek"
    )
    policy = Policy(aliases={"notes": Alias("notes", ("home",))})
    reply = await call(front(fake(models=("m", "org/n")), cloud(), embedded, policy=policy), "GET", path)
    listed = json.loads(reply.body)
    assert (reply.status, listed["object"]) == (200, "list")
    assert [(entry["id"], entry["owned_by"]) for entry in listed["data"]] == [
        ("auto", "tidegate"),
        ("local", "tidegate"),
        ("notes", "tidegate"),
        ("m", "home"),
        ("org/n", "home"),
        ("deepseek-flash", "cloud"),
        ("demo", "embedded"),
        ("home/m", "home"),
        ("home/org/n", "home"),
        ("cloud/deepseek-flash", "cloud"),
        ("embedded/demo", "embedded"),
    ]
    noted = {entry["id"]: entry["note"] for entry in listed["data"] if "note" in entry}
    assert noted == dict.fromkeys(("demo", "embedded/demo"), "embedded demo model, not DeepSeek")
    assert all(entry["object"] == "model" for entry in listed["data"])


async def test_models_asks_for_a_key_too(front: Build) -> None:
    assert (await call(front(fake(), clients={"k": Client("c")}), "GET", "/models")).status == 401


BOTH = Policy(aliases={"both": Alias("both", ("cloud", "home"), each=True)})


@pytest.mark.parametrize("stream", [False, True])
async def test_an_alias_whose_targets_all_answer(front: Build, stream: bool) -> None:
    made = front(cloud(), fake(), policy=BOTH)
    reply = await chat(made, model="both", stream=stream)
    assert (reply.status, "RTE055" in reply.headers["x-tidegate-rules"]) == (200, True)
    assert "x-tidegate-backend" not in reply.headers
    if stream:
        *chunks, end = events_of(reply)
        text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
        assert end is None
        usage = chunks[-1]["usage"]
    else:
        answer = json.loads(reply.body)
        text, usage = answer["choices"][0]["message"]["content"], answer["usage"]
    said = "This is the scripted fake backend."
    assert text == f"### cloud/deepseek-flash\n\n{said}\n\n### home/fake\n\n{said}"
    assert usage["completion_tokens"] == 18
    refused = await chat(
        made, model="both", stream=stream, n=1, tools=[{"type": "function", "function": {"name": "f"}}]
    )
    assert (refused.status, "`tools`" in error_of(refused)["message"]) == (400, True)


async def test_the_messages_surface_has_all_answers_too(front: Build) -> None:
    body = request_body(model="both", max_tokens=9, stream=True)
    reply = await call(front(cloud(), fake(), policy=BOTH), "POST", "/anthropic/v1/messages", body)
    datas = [json.loads(line[6:]) for line in reply.body.decode().splitlines() if line.startswith("data: ")]
    text = "".join(data["delta"].get("text", "") for data in datas if data["type"] == "content_block_delta")
    assert text.count("### ") == 2
    assert datas[-1]["type"] == "message_stop"
