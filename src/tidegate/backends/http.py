"""Every backend that is reached over HTTP; a dialect makes it the hosted API, llama.cpp or something generic."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from tidegate.backends.attestation import Finding, Standing
from tidegate.backends.base import Answering, Endpoint, Holds, Room
from tidegate.backends.capacity import Capacity
from tidegate.backends.connection import Connection, read_whole
from tidegate.backends.profiles import Profiles
from tidegate.backends.told_wait import told_wait_s
from tidegate.backends.transport import Call, Transport
from tidegate.codecs.answers import load_answer
from tidegate.codecs.json_text import dump_fields
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView, Health
from tidegate.core.errors import (
    BackendFailed,
    BackendFailure,
    BackendLoading,
    BackendOverloaded,
    BackendRefused,
    BackendTimedOut,
    BackendUnreachable,
    BrokenContract,
    GatewayError,
    Unattested,
)
from tidegate.core.events import Frame
from tidegate.core.jsonvalue import as_list, as_object
from tidegate.core.requests import Request
from tidegate.dialects.base import Dialect
from tidegate.dialects.metadata import Question
from tidegate.dialects.readers import AnswerReader, StreamReader

_ERROR_BODY_LIMIT_BYTES = 64 * 1024
_MODEL_LIST_LIMIT_BYTES = 4 * 1024 * 1024
_LOST_AFTER = 3
"""Where nobody knocks, one failure of a request is no sign that the backend is away."""


class HttpAnswering:
    """Reads one answer off a connection and through a dialect's reader."""

    def __init__(self, connection: Connection, reader: StreamReader | AnswerReader, quirks: tuple[str, ...]) -> None:
        self._connection = connection
        self._reader = reader
        self._ended = False
        self._sent_quirks = quirks

    @property
    def quirks(self) -> list[str]:
        return [*self._sent_quirks, *self._reader.quirks]

    async def read(self) -> list[Frame]:
        while not self._ended:
            piece = await self._connection.read()
            if not piece:
                self._ended = True
                return self._reader.close()
            frames = self._reader.feed(piece)
            if frames:
                self._ended = frames[-1].passed.ended
                return frames
        return []

    def close(self) -> None:
        self._connection.release(ended=self._ended and not self._reader.cut_short)


async def open_answer(
    transport: Transport,
    endpoint: Endpoint,
    dialect: Dialect,
    request: Request,
    model: str,
    data_class: DataClass,
    first_byte_s: float | None = None,
    holds: Holds | None = None,
) -> Answering:
    """Encode, send, and hand back the answer on its way."""
    encoded = dialect.encode(request, model, at_home=endpoint.boundary is not Boundary.EXTERNAL)
    connection = await transport.send(
        Call(endpoint, data_class, encoded.path, encoded.body, encoded.streamed, model, first_byte_s, holds)
    )
    whole = await _agreed(connection, dialect)
    reader = dialect.reader(encoded, got_stream=encoded.streamed and not whole)
    return HttpAnswering(connection, reader, encoded.quirks)


async def _agreed(connection: Connection, dialect: Dialect) -> bool:
    """Whether it will be answered whole; an error status becomes the dialect's error."""
    ended = False
    try:
        if connection.status != 200:
            body = await read_whole(connection, _ERROR_BODY_LIMIT_BYTES)
            ended = True
            error = dialect.read_error(connection.status, body)
            if error.retry_after_s is None:
                error.retry_after_s = told_wait_s(connection.headers)
            raise error
        if b"content-encoding" in connection.headers:
            raise BrokenContract("the backend compressed its answer although it was not asked to")
    except BaseException:
        connection.release(ended=ended)
        raise
    return connection.headers.get(b"content-type", b"").lower().startswith(b"application/json")


