"""All that is known of one request from arrival to ledger line. The one mutable record, owned by the pipeline.

It never holds content: lengths, a keyed hash, tokens, times and the decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple, Protocol

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import Decision
from tidegate.core.errors import GatewayError
from tidegate.core.terms import Terms
from tidegate.core.usage import Usage


def _no_clock() -> float:
    return 0.0


class Send(NamedTuple):
    """One sending of the request to a backend, whether or not it answered. `data_class` is that of what was sent."""

    backend: str
    boundary: Boundary
    data_class: DataClass
    masked: bool


class Grant(Protocol):
    """What a client's terms let through: given back once, when the exchange is over and its cost is known."""

    def settle(self, exchange: Exchange) -> None: ...

    async def extend(self, more_usd: Decimal) -> bool:
        """Whether it may cost so much more than what was let through, because an attempt that failed may have cost."""
        ...


@dataclass(slots=True)
class Exchange:
    """Times: `arrived_at` is unix seconds; the others are seconds since arrival on a monotonic clock."""

    exchange_id: str
    surface: str
    arrived_at: float
    client: str | None = None
    terms: Terms | None = None
    grant: Grant | None = None
    request_bytes: int = 0
    request_hash: str = ""
    asked_model: str = ""
    streamed: bool = False
    data_class: DataClass | None = None
    decision: Decision | None = None
    backend: str | None = None
    model: str | None = None
    boundary: Boundary | None = None
    sent_class: DataClass | None = None
    """The class of what the last backend asked was sent: the request's, or higher with what was remembered for it."""
    wished_class: DataClass | None = None
    """What the client's header asked for."""
    found: dict[str, int] = field(default_factory=dict[str, int])
    """What detection found: tags (`core.findings`) with how often."""
    rows: tuple[str, ...] = ()
    """Names of the policy's rows that applied, in the policy's order."""
    action: str | None = None
    """The strictest action of those rows: allow, mask, local or block; None: no row spoke."""
    conversation: tuple[str, ...] = ()
    """Keyed digests by which a later request of the same conversation is known."""
    sends: list[Send] = field(default_factory=list[Send])
    shadow_of: str | None = None
    """Id of the exchange whose request was asked once more here, as a shadow or as one answer of several."""
    compared: str | None = None
    """How this answer differs from that of `shadow_of`: numbers as JSON, never content."""
    attempts: list[str] = field(default_factory=list[str])
    """Backends that were asked, in order, each with how it went: `name:ok` or `name:ErrorClass`."""
    fell_back: str | None = None
    """Code of the rule by which a later candidate was asked."""
    waited: str | None = None
    """Code of the rule by which a candidate that was loading its model was asked again."""
    retried: str | None = None
    """Code of the rule by which a candidate that had failed was asked again."""
    continued: str | None = None
    """Code of the rule by which another backend went on with an answer that had broken off."""
    not_continued: str | None = None
    """Code of the rule by which nobody went on with it, although the route says so."""
    partly_unpriced: bool = False
    """A part of the answer came from an external backend that broke off before it reported its tokens."""
    since_s: float = 0.0
    """When it began to wait for the answer, or for its rest: seconds since arrival."""
    narrowed: str | None = None
    """Code of the rule by which only backends at home were asked, because the budget was used up."""
    queued: str | None = None
    """Code of the rule by which it waited at the gateway for a turn."""
    guarded: tuple[str, ...] = ()
    """Codes of the rules by which a breaker spoke."""
    queued_s: float = 0.0
    """Time spent waiting at the gateway for a turn."""
    queue_place: Callable[[], int] | None = None
    """How many wait before it, while it waits for a turn."""
    charged_usd: Decimal | None = None
    """What was counted against the client's budget: the cost, or the most it can have been where that is not known."""
    rewritten: str | None = None
    """What became of a retired model name, in one line."""
    quirks: list[str] = field(default_factory=list[str])
    usage: Usage | None = None
    cost_usd: Decimal | None = None
    finish: str | None = None
    status: int = 0
    error: str | None = None
    """Class name of the error, never its text."""
    first_frame_s: float | None = None
    duration_s: float | None = None
    elapsed_s: Callable[[], float] = _no_clock
    """Seconds since arrival, by the pipeline's clock."""

    def fail(self, error: GatewayError) -> None:
        self.status = error.status
        self.error = type(error).__name__

    @property
    def rules(self) -> tuple[str, ...]:
        decided = self.decision.rules if self.decision else ()
        why = (
            self.narrowed,
            self.queued,
            self.fell_back,
            self.waited,
            self.retried,
            self.continued,
            self.not_continued,
        )
        return (*decided, *filter(None, why), *self.guarded)

    def note_guarded(self, code: str) -> None:
        if code not in self.guarded:
            self.guarded += (code,)

    def note_quirks(self, codes: Iterable[str]) -> None:
        for code in codes:
            if code not in self.quirks:
                self.quirks.append(code)
