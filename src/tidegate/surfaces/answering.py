"""One request answered, whatever format it came in: authenticate, read, ask the gateway, write. No policy, no wire format."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from tidegate.asgi import (
    JSON_TYPE,
    STREAM_HEADERS,
    ClientWatch,
    Header,
    Receive,
    Scope,
    Send,
    header,
    read_body,
    require_json,
    respond,
)
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import ClientLeft, ClientMistake, GatewayError
from tidegate.core.events import Frame, Resumed, Start
from tidegate.core.exchange import Exchange
from tidegate.core.fold import Folding
from tidegate.core.requests import Request
from tidegate.core.timers import Timers
from tidegate.ledger.entries import keyed_hash
from tidegate.pipeline.gateway import Gateway
from tidegate.routing.policy import Ask
from tidegate.surfaces.auth import Door, model_not_allowed
from tidegate.surfaces.errors import error_body, error_headers, log_unexpected, unexpected
from tidegate.surfaces.formats import Encoder, Format, Identity
from tidegate.surfaces.front import Drain
from tidegate.surfaces.keep_alive import KeepAlive

FINGERPRINT = "fp_tidegate"
KEEP_ALIVE_S = 10.0
# What the hosted API sends while a request waits (rate-limit reference, 2026-08-02), on every surface.
_STREAM_SIGN = b": keep-alive\n\n"
_WHOLE_SIGN = b"\n"
_WHOLE_HEADERS: list[Header] = [JSON_TYPE, (b"x-accel-buffering", b"no")]
_LONGEST_NAME = 200
_CLASSES = {each.value: each for each in DataClass}


class AnsweringSurface:
    """Serves one format: a handler for every path where it is offered."""

    def __init__(
        self,
        gateway: Gateway,
        door: Door,
        form: Format,
        *,
        body_limit_bytes: int,
        hash_key: bytes,
        keep_alive_s: float = KEEP_ALIVE_S,
        drain: Drain | None = None,
        timers: Callable[[], Timers] = asyncio.get_running_loop,
    ) -> None:
        self._gateway = gateway
        self._drain = drain or Drain()
        self._door = door
        self._form = form
        self._body_limit_bytes = body_limit_bytes
        self._hash_key = hash_key
        self._keep_alive_s = keep_alive_s
        """0: never."""
        self._timers = timers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = _Reply(send, self._form)
        try:
            with self._gateway.exchange(self._form.surface) as exchange:
                reply.exchange = exchange
                try:
                    await self._answer(exchange, reply, scope, receive)
                except GatewayError as error:
                    await reply.fail(error)
                    raise
                except asyncio.CancelledError:
                    cut = self._drain.cut_error()
                    if cut is None:
                        raise
                    await reply.fail(cut)
                    raise cut from None
        except GatewayError:
            pass
        except Exception as error:
            log_unexpected(error)
            await reply.fail(unexpected())
        finally:
            reply.close()

    async def _answer(self, exchange: Exchange, reply: _Reply, scope: Scope, receive: Receive) -> None:
        client = self._door.admit(scope, self._form.key_header)
        if client is not None:
            exchange.client, exchange.terms = client.name, client.terms
        exchange.wished_class = wished = _wished_class(scope)
        conversation = _conversation(scope)
        require_json(scope)
        body = await read_body(scope, receive, self._body_limit_bytes)
        exchange.request_bytes = len(body)
        exchange.request_hash = keyed_hash(body, self._hash_key)
        request = self._form.read(body)
        exchange.asked_model, exchange.streamed = request.model, request.stream
        reply.request = request
        model = self._form.known_as(request.model, self._gateway.knows)
        if client is not None and not client.may_ask(request.model, model):
            raise model_not_allowed()
        renamed_from = "" if model == request.model else request.model
        ask = Ask(model, client.data_class if client else None, wished, renamed_from)
        # Before the rules: the hosted API too says first that a model is unknown.
        decided = await self._gateway.decide(exchange, ask, request, conversation)
        reply.request = decided.request
        self._form.check(decided.request)

        def takes_longer() -> None:
            if self._keep_alive_s:
                reply.keep_alive(self._keep_alive_s, self._timers())

        with ClientWatch(receive, takes_longer, self._timers):
            async with aclosing(self._gateway.answer(exchange, decided)) as batches:
                async for frames in batches:
                    await reply.take(frames)
                await reply.finish()


def _conversation(scope: Scope) -> str | None:
    """What the client calls the conversation that this request belongs to."""
    name = header(scope, b"x-tidegate-conversation")
    if name is not None and not 0 < len(name) <= _LONGEST_NAME:
        raise ClientMistake(f"The header x-tidegate-conversation must have 1 to {_LONGEST_NAME} characters")
    return name


def _wished_class(scope: Scope) -> DataClass | None:
    """The highest class that any such header asks for: a proxy may have added a second one."""
    wished: DataClass | None = None
    for name, value in scope["headers"]:
        if name != b"x-tidegate-class":
            continue
        for word in value.decode("latin-1").split(","):
            one = _CLASSES.get(word.strip().lower())
            if one is None:
                raise ClientMistake("The header x-tidegate-class must be one of public, internal, private")
            wished = one if wished is None else wished.raised_to(one)
    return wished


class _Reply:
    """What goes back to the client: headers with the first frame, then bytes as they come or one folded answer.

    A keep-alive may send the headers before: then status 200 has gone out, and what is not known yet is not in them.
    """

    def __init__(self, send: Send, form: Format) -> None:
        self._send = send
        self._form = form
        self.exchange: Exchange | None = None
        self.request: Request | None = None
        self._started = False
        self._ended = False
        self._kept_alive: KeepAlive | None = None
        self._encoder: Encoder | None = None
        self._folding: Folding | None = None
        self._whole: bytes | None = None

    def keep_alive(self, interval_s: float, timers: Timers) -> None:
        """From now on the client is never left without a sign of life for longer than this."""
        self._kept_alive = KeepAlive(interval_s, self._give_sign, timers)

    def close(self) -> None:
        if self._kept_alive is not None:
            self._kept_alive.abandon()
            # It knows this reply: without a ring both go at once, and do not wait for the garbage collector.
            self._kept_alive = None

    async def take(self, frames: list[Frame]) -> None:
        assert self.request is not None
        if not self.request.stream:
            self._collect(frames)
            return
        data = b"".join([frame.wire if frame.wire is not None else self._encode(frame) for frame in frames])
        if self._kept_alive is not None and self._kept_alive.is_sending:
            await self._kept_alive.settled()
        if not self._started:
            await self._start()
        if data:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})
            if self._kept_alive is not None:
                self._kept_alive.heard()

    async def finish(self) -> None:
        body = b"" if self._streams else self._whole_body()
        if self._kept_alive is not None:
            await self._last_word(self._kept_alive)
        if self._started:
            self._ended = True
            await self._send({"type": "http.response.body", "body": body})
            return
        self._started = self._ended = True
        await respond(self._send, 200, body, exchange_headers(self.exchange))

    async def fail(self, error: GatewayError) -> None:
        """The error as an answer, or inside the answer if that has begun. A client that left gets nothing.

        A whole answer whose 200 has gone out is left without its end: a client must not take the error for an answer.
        """
        if isinstance(error, ClientLeft) or self._ended:
            return
        if self._kept_alive is not None:
            await self._last_word(self._kept_alive)
        if not self._started:
            headers = [*exchange_headers(self.exchange), *error_headers(error)]
            await respond(self._send, error.status, error_body(error), headers)
        elif self._streams:
            await self._send({"type": "http.response.body", "body": self._form.broken_off(error)})
        else:
            await self._send({"type": "http.response.body", "body": error_body(error), "more_body": True})

    async def _last_word(self, kept_alive: KeepAlive) -> None:
        """What is sent after this is the end."""
        kept_alive.stop()
        await kept_alive.settled()

    @property
    def _streams(self) -> bool:
        return self.request is not None and bool(self.request.stream)

    async def _start(self) -> None:
        self._started = True
        known = self.exchange is not None and self.exchange.first_frame_s is not None
        headers = [
            *(STREAM_HEADERS if self._streams else _WHOLE_HEADERS),
            *exchange_headers(self.exchange, answered=known),
        ]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def _give_sign(self) -> None:
        if not self._started:
            await self._start()
        sign = _stream_sign(self.exchange) if self._streams else _WHOLE_SIGN
        await self._send({"type": "http.response.body", "body": sign, "more_body": True})

    def _whole_body(self) -> bytes:
        if self._whole is not None:
            return self._whole
        assert self._folding is not None
        return self._form.whole(self._folding.answer(), self._identity())

    def _collect(self, frames: list[Frame]) -> None:
        if len(frames) == 1 and frames[0].wire is not None and self._folding is None:
            self._whole = frames[0].wire
            return
        self._folding = self._folding or Folding()
        for frame in frames:
            for event in frame.events:
                self._folding.add(event)

    def _encode(self, frame: Frame) -> bytes:
        if type(frame) is Resumed:
            return self._resume(frame)
        if self._encoder is None:
            assert self.request is not None
            self._encoder = self._form.encoder(self.request, self._identity())
        return b"".join([self._encoder.encode(event) for event in frame.events])

    def _resume(self, resumed: Resumed) -> bytes:
        """One answer goes on: what is encoded from here on has the name of what went out as it came. A comment says so."""
        if self._encoder is None:
            assert self.request is not None
            own, start = self._identity(), next((one for one in resumed.before if isinstance(one, Start)), Start())
            identity = Identity(
                answer_id=start.answer_id or own.answer_id,
                model=start.model or own.model,
                created=own.created if start.created is None else start.created,
                fingerprint=start.fingerprint or own.fingerprint,
            )
            self._encoder = self._form.resumed(self.request, identity, resumed)
        return b": tidegate: " + resumed.note.encode("ascii", "replace") + b"\n\n"

    def _identity(self) -> Identity:
        """One id, our own fingerprint, the model that answered."""
        exchange = self.exchange
        assert exchange is not None
        digits = exchange.exchange_id.removeprefix("ex_")
        return Identity(
            answer_id=f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}",
            model=exchange.model or exchange.asked_model,
            created=int(exchange.arrived_at),
            fingerprint=FINGERPRINT,
        )


def _stream_sign(exchange: Exchange | None) -> bytes:
    """While it waits for a turn, a comment says its place: no client reads comments, and a person who looks sees it."""
    if exchange is None or exchange.queue_place is None:
        return _STREAM_SIGN
    return b": keep-alive, %d before you, waiting %d s\n\n" % (exchange.queue_place(), exchange.elapsed_s())


def exchange_headers(exchange: Exchange | None, *, answered: bool = True) -> list[Header]:
    """Which exchange this was and why it went where it went. Quirks found later in a stream are in `/-/exchanges/ID`,
    and so is the backend where headers had to go out before one had answered."""
    if exchange is None:
        return []
    headers = [(b"x-tidegate-exchange", exchange.exchange_id.encode())]
    if exchange.data_class is not None:
        headers.append((b"x-tidegate-class", exchange.data_class.value.encode()))
        headers.append((b"x-tidegate-rules", ",".join(exchange.rules).encode()))
    if exchange.found:
        headers.append((b"x-tidegate-found", ",".join(exchange.found).encode()))
    if exchange.queued_s:
        headers.append((b"x-tidegate-queued-s", b"%.3f" % exchange.queued_s))
    if exchange.rewritten is not None:
        headers.append((b"x-tidegate-legacy", exchange.rewritten.encode()))
    if exchange.backend is not None and answered:
        boundary = exchange.boundary or Boundary.EXTERNAL
        headers.append((b"x-tidegate-backend", exchange.backend.encode()))
        headers.append((b"x-tidegate-boundary", boundary.value.encode()))
        headers.append((b"x-tidegate-quirks", ",".join(exchange.quirks).encode()))
        if exchange.sends and exchange.sends[-1].masked:
            headers.append((b"x-tidegate-masked", b"yes"))
    return headers
