"""The role of a simulated surface: one API's bytes to a request, and events to its bytes. Everything else is `session`'s.

To add one: a class with these members in a file of its own, and its paths in `application`.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from tidegate.asgi import Scope
from tidegate.catalog.contracts.contract import Contract
from tidegate.core.errors import GatewayError
from tidegate.core.events import Event, Finish
from tidegate.core.fold import Answer
from tidegate.core.requests import Request
from tidegate.core.usage import Usage

FINGERPRINT = "fp_tidegate_sim"


class Identity(NamedTuple):
    """What all chunks of one answer share. `model` is what the answer says, `created` unix seconds."""

    answer_id: str
    model: str
    created: int
    fingerprint: str = FINGERPRINT


class Encoder(Protocol):
    def encode(self, event: Event) -> bytes: ...


class Surface(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def last_words(self) -> bytes:
        """The bytes that end a stream properly; the fault `no_done` leaves them out."""
        ...

    def key(self, scope: Scope) -> str | None:
        """The key that was sent, None for none."""
        ...

    def decode(self, body: bytes, contract: Contract) -> Request:
        """The request if it has the contract's shape; errors quote what the hosted API quotes."""
        ...

    def check(self, request: Request, contract: Contract, *, beta: bool, passback: bool) -> None:
        """The contract's rules, once the model is known to exist. Raises a `ClientMistake` in the hosted words."""
        ...

    def check_finish(self, finish: Finish) -> None:
        """Raises a `GatewayError` for an end that the format has no word for."""
        ...

    def error_event(self, error: GatewayError) -> bytes:
        """What a stream says when it breaks off; nothing in formats where it just ends."""
        ...

    def encoder(self, request: Request, identity: Identity, prompt: Usage) -> Encoder:
        """`prompt` holds the counts that are known before the answer begins."""
        ...

    def whole(self, answer: Answer, request: Request, identity: Identity) -> bytes: ...
