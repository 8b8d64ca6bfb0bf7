"""Finding runtimes: each is known by its own fingerprint and no other, and being here does not make it trusted."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from tests.support.samples import request
from tests.support.upstreams import Request, Upstream, head

from tidegate.backends.connection import Limits
from tidegate.backends.http import HttpBackend
from tidegate.backends.probe import WATCH_LIMITS, Probe, holds
from tidegate.backends.transport import Transport
from tidegate.catalog.runtimes import Runtime, runtimes
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import Unattested

Serve = Callable[..., Awaitable[Upstream]]
Answers = dict[str, bytes]

MODELS = b'{"object":"list","data":[{"id":"m","object":"model","owned_by":"library"}]}'
SAID: dict[str, Answers] = {
    "ollama": {"/api/version": b'{"version":"0.12.0"}', "/": b"Ollama is running", "/v1/models": MODELS},
    "lmstudio": {"/api/v0/models": b'{"data":[{"id":"m"}],"object":"list"}', "/v1/models": MODELS},
    "llamacpp": {"/props": b'{"default_generation_settings":{}}', "/v1/models": MODELS},
    "sglang": {"/model_info": b'{"model_path":"/m"}', "/v1/models": MODELS.replace(b"library", b"sglang")},
    "vllm": {"/version": b'{"version":"0.32.0"}', "/v1/models": MODELS.replace(b"library", b"vllm")},
    "transformers_serve": {
        "/health": b'{"status":"ok"}',
        "/openapi.json": b'{"paths":{"/v1/chat/completions":{"post":{"operationId":'
        b'"chat_completions_v1_chat_completions_post"}}}}',
    },
    "something else": {
        "/": b"<html>It works!</html>",
        "/api/version": b'{"version":"1"}',
        "/health": b'{"status":"ok"}',
        "/openapi.json": b'{"paths":{}}',
        "/v1/models": b'{"data":[]}',
    },
}
KINDS = tuple(runtime.kind for runtime in runtimes())


class Saying:
    """A server that knows these paths."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.heard: list[Request] = []

    async def __call__(self, request: Request) -> bool:
        self.heard.append(request)
        body = self.answers.get(request.head.split(b" ")[1].decode())
        await request.reply(
            head("404 Not Found" if body is None else "200 OK", length=len(body or b"")) + (body or b"")
        )
        return True


def everyone_at(port: int) -> tuple[Runtime, ...]:
    return tuple(replace(runtime, port=port) for runtime in runtimes())


async def found_at(transport: Transport, upstream: Upstream, *taken: int) -> list[HttpBackend]:
    return await Probe(transport, transport, everyone_at(upstream.port), frozenset(taken)).find()


@pytest.mark.parametrize("kind", SAID)
async def test_a_runtime_is_known_by_its_own_fingerprint_only(serve: Serve, transport: Transport, kind: str) -> None:
    found = await found_at(transport, await serve(Saying(SAID[kind])))
    assert [backend.name for backend in found] == ([kind] if kind in KINDS else [])


def test_every_known_runtime_is_tried_above() -> None:
    assert set(KINDS) == SAID.keys() - {"something else"}


@pytest.mark.parametrize("kind", KINDS)
async def test_only_an_attested_runtime_stands_on_this_device(serve: Serve, transport: Transport, kind: str) -> None:
    (backend,) = await found_at(transport, await serve(Saying(SAID[kind])))
    attested = kind not in ("ollama", "lmstudio", "transformers_serve")
    assert bool(backend.view.note) is not attested, "why it is not trusted must be said"
    assert (backend.view.boundary, backend.view.accepts) == (
        (Boundary.DEVICE, DataClass.PRIVATE) if attested else (Boundary.EXTERNAL, DataClass.PUBLIC)
    )


@pytest.mark.parametrize(
    ("status", "at_home"),
    [
        (b'{"cloud":{"disabled":true,"source":"env"}}', True),
        (b'{"cloud":{"disabled":false,"source":"none"}}', False),
        (b'{"cloud":{"disabled":"true"}}', False),
        (b'{"cloud":{"disabled":1}}', False),
        (b'{"cloud":null}', False),
        (b'{"cloud":[]}', False),
        (b"{}", False),
        (b"disabled", False),
        (None, False),
    ],
)
async def test_a_found_ollama_stands_on_this_device_only_if_it_says_that_its_cloud_is_off(
    serve: Serve, transport: Transport, status: bytes | None, at_home: bool
) -> None:
    said = {**SAID["ollama"], **({} if status is None else {"/api/status": status})}
    (backend,) = await found_at(transport, await serve(Saying(said)))
    assert (backend.view.boundary is Boundary.DEVICE, backend.view.accepts is DataClass.PRIVATE) == (at_home, at_home)
    assert bool(backend.view.note) is not at_home


