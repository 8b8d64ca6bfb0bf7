"""What a surface speaks: how its requests are read and checked, and how an answer is written. No gateway, no socket.

A format joins one codec to the dated contract that requests are held to. Everything around it (who asks, headers,
streams, failures) is the same for all surfaces and stands in `answering`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

from tidegate.core.errors import GatewayError
from tidegate.core.events import Event, Resumed
from tidegate.core.fold import Answer
from tidegate.core.requests import Request


class Identity(NamedTuple):
    """What names an answer that we encode ourselves. `created` is unix seconds."""

    answer_id: str
    model: str
    created: int
    fingerprint: str


class Encoder(Protocol):
    """Events of one answer to the bytes of a stream."""

    def encode(self, event: Event) -> bytes: ...


class Format(Protocol):
    @property
    def surface(self) -> str:
        """Its name in the ledger."""
        ...

    @property
    def key_header(self) -> bytes | None:
        """A header that may hold the client's key, beside Authorization."""
        ...

    def read(self, body: bytes) -> Request:
        """The request, if the body has its shape."""
        ...

    def known_as(self, model: str, knows: Callable[[str], bool]) -> str:
        """The name to look up for a model that the client asked for; `knows` says whether the gateway has that name."""
        ...

    def check(self, request: Request) -> None:
        """Refuse what breaks a rule of the contract."""
        ...

    def encoder(self, request: Request, identity: Identity) -> Encoder: ...

    def resumed(self, request: Request, identity: Identity, resumed: Resumed) -> Encoder:
        """An encoder for the rest of an answer whose beginning went out as it came, and which has this identity."""
        ...

    def whole(self, answer: Answer, identity: Identity) -> bytes:
        """An unstreamed answer."""
        ...

    def broken_off(self, error: GatewayError) -> bytes:
        """The event that ends a stream which cannot be completed; SDKs raise on it."""
        ...


E = TypeVar("E", bound=Encoder)


def having_said(encoder: E, resumed: Resumed) -> E:
    """The encoder as if it had written what went out before."""
    for event in resumed.before:
        encoder.encode(event)
    return encoder