class HttpBackend:
    """A backend at a fixed endpoint. With `models` given it believes them; otherwise it asks the server."""

    def __init__(
        self,
        transport: Transport,
        endpoint: Endpoint,
        dialect: Dialect,
        models: tuple[str, ...],
        *,
        watcher: Transport | None,
        standing: Standing = Standing(),  # noqa: B008 - frozen
        profiles: Profiles | None = None,
        capacity: Capacity | None = None,
    ) -> None:
        """`profiles` holds what is known of its models; by default what the dialect declares.

        `watcher` knocks for `refresh`, with time-outs of its own; None: this backend is not knocked on. The hosted API is
        not: it counts as up until a request says otherwise.
        """
        self._capacity = capacity or Capacity(endpoint.name, dialect, transport.limits)
        self._transport = transport
        self._endpoint = endpoint
        self._dialect = dialect
        self._models = models
        self._asks_models = not models
        self._watcher = watcher
        self.profiles = profiles or Profiles(dialect)
        self._standing = standing
        self._attestation = standing.attestation
        self._view: BackendView | None = None
        self._shown: Finding | None = None
        self._missed = 0
        """Requests in a row that did not reach it or got no answer in time."""
        self._see("unknown")

    @property
    def name(self) -> str:
        return self._endpoint.name

    @property
    def view(self) -> BackendView:
        assert self._view is not None
        return self._view

    @property
    def room(self) -> Room:
        return self._capacity.room

    def _see(self, health: Health) -> None:
        """Take a new view only when something changed: routing keeps its decisions while nothing does."""
        shown, place = self._attestation, self._place
        self._shown = shown.finding if shown is not None else None
        view = BackendView(
            place.name,
            place.boundary,
            place.accepts,
            health,
            self._models if shown is None else shown.at_home(self._models),
            serves_any=self._asks_models and not self._models,
            note=self._standing.told,
            unattested=self._standing.doubtful,
            declared=self.profiles.declared,
            profiles=self.profiles.known,
        )
        if view != self._view:
            self._view = view

    async def open(self, request: Request, model: str, data_class: DataClass, holds: Holds | None = None) -> Answering:
        if self._attestation is not None:
            self._attestation.admit(model, data_class)
        dialect, first_byte_s = self.profiles.dialect_for(model), self._capacity.first_byte_s(model)
        try:
            answering = await open_answer(
                self._transport, self._place, dialect, request, model, data_class, first_byte_s, holds
            )
        except BackendFailure as error:
            self._note(error)
            raise
        self._missed = 0
        if self.view.health != "up" or (self._attestation is not None and self._attestation.finding is not self._shown):
            self._see("up")
        return answering

    async def fetch(self, path: str) -> bytes:
        """GET something that holds no content, such as the balance; an error status becomes the dialect's error."""
        return await fetch(self._transport, self._place, path, self._dialect.read_error)

    @property
    def dialect(self) -> Dialect:
        return self._dialect

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, as configured or found."""
        return self._endpoint.host, self._endpoint.port

    def is_ready(self, model: str) -> bool:
        """Whether it can be asked without being loaded first."""
        return self._capacity.first_byte_s(model) is None

    async def ask(self, question: Question, model: str) -> bytes:
        """What the server answers to a question about itself; an error status is an error."""
        body = dump_fields(question.body(model)) if question.body is not None else b""
        return await fetch(self._transport, self._place, question.path, body=body)

    def learned(self) -> None:
        """More is known of its models: routing shall see it."""
        self._see(self.view.health)

    async def refresh(self) -> None:
        watcher = self._watcher
        if watcher is None:
            if self.view.health == "down":
                self._missed = 0
                self._see("unknown")  # nobody knocks, so after a while it gets another chance
            return
        try:
            models = await self._look(watcher)
        except BackendLoading:
            self._see("starting")
            return
        except (BackendRefused, BackendFailed, BackendOverloaded):
            self._see("up")  # it answers with an error status, so it is there, whatever it thinks of the question
            return
        except GatewayError:
            self._lose()
            return
        if self._asks_models:
            self._models = models
        await self._capacity.refresh(lambda path: fetch(watcher, self._place, path))
        self._missed = 0
        self._see("up")

    async def _look(self, watcher: Transport) -> tuple[str, ...]:
        """Who is there now, and which models it lists."""
        if self._attestation is not None:
            with suppress(Unattested):  # then it is looked at as what it now counts as
                return await list_models(watcher, self._attestation.anew(), self._dialect)
        return await list_models(watcher, self._place, self._dialect)

    def _note(self, error: BackendFailure) -> None:
        """What a request that failed says of its health. A server that is knocked on and refuses a connection is away, and
        the next look finds it again. A time-out, or one failure on the way to the hosted API, may be of that request
        only: the breaker counts those (RES002)."""
        if not isinstance(error, BackendUnreachable | BackendTimedOut):
            self._missed = 0
        match error:
            case Unattested():
                self._see("up")
            case BackendLoading():
                self._see("starting")
            case BackendUnreachable() | BackendTimedOut():
                self._missed += 1
                if self._attestation is not None:
                    self._attestation.forget()
                if self._missed >= _LOST_AFTER or (self._watcher is not None and isinstance(error, BackendUnreachable)):
                    self._see("down")
            case _:
                pass

    def _lose(self) -> None:
        """It is away, and whoever answers next may be another server."""
        if self._attestation is not None:
            self._attestation.forget()
        self._see("down")

    @property
    def _place(self) -> Endpoint:
        return self._endpoint if self._attestation is None else self._attestation.endpoint


async def list_models(transport: Transport, endpoint: Endpoint, dialect: Dialect) -> tuple[str, ...]:
    """Ids of the models that an endpoint lists and, at home, runs itself. Carries no content, so it travels as public."""
    body = await fetch(transport, endpoint, dialect.models_path, _refused_unless_loading(dialect))
    entries = as_list(load_answer(body).get("data"))
    if entries is None:
        raise BrokenContract("the backend's model list has no `data`")
    ids = [(as_object(entry) or {}).get("id") for entry in entries]
    at_home = endpoint.boundary is not Boundary.EXTERNAL
    return tuple(found for found in ids if isinstance(found, str) and not (at_home and not dialect.may_list(found)))


def _refused(status: int, _body: bytes) -> GatewayError:
    return BackendRefused(f"the backend answered HTTP {status}")


def _refused_unless_loading(dialect: Dialect) -> Callable[[int, bytes], GatewayError]:
    def read_error(status: int, body: bytes) -> GatewayError:
        told = dialect.read_error(status, body)
        return told if isinstance(told, BackendLoading) else _refused(status, body)

    return read_error


async def fetch(
    transport: Transport,
    endpoint: Endpoint,
    path: str,
    read_error: Callable[[int, bytes], GatewayError] = _refused,
    *,
    body: bytes = b"",
) -> bytes:
    """GET, or POST of a fixed text; never content. Any status but 200 is an error, `BackendRefused` if no dialect reads it."""
    connection = await transport.send(Call(endpoint, DataClass.PUBLIC, path, body, repeatable=True))
    ended = False
    try:
        answer = await read_whole(connection, _MODEL_LIST_LIMIT_BYTES)
        ended = True
        if connection.status != 200:
            raise read_error(connection.status, answer)
        return answer
    finally:
        connection.release(ended=ended)
