"""The roles at the edge: an endpoint on the network, a backend that can answer, and an answer on its way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple, Protocol

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView
from tidegate.core.events import Frame
from tidegate.core.requests import Request

Get = Callable[[str], Awaitable[tuple[int, bytes]]]
"""Fetch a path without content over one certain connection: status and body."""
Greeting = Callable[[Get, str], Awaitable[None]]
"""Look who is at the other end before a request for this model goes there; raises if none may."""


class Room(NamedTuple):
    """How many requests a backend takes at once (None: nobody knows a number) and how many may wait for it here.

    `options` names what can be raised; `paced`: learn from its refusals how many it takes. `published` are the limits per
    model that its documentation gives."""

    backend: str
    slots: int | None = None
    queue: int = 64
    options: str = ""
    paced: bool = False
    published: tuple[tuple[str, int], ...] = ()


Holds = Callable[[bytes], bool]
"""Whether these outgoing bytes hold what may not leave: the last look at a masked request, before the socket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where bytes may be sent. `base_path` has no trailing slash; `key` is the bearer key or None.

    With a `greeting`, the transport holds it on each new connection before anything else is sent there.
    """

    name: str
    boundary: Boundary
    accepts: DataClass
    scheme: str = "http"
    host: str
    port: int
    base_path: str = ""
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    key: str | None = field(default=None, repr=False)
    greeting: Greeting | None = field(default=None, repr=False, compare=False)


class Answering(Protocol):
    """An answer on its way. Whoever opened it closes it, whatever happens; closing early stops the backend."""

    @property
    def quirks(self) -> Sequence[str]:
        """Codes applied so far; grows while the answer is read."""
        ...

    async def read(self) -> list[Frame]:
        """The next frames, as many as have arrived; [] after the proper end. Raises if the end was not proper."""
        ...

    def close(self) -> None: ...


class Backend(Protocol):
    """A place that can answer."""

    @property
    def name(self) -> str: ...

    @property
    def view(self) -> BackendView:
        """What routing may know of it, now."""
        ...

    @property
    def room(self) -> Room:
        """How many requests it takes at once, now."""
        ...

    async def open(self, request: Request, model: str, data_class: DataClass, holds: Holds | None = None) -> Answering:
        """Send the request; returns once the backend has agreed to answer. Whoever calls this has a place in its lane.

        With `holds`, nothing is sent if that says so of the bytes."""
        ...

    async def refresh(self) -> None:
        """Look whether it is up and what it serves. Never raises, never sends content."""
        ...
