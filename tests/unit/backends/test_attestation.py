"""What a server has to show before it is told anything, and what it counts as when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest
from tests.support.fingerprints import OLLAMA_STATUS_OFF, SHOWN, shown, tags
from tests.support.samples import request
from tests.support.upstreams import Request, Upstream, head, whole_reply

from tidegate.backends.attestation import LOCALITY, Attestation, Standing, says
from tidegate.backends.base import Answering, Endpoint
from tidegate.backends.http import HttpBackend
from tidegate.backends.transport import Transport
from tidegate.catalog.runtimes import runtime_named
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import (
    BackendFailed,
    BackendOverloaded,
    BackendUnreachable,
    BoundaryBreach,
    GatewayError,
    NotSupported,
    Unattested,
)
from tidegate.dialects import dialect_named

PLACE = Endpoint(name="box", boundary=Boundary.DEVICE, accepts=DataClass.PRIVATE, host="127.0.0.1", port=1)
PROVING = ("llamacpp", "vllm", "sglang", "ollama", "lmstudio")
Answers = Mapping[str, bytes | int]


class Server:
    """Answers paths with a body, or with a status alone; 404 to the rest."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def get(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        said = self.answers.get(path, 404)
        return (said, b"{}") if isinstance(said, int) else (200, said)


def attestation(kind: str, *, by_word: bool = False, found: bool = False) -> Attestation:
    runtime = runtime_named(kind)
    assert runtime is not None
    return Attestation(runtime, PLACE, dialect_named(kind), by_word=by_word, found=found)


def standing(one: Attestation) -> tuple[Boundary, DataClass, bool]:
    return one.endpoint.boundary, one.endpoint.accepts, one.endpoint.greeting is not None


HOME = (Boundary.DEVICE, DataClass.PRIVATE, True)
OUTSIDE = (Boundary.EXTERNAL, DataClass.PUBLIC, False)


@pytest.mark.parametrize("kind", PROVING)
async def test_who_shows_all_its_fingerprints_stays_where_it_was_configured(kind: str) -> None:
    one = attestation(kind)
    assert standing(one) == HOME, "not asked yet: behind the greeting"
    await one.greet(Server(SHOWN[kind]).get, "m")
    assert (standing(one), one.refuted) == (HOME, False)
    one.forget()
    assert standing(one) == HOME
    assert one.note.startswith("has yet to show that it is ")
    assert attestation(kind, found=True).note == ""


@pytest.mark.parametrize("kind", PROVING)
@pytest.mark.parametrize("other", [*PROVING, "nothing"])
async def test_whoever_is_another_counts_as_external_and_hears_nothing(kind: str, other: str) -> None:
    if kind == other:
        return
    one = attestation(kind)
    with pytest.raises(Unattested, match=r"box.*counts as external.*LOC001; nothing was sent"):
        await one.greet(Server(SHOWN.get(other, {})).get, "m")
    assert (standing(one), one.refuted) == (OUTSIDE, True)
    assert "`base_url` and `kind`" in one.note


@pytest.mark.parametrize("kind", PROVING)
async def test_one_fingerprint_of_two_is_not_enough(kind: str) -> None:
    for missing in (fingerprint.path for fingerprint in attestation(kind)._runtime.fingerprints):
        one = attestation(kind)
        with pytest.raises(Unattested):
            await one.greet(Server({path: body for path, body in SHOWN[kind].items() if path != missing}).get, "m")


async def test_a_refused_key_names_the_option_for_it() -> None:
    one = attestation("vllm")
    with pytest.raises(Unattested, match="key_env"):
        await one.greet(Server({"/v1/models": 401}).get, "m")


@pytest.mark.parametrize(("status", "error"), [(503, BackendOverloaded), (500, BackendFailed), (429, GatewayError)])
async def test_a_server_that_loads_or_fails_has_shown_nothing_either_way(
    status: int, error: type[GatewayError]
) -> None:
    one = attestation("llamacpp")
    await one.greet(Server(SHOWN["llamacpp"]).get, "m")
    with pytest.raises(error):
        await one.greet(Server({"/props": status}).get, "m")
    assert (one.finding, standing(one)) == (None, HOME)


async def test_a_server_is_believed_again_once_it_shows_itself() -> None:
    one = attestation("llamacpp")
    with pytest.raises(Unattested):
        await one.greet(Server({}).get, "m")
    await one.greet(Server(SHOWN["llamacpp"]).get, "m")
    assert (standing(one), one.note) == (HOME, "")


async def test_each_look_is_at_a_place_to_which_no_connection_exists() -> None:
    one = attestation("llamacpp")
    assert one.anew() == one.endpoint
    assert one.anew() is not one.endpoint
    assert one.anew().greeting is not None


