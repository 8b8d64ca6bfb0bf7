"""What is broken inside the gateway while an example is played, so that the wall behind it must hold: a wall that is never
needed could be missing without anybody seeing it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from unittest.mock import patch

Break = Callable[[], AbstractContextManager[Any]]


def routing_errs() -> AbstractContextManager[Any]:
    """Routing offers everybody to every request."""
    return patch("tidegate.routing.decide.forbids", lambda view, data_class: None)


FAULTS: dict[str, Break] = {"": nullcontext, "routing": routing_errs}
"""By name; all but the first make status 500 the right answer to what must not leave."""
EVERY = 12
"""One example in so many has a fault."""
