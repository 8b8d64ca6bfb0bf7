"""What a part that waits needs of an event loop: its time, and a call later. A role only; core knows no loop.

Parts take it as an argument, so that their tests turn the hands themselves instead of sleeping.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call that is still to come."""

    def cancel(self) -> None: ...


class Timers(Protocol):
    """An event loop's clock. `time` is monotonic and in seconds."""

    def time(self) -> float: ...

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer: ...