@pytest.mark.parametrize("kind", ["llamacpp", "sglang", "vllm"])
async def test_what_was_found_is_asked_again_before_it_is_told_anything(
    serve: Serve, transport: Transport, kind: str
) -> None:
    saying = Saying(SAID[kind])
    (backend,) = await found_at(transport, await serve(saying))
    saying.answers = SAID["lmstudio"]
    with pytest.raises(Unattested, match="LOC001"):
        await backend.open(request(), "m", DataClass.PRIVATE)
    assert all(not heard.body for heard in saying.heard)
    assert backend.view.boundary is Boundary.EXTERNAL


@pytest.mark.parametrize("kind", ["lmstudio", "something else"])
async def test_a_status_of_ollamas_proves_nothing_of_another(serve: Serve, transport: Transport, kind: str) -> None:
    said = {**SAID[kind], "/api/status": b'{"cloud":{"disabled":true}}'}
    found = await found_at(transport, await serve(Saying(said)))
    assert all(backend.view.boundary is Boundary.EXTERNAL for backend in found)


async def test_what_was_found_can_be_asked_for_its_models(serve: Serve, transport: Transport) -> None:
    (backend,) = await found_at(transport, await serve(Saying(SAID["vllm"])))
    assert (backend.view.models, backend.view.health) == ((), "unknown")
    await backend.refresh()
    assert (backend.view.models, backend.view.health) == (("m",), "up")


@pytest.mark.parametrize("kind", SAID)
async def test_knocking_sends_nothing_but_gets_without_content_or_key(
    serve: Serve, transport: Transport, kind: str
) -> None:
    saying = Saying(SAID[kind])
    await found_at(transport, await serve(saying))
    assert saying.heard
    assert all(request.head.startswith(b"GET ") and not request.body for request in saying.heard)
    assert all(b"authorization" not in request.head.lower() for request in saying.heard)


async def test_a_port_that_a_configured_backend_uses_is_left_alone(serve: Serve, transport: Transport) -> None:
    saying = Saying(SAID["vllm"])
    upstream = await serve(saying)
    assert await found_at(transport, upstream, upstream.port) == []
    assert saying.heard == []


async def test_found_runtimes_stand_in_catalogue_order(serve: Serve, transport: Transport) -> None:
    ports = {kind: (await serve(Saying(SAID[kind]))).port for kind in reversed(KINDS)}
    runtimes_here = tuple(replace(runtime, port=ports[runtime.kind]) for runtime in runtimes())
    found = await Probe(transport, transport, runtimes_here, frozenset()).find()
    assert tuple(backend.name for backend in found) == KINDS


async def test_a_server_that_hangs_is_not_waited_for(serve: Serve, transport: Transport) -> None:
    async def hang(request: Request) -> bool:
        await request.peer_has_left()
        return False

    upstream = await serve(hang)
    impatient = Transport(Limits(connect_s=0.05, first_byte_s=0.05, idle_s=0.05))
    assert await Probe(transport, impatient, everyone_at(upstream.port), frozenset()).find() == []
    impatient.close()


def test_nobody_waits_longer_than_a_second_by_default() -> None:
    assert max(WATCH_LIMITS.connect_s, WATCH_LIMITS.first_byte_s, WATCH_LIMITS.idle_s) <= 1.0


async def test_where_nobody_listens_nothing_is_found(serve: Serve, transport: Transport) -> None:
    upstream = await serve(b"")
    await upstream.stop()
    assert await found_at(transport, upstream) == []
    await upstream.start()


@pytest.mark.parametrize(
    ("proof", "body", "held"),
    [
        ("text:Ollama is running", b"Ollama is running", True),
        ("text:Ollama is running", b"  Ollama is running\n", True),
        ("text:Ollama is running", b"ollama is running", False),
        ("text:a:b", b"xa:by", True),
        ("member:version", b'{"version":null}', True),
        ("member:version", b'{"versions":1}', False),
        ("member:version", b'["version"]', False),
        ("member:version", b"version", False),
        ("member:version", b"", False),
        ("owned_by:vllm", b'{"data":[{"owned_by":"vllm"},{"owned_by":"x"}]}', True),
        ("owned_by:vllm", b'{"data":[{"owned_by":"x"},{"owned_by":"vllm"}]}', False),
        ("owned_by:vllm", b'{"data":[]}', False),
        ("owned_by:vllm", b'{"data":["vllm"]}', False),
        ("owned_by:vllm", b'{"data":{"owned_by":"vllm"}}', False),
        ("owned_by:vllm", b"null", False),
        ("true:a.b", b'{"a":{"b":true}}', True),
        ("true:a.b", b'{"a":{"b":false}}', False),
        ("true:a.b", b'{"a":true}', False),
        ("true:a.b", b'{"b":true}', False),
        ("owned_by:vllm", b"\xff\xfe", False),
    ],
)
def test_a_proof_holds_or_not_and_never_raises_over_an_answer(proof: str, body: bytes, held: bool) -> None:
    assert holds(proof, body) is held


def test_a_proof_of_unknown_grammar_is_a_mistake_in_the_catalogue() -> None:
    with pytest.raises(ValueError, match="unknown fingerprint proof 'cookie'"):
        holds("cookie:x", json.dumps({}).encode())
