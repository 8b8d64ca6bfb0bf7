"""Breakers: a backend's model that fails again and again is left alone for a while, then tried by one request.

Asked by the guard before a call and told after it; knows no socket, and no clock but the one it is given. Only what
`trips` counts (`core/errors`): a mistake of the client, a full line or a wrong key says nothing of whether it works.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from tidegate.core.errors import BreakerOpen, GatewayError
from tidegate.resilience.rules import LAST_TRIED, LEFT_ALONE

State = Literal["closed", "open", "half_open"]
Moment = Literal["begin", "end"]
"""When something was noted: at the first frames or in their place, or after them."""
Key = tuple[str, str]
_MOST = 1000
"""Models named by clients are endless."""


class BreakerView(NamedTuple):
    """`failures` is how many there were in a row; `again_in_s` is 0 unless it is open. The last three count from the start:
    how often it has opened, how many requests were let through to try, how many were refused."""

    backend: str
    model: str
    state: State
    failures: int
    opened: int
    again_in_s: float
    probes: int = 0
    refused: int = 0


class Breakers(Protocol):
    """Which backends are left alone. In one process, or shared by several."""

    def check(self, backend: str, model: str, *, sole: bool) -> None:
        """Raises what `admit` would raise now, so that nobody waits in the line of a backend that is left alone."""
        ...

    def admit(self, backend: str, model: str, *, sole: bool) -> bool:
        """Whether this request tries it for all others: then `note` must be told so. Raises `BreakerOpen` while it is left
        alone. `sole`: nobody else is left to ask, so it is tried before its time, by one request at a time."""
        ...

    def note(
        self,
        backend: str,
        model: str,
        error: GatewayError | None,
        moment: Moment = "begin",
        *,
        probe: bool = False,
        asked: str = "",
    ) -> None:
        """How it went. None: it began to answer, or has answered to its end. `asked` tells equal requests apart."""
        ...

    def seen(self, backend: str) -> None:
        """It was away and has been found again: what was left alone there is tried by the next request."""
        ...

    def view(self) -> list[BreakerView]: ...


@dataclass(slots=True)
class _Breaker:
    streaks: dict[Moment, int] = field(default_factory=lambda: {"begin": 0, "end": 0})
    """Failures in a row. An answer that begins refutes those before it; one that ends refutes both kinds."""
    asked: str = ""
    opened: int = 0
    probes: int = 0
    refused: int = 0
    pause_s: float = 0.0
    open_until_s: float | None = None
    trying: bool = False
    early: bool = False
    """The request that tries it came before its time: if that fails too, the time stands."""

    @property
    def failures(self) -> int:
        return max(self.streaks.values())


class OwnBreakers:
    """Those of one process. `now_s` is monotonic."""

    def __init__(
        self, now_s: Callable[[], float], failures: int = 3, open_s: float = 10.0, longest_open_s: float = 120.0
    ) -> None:
        self._now_s = now_s
        self._failures = failures
        self._open_s = open_s
        self._longest_open_s = longest_open_s
        self._breakers: dict[Key, _Breaker] = {}
        """Only of those that have failed."""

    def check(self, backend: str, model: str, *, sole: bool) -> None:
        found = self._breakers.get((backend, model)) if self._breakers else None
        if found is None or found.open_until_s is None:
            return
        left_s = found.open_until_s - self._now_s()
        if found.trying or (left_s > 0 and not sole):
            found.refused += 1
            raise _refusal(backend, model, found, max(left_s, 1.0))

    def admit(self, backend: str, model: str, *, sole: bool) -> bool:
        if not self._breakers:
            return False
        self.check(backend, model, sole=sole)
        found = self._breakers.get((backend, model))
        if found is None or found.open_until_s is None:
            return False
        found.trying, found.early = True, found.open_until_s > self._now_s()
        found.probes += 1
        return True

    def note(
        self,
        backend: str,
        model: str,
        error: GatewayError | None,
        moment: Moment = "begin",
        *,
        probe: bool = False,
        asked: str = "",
    ) -> None:
        found = self._breakers.get((backend, model))
        if found is None and (error is None or not error.trips):
            return
        if found is None:
            found = self._new(backend, model)
        if probe:
            found.trying = False
        if error is None:
            self._went_well(found, moment, probe=probe)
        elif error.trips and not (error.by_request and asked and asked == found.asked and found.failures):
            found.asked = asked if error.by_request else ""
            self._failed(found, moment, probe=probe)

    def _went_well(self, found: _Breaker, moment: Moment, *, probe: bool) -> None:
        """Of an answer that began before it opened, the end says nothing of now."""
        if found.open_until_s is not None and not probe:
            return
        found.open_until_s = None
        found.streaks["begin"] = 0
        if moment == "end":
            found.streaks["end"] = 0
        if not found.failures:
            found.pause_s, found.asked = 0.0, ""

    def _failed(self, found: _Breaker, moment: Moment, *, probe: bool) -> None:
        found.streaks[moment] += 1
        is_open = found.open_until_s is not None
        if found.failures < self._failures or (is_open and (not probe or found.early)):
            return  # of one that is open only the request that tries it, and that in its time, says something new
        found.pause_s = min(found.pause_s * 2 or self._open_s, self._longest_open_s)
        found.open_until_s = self._now_s() + found.pause_s
        found.opened += 1

    def _new(self, backend: str, model: str) -> _Breaker:
        if len(self._breakers) >= _MOST:
            calm = (key for key, one in self._breakers.items() if one.open_until_s is None)
            del self._breakers[next(calm, next(iter(self._breakers)))]
        found = self._breakers[backend, model] = _Breaker()
        return found

    def seen(self, backend: str) -> None:
        now_s = self._now_s()
        for (name, _), one in self._breakers.items():
            if name == backend and one.open_until_s is not None:
                one.open_until_s = min(one.open_until_s, now_s)

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
                _state(one, now_s),
                one.failures,
                one.opened,
                max(0.0, (one.open_until_s or now_s) - now_s),
                one.probes,
                one.refused,
            )
            for (backend, model), one in self._breakers.items()
        ]


def _state(one: _Breaker, now_s: float) -> State:
    """Half open: its time is up, or it is being tried."""
    if one.open_until_s is None:
        return "closed"
    return "half_open" if one.trying or one.open_until_s <= now_s else "open"


def _refusal(backend: str, model: str, found: _Breaker, again_in_s: float) -> BreakerOpen:
    rule, what = (LAST_TRIED, "one request is trying it") if found.trying else (LEFT_ALONE, "it is left alone")
    return BreakerOpen(
        f"backend {backend!r} failed {found.failures} times in a row with model {model!r}, and {what}, see {rule.code}; "
        f"try again in {again_in_s:.0f} s",
        retry_after_s=again_in_s,
    )