@pytest.mark.parametrize(
    ("status", "found", "home", "code"),
    [
        (OLLAMA_STATUS_OFF, False, True, ""),
        (OLLAMA_STATUS_OFF, True, True, ""),
        (SHOWN["ollama"]["/api/status"], False, True, "LOC004"),
        (SHOWN["ollama"]["/api/status"], True, False, "LOC007"),
        (404, False, False, "LOC005"),
        (b'{"cloud":{"disabled":"true"}}', False, False, "LOC005"),
        (b'{"cloud":null}', False, False, "LOC005"),
        (b"<html>", False, False, "LOC005"),
    ],
)
async def test_what_an_ollama_says_of_its_cloud(status: bytes | int, found: bool, home: bool, code: str) -> None:
    one = attestation("ollama", found=found)
    server = Server({**SHOWN["ollama"], "/api/status": status})
    if home:
        await one.greet(server.get, "m")
    else:
        with pytest.raises(Unattested, match=code):
            await one.greet(server.get, "m")
    assert standing(one) == (HOME if home else OUTSIDE)
    assert one.note.endswith(f"see {code}") if code else not one.note


async def test_a_model_that_is_run_elsewhere_is_not_offered_and_not_asked_by_any_spelling() -> None:
    one = attestation("ollama")
    server = Server({**SHOWN["ollama"], "/api/tags": tags("m:latest", remote=("away:latest",))})
    await one.greet(server.get, "m")
    assert one.at_home(("m:latest", "away:latest", "away:8b")) == ("m:latest", "away:8b")
    one.admit("m", DataClass.PRIVATE)
    for spelled in ("away", "away:latest", "AWAY", "library/away", "registry.ollama.ai/library/away", "away:local"):
        with pytest.raises(NotSupported, match="LOC006"):
            one.admit(spelled, DataClass.PUBLIC)
        with pytest.raises(NotSupported, match="LOC006"):
            await one.greet(server.get, spelled)


@pytest.mark.parametrize("listed", [404, b"{}", b'{"models":{}}', b'{"models":["m"]}', b"no"])
async def test_an_ollama_whose_models_cannot_be_told_apart_is_not_believed(listed: bytes | int) -> None:
    one = attestation("ollama")
    with pytest.raises(Unattested, match="/api/tags"):
        await one.greet(Server({**SHOWN["ollama"], "/api/tags": listed}).get, "m")


async def test_the_operators_word_is_said_and_does_not_replace_the_fingerprint() -> None:
    one = attestation("lmstudio", by_word=True)
    await one.greet(Server(SHOWN["lmstudio"]).get, "m")
    assert "stays_home" in one.note
    assert one.note.endswith("LOC003")
    with pytest.raises(Unattested, match="LOC001"):
        await one.greet(Server(SHOWN["vllm"]).get, "m")


async def test_what_was_seen_binds_a_decision_made_before() -> None:
    one = attestation("vllm")
    one.admit("m", DataClass.PRIVATE)  # nothing is known yet, so the greeting decides
    with pytest.raises(Unattested):
        await one.greet(Server({}).get, "m")
    for data_class in (DataClass.INTERNAL, DataClass.PRIVATE):
        with pytest.raises(Unattested, match="nothing was sent"):
            one.admit("m", data_class)
    one.admit("m", DataClass.PUBLIC)
    one.forget()
    assert standing(one) == HOME


@pytest.mark.parametrize(
    ("proof", "body", "said"),
    [
        ("true:a.b", b'{"a":{"b":true}}', True),
        ("true:a.b", b'{"a":{"b":false}}', False),
        ("true:a.b", b'{"a":{"b":1}}', None),
        ("true:a.b", b'{"a":{}}', None),
        ("true:a.b", b"[]", None),
        ("member:a", b"{}", False),
        ("member:a", b"x", None),
        ("text:a", b"bab", True),
    ],
)
def test_no_and_no_answer_are_told_apart(proof: str, body: bytes, said: bool | None) -> None:
    assert says(proof, body) is said


def test_each_rule_is_of_this_book() -> None:
    assert [rule.code for rule in LOCALITY] == [f"LOC00{number}" for number in range(1, 8)]


# Over sockets, as a part of a backend.

Serve = Callable[..., Awaitable[Upstream]]
PUBLIC = DataClass.PUBLIC


def endpoint(upstream: Upstream) -> Endpoint:
    return Endpoint(name="b", boundary=Boundary.DEVICE, accepts=DataClass.PRIVATE, host="127.0.0.1", port=upstream.port)


def sized(status: str, body: bytes) -> bytes:
    return head(status, length=len(body)) + body


async def told(answering: Answering) -> int:
    frames = 0
    while batch := await answering.read():
        frames += len(batch)
    answering.close()
    return frames


class Somebody:
    """Plays this runtime; `heard` are the bodies of the requests that reached it."""

    def __init__(self, kind: str | None) -> None:
        self.kind = kind
        self.heard: list[bytes] = []

    async def __call__(self, asked: Request) -> bool:
        reply = None if asked.body or self.kind is None else shown(self.kind, asked)
        if asked.body:
            self.heard.append(asked.body)
        await asked.reply(reply or (whole_reply(asked.body) if asked.body else sized("404 Not Found", b"{}")))
        return True


