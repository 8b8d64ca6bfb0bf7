"""The link between the steward and one worker: both ends ask, answer, take back what they asked, and tell.

Length and msgpack over whatever transport connects the two processes. An error of ours goes over as itself; of any other
only the class does, because its text may hold anything. When the link ends, all that is asked on it fails with `Draining`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar, cast

import msgspec
from msgspec import Struct

from tidegate.core.errors import Draining, GatewayError
from tidegate.steward.errors import Told, error_of, told

T = TypeVar("T")
Answers = Mapping[str, "Callable[[Link, int, Any], Awaitable[Any]]"]
"""By what is asked: gets the link, the number under which it was asked, and the value; gives the answer."""
Hears = Mapping[str, "Callable[[Link, Any], None]"]
"""By what is told."""

LOST = "The process that holds the limits is gone, so this one stops; ask again in a moment"
_log = logging.getLogger("tidegate.steward")
_LENGTH_BYTES = 4
_LONGEST_BYTES = 256 * 1024 * 1024
_ANSWER, _ERROR, _BACK = "=", "!", "<"


class _Slip(Struct, frozen=True, array_like=True, gc=False):
    """`number` joins a question, its answer and its taking back; 0: nobody answers."""

    number: int
    word: str
    value: Any = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Slip).decode


class Link(asyncio.Protocol):
    """One end. `on_back` hears that an answer which was given already is not wanted: its number."""

    def __init__(
        self,
        answers: Answers,
        hears: Hears,
        *,
        on_back: Callable[[Link, int], None] | None = None,
        on_end: Callable[[Link], None] | None = None,
    ) -> None:
        self._answers = dict(answers)
        self._hears = dict(hears)
        self._on_back = on_back
        self._on_end = on_end
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._number = 0
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self.ended = asyncio.Event()

    def learn(self, *parts: Answers, hears: Sequence[Hears] = ()) -> None:
        """More words that this end answers and hears."""
        for part in parts:
            self._answers.update(part)
        for heard in hears:
            self._hears.update(heard)

    async def ask(self, word: str, value: Any = None, kind: type[T] | Any = Any, *, number: int = 0) -> T:
        """The answer, as `kind`. Whoever gives up waiting takes the question back. `number`: one of `next_number`."""
        number = number or self.next_number()
        answered = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._send(number, word, value)
            return msgspec.convert(await answered, kind)
        except asyncio.CancelledError:
            with suppress(Draining):
                self._send(number, _BACK, None)
            raise
        finally:
            self._asked.pop(number, None)

    def next_number(self) -> int:
        """For a question after which the other side holds something for us: it is known by its number."""
        self._number += 1
        return self._number

    def tell(self, word: str, value: Any = None) -> None:
        """Nobody answers, and on a link that has ended nobody hears it."""
        with suppress(Draining):
            self._send(0, word, value)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.ended.set()
        for answered in self._asked.values():
            if not answered.done():
                answered.set_exception(Draining(LOST))
        for task in list(self._under_way.values()):
            task.cancel()
        if self._on_end is not None:
            self._on_end(self)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        at, end = 0, len(data)
        while end - at >= _LENGTH_BYTES:
            length = int.from_bytes(data[at : at + _LENGTH_BYTES])
            if length > _LONGEST_BYTES:
                self.close()
                return
            if end - at - _LENGTH_BYTES < length:
                break
            at += _LENGTH_BYTES
            try:
                slip = _decode(memoryview(data)[at : at + length])
            except msgspec.MsgspecError:
                self.close()
                return
            at += length
            self._take(slip)
        self._rest = data[at:]

    def _send(self, number: int, word: str, value: Any) -> None:
        if self._transport is None or self._transport.is_closing():
            raise Draining(LOST)
        body = _encode(_Slip(number, word, value))
        self._transport.write(len(body).to_bytes(_LENGTH_BYTES) + body)

    def _take(self, slip: _Slip) -> None:
        number, word = slip.number, slip.word
        if word in (_ANSWER, _ERROR):
            answered = self._asked.get(number)
            if answered is None or answered.done():
                return  # it was taken back; the other side has heard so, or will
            if word == _ANSWER:
                answered.set_result(slip.value)
            else:
                answered.set_exception(error_of(msgspec.convert(slip.value, Told)))
        elif word == _BACK:
            self._take_back(number)
        elif number == 0:
            self._hear(word, slip.value)
        else:
            task = asyncio.get_running_loop().create_task(self._answer(number, word, slip.value))
            self._under_way[number] = task
            # One that is cancelled before it began never comes to its own end.
            task.add_done_callback(lambda _task: self._under_way.pop(number, None))

    def _take_back(self, number: int) -> None:
        task = self._under_way.get(number)
        if task is not None:
            task.cancel()
        elif self._on_back is not None:
            self._on_back(self, number)

    def _hear(self, word: str, value: Any) -> None:
        hears = self._hears.get(word)
        if hears is None:
            return  # this end has not begun with it, and learns all of it when it does
        try:
            hears(self, value)
        except Exception as error:
            _log.error("between the processes, %s met %s", word, type(error).__name__)

    async def _answer(self, number: int, word: str, value: Any) -> None:
        try:
            answers = self._answers.get(word)
            if answers is None:
                raise GatewayError(f"nobody answers {word} here")
            reply, answer = _ANSWER, await answers(self, number, value)
        except GatewayError as error:
            reply, answer = _ERROR, told(error)
        except Exception as error:
            _log.error("between the processes, %s met %s", word, type(error).__name__)
            reply, answer = _ERROR, Told("GatewayError", f"{type(error).__name__} between the processes")
        finally:
            self._under_way.pop(number, None)
        with suppress(Draining):
            self._send(number, reply, answer)
