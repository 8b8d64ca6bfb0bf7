"""Nothing at rest: a canary in every field, through every end that a request can have, is then written nowhere.

Looked for in what the process printed, in every file of its folders and in all that the admin API tells. The content of
public requests is kept here, sealed: what is at rest of it must not show it either.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
from collections.abc import Generator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest
from tests.support.bugs import BUGS, with_bugs
from tests.support.canaries import forms, traces
from tests.support.process import Running, tidegate, tidegate_up
from tests.support.upstreams import FAILURES, FailingLocal, RecordingCloud, served

CANARY = 'Kanarie "7Q9zX" 秘密 4711'
ASCII_CANARY = "kanarie-7Q9zX.4711"
KEY = "a phrase for this test only"
CONFIG = """
[probe]
enabled = false
[retry]
attempts = 1  # each fault is to be seen
[timeouts]
first_byte_s = 1.0
idle_s = 1.0
load_s = 1.0
keep_alive_s = 0.05
[[policy]]
name = "everything"
found = ["any"]
action = "allow"
[capture]
key_env = "CONTENT_KEY"
classes = ["public", "internal"]
[backends.cloud]
kind = "generic"
boundary = "external"
base_url = "{cloud}"
models = ["m"]
accepts = "internal"
features = ["thinking_off"]
[backends.den]
kind = "generic"
stays_home = true
base_url = "{den}"
models = ["m"]
features = ["thinking_off"]
[backends.anything]
kind = "generic"
stays_home = true
base_url = "{den}"
"""


@dataclass
class World:
    gateway: Running
    folder: Path
    den: FailingLocal
    ids: list[str] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)

    def ask(
        self,
        body: bytes,
        path: str = "/chat/completions",
        headers: dict[str, str] | None = None,
        *,
        method: str = "POST",
    ) -> bytes:
        """The answer as far as it comes."""
        connection = HTTPConnection("127.0.0.1", self.gateway.port, timeout=60)
        sent = {"Content-Type": "application/json", "Authorization": "Bearer nobody", **(headers or {})}
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            self.statuses.add(response.status)
            if (found := response.headers["x-tidegate-exchange"]) is not None:
                self.ids.append(found)
            return response.read()
        except HTTPException as cut:
            return getattr(cut, "partial", b"")
        finally:
            connection.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, model_path: Path) -> Generator[World]:
    folder = tmp_path_factory.mktemp("nothing")
    (folder / "tmp").mkdir()
    cloud = RecordingCloud()
    den = FailingLocal(cloud)
    places = {"XDG_CACHE_HOME": str(folder / "cache"), "TMPDIR": str(folder / "tmp"), "CONTENT_KEY": KEY}
    with served(cloud), served(den):
        config = CONFIG.format(cloud=cloud.url, den=den.url)
        flags = ("--no-ask", "--model", str(model_path))
        with tidegate_up(folder, config, *flags, **places, **with_bugs(folder)) as gateway:
            yield World(gateway, folder, den)


def everywhere(canary: str) -> dict[str, Any]:
    """A chat request with the canary in every field that takes a text."""
    tool = {
        "name": "look_up",
        "description": canary,
        "parameters": {"type": "object", "properties": {"x": {"type": "string", "description": canary}}},
    }
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "look_up", "arguments": json.dumps({"x": canary})},
    }
    return {
        "model": "den",
        "messages": [
            {"role": "system", "content": canary, "name": "s"},
            {"role": "user", "content": f"please {canary}"},
            {"role": "assistant", "content": canary, "reasoning_content": canary, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": canary},
            {"role": "user", "content": [{"type": "text", "text": canary}]},
        ],
        "tools": [{"type": "function", "function": tool}],
        "stop": [canary],
        "metadata": {"note": canary},
        "fallbacks": [canary],
        "max_tokens": 5,
    }


def chat(model: str, text: str = CANARY, **changes: Any) -> bytes:
    return json.dumps(everywhere(text) | {"model": model} | changes).encode()


def succeed(world: World) -> None:
    for stream in (False, True):
        world.ask(chat("cloud", stream=stream))
        world.ask(chat("den", stream=stream), headers={"x-tidegate-class": "private"})
        fim = {"model": "den", "prompt": CANARY, "suffix": CANARY, "stream": stream, "user": CANARY}
        world.ask(json.dumps(fim).encode(), "/beta/completions")
        said = [{"role": "user", "content": CANARY}]
        message = {"model": "den", "system": CANARY, "messages": said, "max_tokens": 9, "stream": stream}
        world.ask(json.dumps(message).encode(), "/anthropic/v1/messages", {"x-api-key": CANARY.encode().hex()})
        world.ask(json.dumps({"model": "embedded", "messages": said, "stream": stream, "max_tokens": 2}).encode())


def be_refused(world: World) -> None:
    world.ask(chat("cloud"), headers={"x-tidegate-class": "private"})
    world.ask(chat(CANARY))
    world.ask(chat(f"den/{ASCII_CANARY}"))
    world.ask(chat(f"anything/{ASCII_CANARY}"))
    world.ask(chat(f"nowhere/{ASCII_CANARY}"))
    world.ask(b'{"model": "' + CANARY.encode())
    world.ask(chat("den", messages=CANARY))
    world.ask(chat("den", temperature=CANARY))
    world.ask(chat("den", messages=[{"role": CANARY, "content": CANARY}]))
    world.ask(chat("den", user_id=CANARY))
    world.ask(chat("den"), headers={"Content-Type": "text/" + ASCII_CANARY})
    world.ask(chat("den"), headers={"x-tidegate-class": ASCII_CANARY})
    world.ask(chat("den"), headers={"Authorization": "Bearer " + ASCII_CANARY, "Cookie": ASCII_CANARY})
    world.ask(b"", "/" + ASCII_CANARY, method="GET")
    world.ask(b"", "/-/exchanges/ex_" + ASCII_CANARY, method="GET")
    world.ask(b"", "/models/" + ASCII_CANARY, method="GET")
    world.ask(chat("den", CANARY + "x" * 17_000_000))
    with socket.create_connection(("127.0.0.1", world.gateway.port), timeout=60) as raw:
        raw.sendall(b"POST /chat " + ASCII_CANARY.encode() + b"\r\nnot HTTP: " + CANARY.encode() + b"\r\n\r\n")
        raw.recv(1000)


def fail(world: World) -> None:
    """Every failure of a backend, some of which repeat the prompt; then a crash of the engine."""
    for failure in FAILURES:
        world.den.failure = failure
        for stream in (False, True):
            world.ask(chat("den", stream=stream))
    world.den.failure = "none"
    story = [{"role": "user", "content": f"{CANARY} Tell me a long story."}]
    body = json.dumps({"model": "embedded", "messages": story, "stream": True, "max_tokens": 2000}).encode()
    connection = HTTPConnection("127.0.0.1", world.gateway.port, timeout=60)
    connection.request("POST", "/chat/completions", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    assert response.status == 200
    response.readline()
    os.kill(world.gateway.engine_pid(), signal.SIGSEGV)
    response.read()
    connection.close()


def leave(world: World) -> None:
    world.den.failure = "hangs"
    body = chat("den", stream=True)
    lines = ("POST /chat/completions HTTP/1.1", "Host: localhost", "Content-Type: application/json")
    head = "\r\n".join((*lines, f"Content-Length: {len(body)}", "", ""))
    for sent in (body, body[:200]):
        with socket.create_connection(("127.0.0.1", world.gateway.port), timeout=60) as raw:
            raw.sendall(head.encode() + sent)
            if sent is body:
                raw.recv(10)  # a keep-alive: it is being worked on
    world.den.failure = "none"


def meet_bugs(world: World) -> None:
    for bug in BUGS:
        for stream in (False, True):
            world.ask(chat("den", f"{CANARY} bug:{bug}", stream=stream))


def test_the_canary_is_written_nowhere(world: World) -> None:
    for step in (succeed, be_refused, fail, leave, meet_bugs):
        step(world)
    told = [world.gateway.get(path)[1] for path in ("/-/status", "/-/ready", "/-/health")]
    told += [world.gateway.get(f"/-/exchanges/{one}")[1] for one in world.ids]
    assert told[0]["content"]["written"] + told[0]["content"]["dropped"] > 0
    assert told[0]["content"]["refused"] == 0
    assert world.gateway.stop() == 0
    printed = world.gateway.output
    for bug in ("KeyError", "an unwatched task", "the event loop met", "a thread ended", "nobody could handle"):
        assert bug in printed, "the bugs were met, and told"
    assert {200, 400, 403, 404, 413, 415, 500, 502, 503} <= world.statuses
    files = [path for path in world.folder.rglob("*") if path.is_file() and path.parent.name != "bugs"]
    assert {"ledger.sqlite3", "ledger.salt", "tidegate.toml"} <= {path.name for path in files}
    places = {"printed": printed.encode(), "admin API": json.dumps(told).encode()}
    places |= {str(path.relative_to(world.folder)): path.read_bytes() for path in files}
    found = {
        (place, canary[:12]): forms
        for place, data in places.items()
        for canary in (CANARY, ASCII_CANARY, "7Q9zX")
        if (forms := traces(canary, data))
    }
    assert found == {}
    content_is_sealed_and_can_be_read(world, files)


def test_the_search_can_find(world: World) -> None:
    """Each form, somewhere inside other bytes, is found."""
    for name, form in forms(CANARY).items():
        assert name in traces(CANARY, b"before " + form + b" after")
    coded = (base64.b64encode(b"x" * shift + CANARY.encode() + b"yy") for shift in range(3))
    assert all(traces(CANARY, one) for one in coded)


def content_is_sealed_and_can_be_read(world: World, files: list[Path]) -> None:
    assert any(path.suffix == ".sealed" for path in files)
    config = ("--config", str(world.folder / "tidegate.toml"), "--url", "http://127.0.0.1:1")
    first, second = world.ids[:2]
    shown = tidegate(world.folder, "explain", first, "--content", *config, CONTENT_KEY=KEY)
    assert (shown.returncode, CANARY in shown.stdout) == (0, True), "the public exchange, for who has the key"
    shown = tidegate(world.folder, "explain", second, "--content", *config, CONTENT_KEY=KEY)
    assert (shown.returncode, "never private ones" in shown.stderr) == (1, True)
