"""What became of each backend over time, in memory that does not grow: a ring of short spans, and the last changes.

Fed with finished exchanges and with looks at health and breakers; times come in. No content, no clock, no loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tidegate.core.decision import BackendView, Health
from tidegate.core.errors import BackendFailure
from tidegate.core.exchange import Exchange
from tidegate.resilience.breaker import BreakerView

SPANS = 96
_MOST_BACKENDS = 200
_CHANGES = 50
_WORST: dict[Health, int] = {"unknown": 0, "up": 1, "starting": 2, "down": 3}


def _names(kind: type[BackendFailure]) -> set[str]:
    return {kind.__name__}.union(*map(_names, kind.__subclasses__()))


@dataclass(slots=True)
class Span:
    """One stretch of the history. `number` says which; `health` is the worst that was seen in it."""

    number: int = -1
    asked: int = 0
    failed: int = 0
    answered: int = 0
    first_frame_s: float = 0.0
    """Sum over those that were answered."""
    health: Health = "unknown"


@dataclass(slots=True)
class Past:
    """One backend's."""

    spans: list[Span] = field(default_factory=lambda: [Span() for _ in range(SPANS)])
    health: Health = "unknown"
    opened: dict[str, int] = field(default_factory=dict[str, int])
    open_models: frozenset[str] = frozenset()
    changes: deque[tuple[float, str, str]] = field(default_factory=lambda: deque(maxlen=_CHANGES))
    """When, what (`health` or `breaker MODEL`), and what it became."""
    seen_at: float = 0.0

    @property
    def out(self) -> bool:
        """Whether it takes no requests: it is away, or a breaker leaves it alone."""
        return self.health == "down" or bool(self.open_models)


@dataclass(frozen=True, slots=True)
class Turned:
    """That a backend went out of service or came back. `model` is that of the breaker, "" where it is the health."""

    backend: str
    out: bool
    model: str = ""


class History:
    def __init__(self, reach_s: float) -> None:
        """`reach_s` is how far back it goes."""
        self.reach_s = reach_s
        self.span_s = reach_s / SPANS
        self._pasts: dict[str, Past] = {}
        self._failures = _names(BackendFailure)
        self._attempts: dict[str, tuple[str, bool]] = {}

    def note(self, exchange: Exchange) -> None:
        """Called once per exchange, when it is over: a microsecond."""
        number = int((exchange.arrived_at + (exchange.duration_s or 0.0)) / self.span_s)
        broke_off = exchange.error in self._failures
        for attempt in exchange.attempts:
            parted = self._attempts.get(attempt)
            if parted is None:
                backend, _, outcome = attempt.partition(":")
                parted = self._attempts[attempt] = (backend, outcome == "ok")
            backend, ok = parted
            past = self._pasts.get(backend)
            if past is None:
                continue  # not looked at yet, or one too many
            span = past.spans[number % SPANS]
            if span.number != number:
                self._renew(past, span, number)
            span.asked += 1
            if not ok or broke_off:
                span.failed += 1
            elif exchange.first_frame_s is not None:
                span.answered += 1
                span.first_frame_s += exchange.first_frame_s

    def look(self, views: Iterable[BackendView], breakers: Iterable[BreakerView], at: float) -> list[Turned]:
        """Take in how things are now. Gives the backends that turned since the last look."""
        number = int(at / self.span_s)
        opened: dict[str, list[BreakerView]] = {}
        for one in breakers:
            opened.setdefault(one.backend, []).append(one)
        turned: list[Turned] = []
        there: set[str] = set()
        for view in views:
            there.add(view.name)
            past = self._past(view.name, at)
            if past is not None:
                turned += self._take(view.name, past, view.health, opened.get(view.name, ()), number, at)
        for name, past in self._pasts.items():
            if name not in there and past.health != "down":  # a found runtime that is gone
                turned += self._take(name, past, "down", (), number, at)
        return turned

    def _take(
        self, name: str, past: Past, health: Health, breakers: Iterable[BreakerView], number: int, at: float
    ) -> list[Turned]:
        past.seen_at = at
        was_out, blamed = past.out, ""
        if health != past.health:
            past.changes.append((at, "health", health))
            past.health = health
        for one in breakers:
            before = past.opened.get(one.model, 0)
            if one.opened > before:
                past.opened[one.model] = one.opened
                past.changes.append((at, f"breaker {one.model}", "open"))
        open_models = frozenset(one.model for one in breakers if one.state != "closed")
        for model in past.open_models - open_models:
            past.changes.append((at, f"breaker {model}", "closed"))
        past.open_models = open_models
        span = past.spans[number % SPANS]
        if span.number != number:
            self._renew(past, span, number)
        elif _WORST[health] > _WORST[span.health]:
            span.health = health
        if past.out == was_out:
            return []
        if past.out and health != "down":
            blamed = min(open_models)
        return [Turned(name, past.out, blamed)]

    def _renew(self, past: Past, span: Span, number: int) -> None:
        span.number, span.asked, span.failed, span.answered, span.first_frame_s = number, 0, 0, 0, 0.0
        span.health = past.health

    def _past(self, name: str, at: float) -> Past | None:
        past = self._pasts.get(name)
        if past is None:
            if len(self._pasts) >= _MOST_BACKENDS:
                oldest = min(self._pasts, key=lambda one: self._pasts[one].seen_at)
                if self._pasts[oldest].seen_at >= at:
                    return None
                del self._pasts[oldest]
            past = self._pasts[name] = Past()
        return past

    def out(self) -> list[str]:
        return sorted(name for name, past in self._pasts.items() if past.out)

    def view(self, at: float, spans: int = SPANS) -> dict[str, Any]:
        """The last spans of each backend, oldest first, as plain values; null where there was nothing."""
        newest = int(at / self.span_s)
        numbers = range(newest - spans + 1, newest + 1)
        return {
            "span_s": self.span_s,
            "spans": spans,
            "until": at,
            "backends": {name: _past_view(past, numbers) for name, past in self._pasts.items()},
        }


def _past_view(past: Past, numbers: range) -> dict[str, Any]:
    spans = [past.spans[number % SPANS] for number in numbers]
    held = [span if span.number == number else None for span, number in zip(spans, numbers, strict=True)]

    def each(of: Callable[[Span], Any]) -> list[Any]:
        return [None if span is None else of(span) for span in held]

    return {
        "health": each(lambda span: span.health),
        "asked": each(lambda span: span.asked),
        "failed": each(lambda span: span.failed),
        "first_frame_s": each(lambda span: round(span.first_frame_s / span.answered, 4) if span.answered else None),
        "changes": [{"at": at, "what": what, "became": became} for at, what, became in past.changes],
        "out": past.out,
    }
