"""What a simulator has seen: the last requests, for tests and for the terminal, within bounds of number and bytes.

Bodies are kept as they came and parsed only to be shown; of what was produced only the newest answers' tokens stay.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import uuid4

import orjson
from msgspec import to_builtins

Outcome = Literal["open", "answered", "refused", "left", "broken"]
KEPT_REQUESTS = 1000
KEPT_BODY_BYTES = 32 * 1024 * 1024
_KEPT_OUTPUTS = 4
_UNSHOWN = ("body", "output_ids")


@dataclass(slots=True, kw_only=True)
class Seen:
    """One request as tests and the terminal see it. `cost` is in the account's currency, None where nothing was made.

    `body` is None where the key was not accepted, and again when newer bodies took its place.
    """

    request_id: str
    method: str
    path: str
    arrived: datetime
    account: str | None = None
    body: bytes | None = None
    body_bytes: int | None = None
    model: str | None = None
    faults: list[str] = field(default_factory=list[str])
    outcome: Outcome = "open"
    status: int | None = None
    finish: str | None = None
    usage: dict[str, int | None] | None = None
    cost: Decimal | None = None
    output_ids: Sequence[int] = field(default=(), repr=False)


class SeenRequests:
    """The newest requests, oldest first."""

    def __init__(self, most_body_bytes: int = KEPT_BODY_BYTES) -> None:
        self._seen: deque[Seen] = deque(maxlen=KEPT_REQUESTS)
        self._most_body_bytes = most_body_bytes
        self._bodies: deque[Seen] = deque(maxlen=KEPT_REQUESTS)
        self._body_bytes = 0
        self._outputs: deque[Seen] = deque()

    def __len__(self) -> int:
        return len(self._seen)

    def __iter__(self) -> Iterator[Seen]:
        return iter(self._seen)

    def __getitem__(self, place: int) -> Seen:
        return self._seen[place]

    def note(self, method: str, path: str, arrived: datetime) -> Seen:
        found = Seen(request_id=str(uuid4()), method=method, path=path, arrived=arrived)
        self._seen.append(found)
        return found

    def newest(self, most: int) -> list[Seen]:
        return list(self._seen)[-most:]

    def clear(self) -> None:
        """Also what an open request would still add a body to is forgotten."""
        self._seen.clear()
        self._bodies.clear()
        self._body_bytes = 0
        self._outputs.clear()

    def keep_body(self, seen: Seen, body: bytes) -> None:
        """The oldest bodies make room; one that is larger than all room is only measured."""
        seen.body_bytes = len(body)
        if len(body) > self._most_body_bytes:
            return
        if len(self._bodies) == KEPT_REQUESTS:
            self._drop_oldest_body()
        seen.body = body
        self._bodies.append(seen)
        self._body_bytes += len(body)
        while self._body_bytes > self._most_body_bytes:
            self._drop_oldest_body()

    def keep_output(self, seen: Seen, output_ids: Sequence[int]) -> None:
        seen.output_ids = array("I", output_ids)
        self._outputs.append(seen)
        if len(self._outputs) > _KEPT_OUTPUTS:
            self._outputs.popleft().output_ids = ()

    def _drop_oldest_body(self) -> None:
        oldest = self._bodies.popleft()
        self._body_bytes -= len(oldest.body or b"")
        oldest.body = None


def seen_view(seen: Seen) -> dict[str, Any]:
    """As `GET /-/requests` shows it: the body as the JSON that it is, null where it is none."""
    shown = {name: to_builtins(getattr(seen, name)) for name in Seen.__slots__ if name not in _UNSHOWN}
    return shown | {"body": _shown(seen.body)}


def _shown(body: bytes | None) -> Any:
    """Copied, not parsed and written anew: orjson reads deeper nesting than it writes."""
    try:
        orjson.loads(body or b"")
    except orjson.JSONDecodeError:
        return None
    return orjson.Fragment(body or b"")