def attested(transport: Transport, upstream: Upstream, kind: str = "llamacpp") -> HttpBackend:
    runtime = runtime_named(kind)
    assert runtime is not None
    dialect, place = dialect_named(kind), endpoint(upstream)
    return HttpBackend(
        transport, place, dialect, ("m",), watcher=transport, standing=Standing(Attestation(runtime, place, dialect))
    )


async def test_it_is_asked_before_the_first_request_and_stays_where_it_stands(
    serve: Serve, transport: Transport
) -> None:
    one = attested(transport, await serve(somebody := Somebody("llamacpp")))
    assert one.view.boundary is Boundary.DEVICE
    assert await told(await one.open(request(), "m", DataClass.PRIVATE))
    assert len(somebody.heard) == 1
    assert (one.view.health, one.view.boundary, one.view.unattested) == ("up", Boundary.DEVICE, False)


@pytest.mark.parametrize("data_class", DataClass)
async def test_another_server_hears_nothing_and_the_backend_counts_as_external(
    serve: Serve, transport: Transport, data_class: DataClass
) -> None:
    one = attested(transport, await serve(somebody := Somebody("vllm")))
    with pytest.raises(Unattested, match="LOC001"):
        await one.open(request(), "m", data_class)
    assert somebody.heard == []
    view = one.view
    assert (view.boundary, view.accepts, view.unattested) == (Boundary.EXTERNAL, DataClass.PUBLIC, True)
    assert "LOC001" in view.note
    assert await told(await one.open(request(), "m", PUBLIC)), "now routing knows, and what is public may go there"
    with pytest.raises(Unattested):
        await one.open(request(), "m", DataClass.PRIVATE)
    assert len(somebody.heard) == 1


async def test_even_if_what_is_known_were_not_looked_at_the_transport_refuses(
    serve: Serve, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = attested(transport, await serve(somebody := Somebody("vllm")))
    await one.refresh()
    monkeypatch.setattr(Attestation, "admit", lambda self, model, data_class: None)
    with pytest.raises(BoundaryBreach):
        await one.open(request(), "m", DataClass.PRIVATE)
    assert somebody.heard == []


async def test_each_look_asks_anew_and_a_note_says_what_is_missing(serve: Serve, transport: Transport) -> None:
    one = attested(transport, await serve(somebody := Somebody("llamacpp")))
    for kind, boundary in (("llamacpp", Boundary.DEVICE), ("vllm", Boundary.EXTERNAL), ("llamacpp", Boundary.DEVICE)):
        somebody.kind = kind
        await one.refresh()
        assert (one.view.boundary, bool(one.view.note)) == (boundary, boundary is Boundary.EXTERNAL)


async def test_who_comes_back_is_asked_again(serve: Serve, transport: Transport) -> None:
    upstream = await serve(somebody := Somebody("llamacpp"))
    one = attested(transport, upstream)
    await told(await one.open(request(), "m", DataClass.PRIVATE))
    await upstream.stop()
    transport.close()
    with pytest.raises(BackendUnreachable):
        await one.open(request(), "m", DataClass.PRIVATE)
    assert (one.view.health, one.view.boundary) == ("down", Boundary.DEVICE)
    somebody.kind = None
    port, upstream._server = upstream.port, await asyncio.start_server(upstream._serve, "127.0.0.1", upstream.port)
    assert port == upstream.port
    with pytest.raises(Unattested):
        await one.open(request(), "m", DataClass.PRIVATE)
    assert len(somebody.heard) == 1


async def test_a_server_that_loads_is_up_and_nothing_is_held_against_it(serve: Serve, transport: Transport) -> None:
    one = attested(transport, await serve(lambda asked: loading(asked)))
    await one.refresh()
    assert (one.view.health, one.view.boundary) == ("up", Boundary.DEVICE)
    with pytest.raises(BackendOverloaded):
        await one.open(request(), "m", DataClass.PRIVATE)


async def loading(asked: Request) -> bool:
    assert not asked.body
    await asked.reply(sized("503 Service Unavailable", b'{"error":{"message":"Loading model"}}'))
    return True


async def test_what_an_ollama_passes_on_is_neither_offered_nor_asked(serve: Serve, transport: Transport) -> None:
    async def ollama(asked: Request) -> bool:
        assert not asked.body
        body = tags("m", remote=("away",)) if asked.head.startswith(b"GET /api/tags ") else None
        reply = shown("ollama", asked) if body is None else sized("200 OK", body)
        await asked.reply(reply or sized("404 Not Found", b"{}"))
        return True

    upstream = await serve(ollama)
    runtime = runtime_named("ollama")
    assert runtime is not None
    place, dialect = endpoint(upstream), dialect_named("ollama")
    shown_by = Attestation(runtime, place, dialect)
    one = HttpBackend(transport, place, dialect, ("m", "away"), watcher=transport, standing=Standing(shown_by))
    with pytest.raises(NotSupported, match="LOC006"):
        await one.open(request(), "away", DataClass.PRIVATE)
    await one.refresh()
    assert one.view.models == ("m",)
    assert "LOC004" in one.view.note
    with pytest.raises(NotSupported, match="LOC006"):
        await one.open(request(), "away", PUBLIC)
