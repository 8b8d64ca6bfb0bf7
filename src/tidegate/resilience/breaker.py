"""Breakers: a backend's model that fails again and again is left alone for a while, then tried by one request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tidegate.core.errors import BreakerOpen, GatewayError

State = Literal["closed", "open", "half_open"]
Key = tuple[str, str]


class BreakerView(NamedTuple):
    """`opened` is how often it has opened since the start; `again_in_s` is 0 unless it is open."""

    backend: str
    model: str
    state: State
    failures: int
    opened: int
    again_in_s: float


@dataclass(slots=True)
class _Breaker:
    failures: int = 0
    opened: int = 0
    pause_s: float = 0.0
    open_until_s: float | None = None
    trying: bool = False
    last_error: str = field(default="")


class Breakers:
    """`now_s` is monotonic."""

    def __init__(
        self, now_s: Callable[[], float], failures: int = 3, open_s: float = 10.0, longest_open_s: float = 120.0
    ) -> None:
        self._now_s = now_s
        self._failures = failures
        self._open_s = open_s
        self._longest_open_s = longest_open_s
        self._breakers: dict[Key, _Breaker] = {}

    def admit(self, backend: str, model: str, *, sole: bool) -> None:
        """Raises `BreakerOpen` while it is left alone. `sole`: no other candidate is left."""
        found = self._breakers.get((backend, model))
        if found is None or found.open_until_s is None:
            return
        left_s = found.open_until_s - self._now_s()
        if (left_s > 0 and not sole) or found.trying:
            raise BreakerOpen(
                f"backend {backend!r} failed {found.failures} times in a row and is left alone; try again later",
                retry_after_s=max(left_s, 1.0),
            )
        found.trying = True

    def note(self, backend: str, model: str, error: GatewayError | None) -> None:
        """How it went. Only what `trips` counts as a failure; None closes the breaker."""
        found = self._breakers.get((backend, model))
        if error is None:
            if found is not None and (found.failures or found.open_until_s is not None):
                found.failures, found.pause_s, found.open_until_s, found.trying = 0, 0.0, None, False
            return
        if not error.trips:
            if found is not None:
                found.trying = False
            return
        if found is None:
            found = self._breakers[backend, model] = _Breaker()
        found.failures += 1
        found.trying = False
        if found.failures >= self._failures:
            found.pause_s = min(found.pause_s * 2 or self._open_s, self._longest_open_s)
            found.open_until_s = self._now_s() + found.pause_s
            found.opened += 1

    def adjust(self, failures: int, open_s: float, longest_open_s: float) -> None:
        """Other limits from now on; what is open stays so for its time."""
        self._failures, self._open_s, self._longest_open_s = failures, open_s, longest_open_s

    def forget(self, backend: str) -> None:
        """It is gone, or another server is meant by its name now."""
        for key in [key for key in self._breakers if key[0] == backend]:
            del self._breakers[key]

    def view(self) -> list[BreakerView]:
        now_s = self._now_s()
        return [
            BreakerView(
                backend,
                model,
                "closed" if one.open_until_s is None else "half_open" if one.trying else "open",
                one.failures,
                one.opened,
                max(0.0, (one.open_until_s or now_s) - now_s),
            )
            for (backend, model), one in self._breakers.items()
        ]
