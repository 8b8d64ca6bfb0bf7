"""Counts an exchange when it is over: the one place that turns one into numbers. A few microseconds, no content.

Names of models and clients are labels only where the gateway knows them; what a client made up is `other`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from tidegate.core.decision import Snapshot
from tidegate.core.errors import (
    AuthenticationFailed,
    BudgetSpent,
    LimitReached,
    PolicyRefusal,
    Unmaskable,
)
from tidegate.core.exchange import Exchange, Send
from tidegate.surfaces.metrics import catalogue as known
from tidegate.surfaces.metrics.tally import OTHER, Counter, Histogram, Tally

_OPERATIONS = {"openai_completions": "text_completion"}
_MOST_NAMES = 1000
_MOST_ROWS = 10_000
_REFUSALS = frozenset(
    kind.__name__ for kind in (AuthenticationFailed, BudgetSpent, LimitReached, PolicyRefusal, Unmaskable)
)


class Place(NamedTuple):
    """Where a backend is, for labels. `provider` is its dialect; address and port are "" where it is no fixed server."""

    provider: str = ""
    address: str = ""
    port: str = ""


NOWHERE = Place()


class _Row:
    """The cells of exchanges that are alike. Those of an answer exist from the first answer on."""

    __slots__ = ("cost", "duration", "first", "input", "labels", "output", "per_output", "requests")

    def __init__(self, labels: tuple[str, ...], duration: Histogram, requests: Counter) -> None:
        self.labels = labels
        self.duration = duration
        self.requests = requests
        self.first: Histogram | None = None
        self.per_output: Histogram | None = None
        self.input: Histogram | None = None
        self.output: Histogram | None = None
        self.cost: Counter | None = None


def _nobody() -> Snapshot:
    return Snapshot(())


def _nowhere(_backend: str) -> Place:
    return NOWHERE


class Meter:
    """One for the life of the process; `serve` says what is counted from now on."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._snapshot: Callable[[], Snapshot] = _nobody
        self._seen: Snapshot | None = None
        self._models: dict[str | None, str] = {None: "", "": ""}
        self._place_of: Callable[[str], Place] = _nowhere
        self._rows: dict[tuple[object, ...], _Row] = {}
        self._sends: dict[Send, Counter] = {}
        self._attempts: dict[str, Counter] = {}

    def serve(
        self, snapshot: Callable[[], Snapshot], names: Iterable[str] = (), place_of: Callable[[str], Place] = _nowhere
    ) -> None:
        """`snapshot` says which models are served now, `names` are those that the configuration knows."""
        self._snapshot, self._seen, self._place_of = snapshot, None, place_of
        self._models |= {name: name for name in names}
        self._rows.clear()

    def note(self, exchange: Exchange) -> None:
        """Called once, when everything of it is known."""
        snapshot = self._snapshot()
        if snapshot is not self._seen:
            self._learn(snapshot)
        models = self._models
        key = (
            exchange.surface,
            models.get(exchange.asked_model, OTHER),
            exchange.backend,
            models.get(exchange.model, OTHER),
            exchange.error,
            exchange.client,
            exchange.data_class,
            exchange.boundary,
            exchange.status,
        )
        row = self._rows.get(key)
        if row is None:
            row = self._row(exchange, key)
        row.requests.value += 1
        if exchange.duration_s is not None:
            row.duration.observe(exchange.duration_s)
        if exchange.first_frame_s is not None:
            self._note_answer(row, exchange, exchange.first_frame_s)
        for send in exchange.sends:
            cell = self._sends.get(send)
            if cell is None:
                cell = self._send(send)
            cell.value += 1
        for attempt in exchange.attempts:
            cell = self._attempts.get(attempt)
            if cell is None:
                cell = self._attempt(attempt)
            cell.value += 1
        if exchange.error is not None or exchange.queued_s or len(exchange.attempts) > 1 or exchange.waited:
            self._note_trouble(exchange)

    def _note_answer(self, row: _Row, exchange: Exchange, first_s: float) -> None:
        tally = self.tally
        if row.first is None:
            row.first = tally.histogram(known.FIRST, *row.labels)
        row.first.observe(first_s)
        usage = exchange.usage
        if usage is None:
            return
        if usage.prompt is not None:
            if row.input is None:
                row.input = tally.histogram(known.USAGE, *row.labels, "input")
            row.input.observe(usage.prompt)
        if (output := usage.output) is not None:
            if row.output is None:
                row.output = tally.histogram(known.USAGE, *row.labels, "output")
            row.output.observe(output)
            if output > 1 and exchange.error is None and exchange.duration_s is not None:
                if row.per_output is None:
                    row.per_output = tally.histogram(known.PER_OUTPUT, *row.labels)
                row.per_output.observe((exchange.duration_s - first_s) / (output - 1))
        if exchange.cost_usd:
            if row.cost is None:
                row.cost = tally.counter(known.COST, exchange.client or "", exchange.backend or "")
            row.cost.value += float(exchange.cost_usd)

    def _note_trouble(self, exchange: Exchange) -> None:
        """What most exchanges do not have."""
        tally, backend = self.tally, exchange.backend or ""
        if exchange.queued_s:
            tally.histogram(known.QUEUE_WAIT, backend).observe(exchange.queued_s)
        if exchange.fell_back is not None:
            tally.counter(known.FALLBACKS, backend).value += 1
        if exchange.continued is not None:
            tally.counter(known.CONTINUED, backend).value += 1
        for rule in (exchange.retried, exchange.waited):
            if rule is not None:
                tally.counter(known.RETRIES, backend, rule).value += 1
        if exchange.error in _REFUSALS:
            tally.counter(known.REFUSED, exchange.client or "", exchange.error or "").value += 1

    def _learn(self, snapshot: Snapshot) -> None:
        """Names that backends serve, as long as there are not too many; one that was known stays."""
        self._seen = snapshot
        for view in snapshot.backends:
            for model in view.models:
                if len(self._models) < _MOST_NAMES:
                    self._models[model] = model
                    self._models[f"{view.name}/{model}"] = f"{view.name}/{model}"

    def _row(self, exchange: Exchange, key: tuple[object, ...]) -> _Row:
        backend = exchange.backend or ""
        place = self._place_of(backend) if backend else NOWHERE
        operation = _OPERATIONS.get(exchange.surface, "chat")
        labels = (operation, place.provider, str(key[1]), str(key[3]), place.address, place.port, backend)
        requests = self.tally.counter(
            known.REQUESTS,
            exchange.surface,
            exchange.client or "",
            exchange.data_class.value if exchange.data_class else "",
            exchange.boundary.value if exchange.boundary else "",
            str(exchange.status),
        )
        duration = self.tally.histogram(known.DURATION, *labels, exchange.error or "")
        row = _Row(labels, duration, requests)
        if len(self._rows) < _MOST_ROWS:
            self._rows[key] = row
        return row

    def _send(self, send: Send) -> Counter:
        masked = "true" if send.masked else "false"
        cell = self.tally.counter(known.SENDS, send.backend, send.boundary.value, send.data_class.value, masked)
        self._sends[send] = cell
        return cell

    def _attempt(self, attempt: str) -> Counter:
        backend, _, outcome = attempt.partition(":")
        cell = self._attempts[attempt] = self.tally.counter(known.ATTEMPTS, backend, outcome)
        return cell
