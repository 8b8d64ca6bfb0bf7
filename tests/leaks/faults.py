"""What is broken inside the gateway while an example is played, so that the wall behind it must hold: a wall that is never
needed could be missing without anybody seeing it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import tidegate.pipeline.screening
from tidegate.core.findings import NOTHING_SEEN, Sight
from tidegate.core.requests import Request
from tidegate.privacy.detection import Detection
from tidegate.privacy.masking.mask import Masked

Break = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Fault:
    """`stops`: what the answer says where the wall behind it held, with status 500."""

    begin: Break
    stops: bytes = b"-"


def routing_errs() -> AbstractContextManager[Any]:
    """Routing offers everybody to every request."""
    return patch("tidegate.routing.decide.forbids", lambda view, data_class: None)


def detection_raises() -> AbstractContextManager[Any]:
    def fail(_self: object, texts: list[str]) -> None:
        raise RuntimeError("".join(texts))

    return patch("tidegate.privacy.patterns.scanner.Scanner.scan_all", fail)


def masking_forgets() -> AbstractContextManager[Any]:
    """What is to be masked is sent as it is."""
    right = tidegate.pipeline.screening.mask

    def wrong(request: Request, *more: Any) -> Masked:
        return Masked(request, right(request, *more).veil)

    return patch("tidegate.pipeline.screening.mask", wrong)


def second_look_is_blind() -> AbstractContextManager[Any]:
    """What is looked at after it was masked is taken to be clean."""
    mask, look = tidegate.pipeline.screening.mask, Detection.look
    done: set[int] = set()
    kept: list[Request] = []

    def remembering(request: Request, *more: Any) -> Masked:
        masked = mask(request, *more)
        kept.extend((request, masked.request))  # alive, so that no other request gets its number
        done.update((id(request), id(masked.request)))
        return masked

    async def blind(self: Detection, request: Request) -> Sight:
        return NOTHING_SEEN if id(request) in done else await look(self, request)

    both = ExitStack()
    both.enter_context(patch("tidegate.pipeline.screening.mask", remembering))
    both.enter_context(patch("tidegate.privacy.detection.Detection.look", blind))
    return both


def masking_and_second_look_err() -> AbstractContextManager[Any]:
    both = ExitStack()
    both.enter_context(masking_forgets())
    both.enter_context(second_look_is_blind())
    return both


FAULTS: dict[str, Fault] = {
    "": Fault(nullcontext),
    "routing": Fault(routing_errs, b"must not reach backend"),
    "detection": Fault(detection_raises),
    "masking": Fault(masking_forgets, b"stopped before it was sent"),
    "masking, second look": Fault(masking_and_second_look_err, b"still held a value"),
}
TRAPPED = b"its host resolves to an address outside"
EVERY = 6
"""One example in so many has a fault."""
