"""The catalogue of metrics: name, type, labels, help and where a name comes from. The docs page is written from it.

Who counts (`meter`) and who reads at a scrape (`state`) takes names and labels from here and has none of its own. No label
holds content, a key, or a name that a client made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
OTEL = "OpenTelemetry semantic conventions for generative AI metrics (development), semantic-conventions-genai"
OWN = "Tidegate"
LIBRARY = "prometheus-client, process collector"
CHECKED = "2026-11-24"

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
FIRST_TOKEN = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
PER_TOKEN = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
TOKENS = tuple(float(4**power) for power in range(14))


@dataclass(frozen=True, slots=True)
class Metric:
    """`name` as a scrape shows it, a counter with `_total`. `convention` is its name there, "" where it is our own."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    convention: str = ""
    source: str = OWN
    checked: str = CHECKED
    buckets: tuple[float, ...] = ()


_ASKED = (
    "gen_ai_operation_name",
    "gen_ai_provider_name",
    "gen_ai_request_model",
    "gen_ai_response_model",
    "server_address",
    "server_port",
    "backend",
)


def _gen_ai(name: str, unit: str, text: str, buckets: tuple[float, ...], more: tuple[str, ...] = ()) -> Metric:
    written = "_".join(filter(None, (name.replace(".", "_"), unit)))
    return Metric(written, "histogram", (*_ASKED, *more), text, name, OTEL, CHECKED, buckets)


DURATION = _gen_ai(
    "gen_ai.server.request.duration",
    "seconds",
    "Time from a request's arrival to the last byte of its answer, or to its error.",
    SECONDS,
    ("error_type",),
)
FIRST = _gen_ai(
    "gen_ai.server.time_to_first_token",
    "seconds",
    "Time from arrival to the first frame of the answer, the wait in the queue included; answers only.",
    FIRST_TOKEN,
)
PER_OUTPUT = _gen_ai(
    "gen_ai.server.time_per_output_token",
    "seconds",
    "Time per output token after the first one; answers of two tokens or more whose usage the backend reported.",
    PER_TOKEN,
)
USAGE = _gen_ai(
    "gen_ai.client.token.usage",
    "",
    "Tokens that the backend counted, input and output; nothing where it reported nothing.",
    TOKENS,
    ("gen_ai_token_type",),
)

REQUESTS = Metric(
    "tidegate_requests_total",
    "counter",
    ("surface", "client", "data_class", "boundary", "status"),
    "Requests that ended, by the class of their content and by the boundary of the backend that was asked last.",
)
SENDS = Metric(
    "tidegate_sends_total",
    "counter",
    ("backend", "boundary", "data_class", "masked"),
    "Sendings to a backend, by the class of what was sent. There is never one with `private` and `external`.",
)
ATTEMPTS = Metric(
    "tidegate_attempts_total",
    "counter",
    ("backend", "outcome"),
    "Backends asked for an answer, by how it went: `ok`, or the class of the error.",
)
RETRIES = Metric(
    "tidegate_retries_total",
    "counter",
    ("backend", "rule"),
    "Requests for which a backend was asked again: after a failure (RES001), or because it was loading its model (RTE031).",
)
FALLBACKS = Metric(
    "tidegate_fallbacks_total",
    "counter",
    ("backend",),
    "Requests that came to this backend because one before it failed.",
)
CONTINUED = Metric(
    "tidegate_continued_total",
    "counter",
    ("backend",),
    "Answers that broke off and that this backend went on with.",
)
QUEUE_WAIT = Metric(
    "tidegate_queue_wait_seconds",
    "histogram",
    ("backend",),
    "Time that requests waited at the gateway for a turn; only those that waited.",
    buckets=SECONDS,
)
REFUSED = Metric(
    "tidegate_refused_total",
    "counter",
    ("client", "error_type"),
    "Requests refused by the gateway itself: wrong key, rate, budget, policy.",
)
COST = Metric(
    "tidegate_cost_usd_total",
    "counter",
    ("client", "backend"),
    "What answers cost by the price table, in USD; nothing where usage was not reported.",
)

COUNTED = (
    DURATION,
    FIRST,
    PER_OUTPUT,
    USAGE,
    REQUESTS,
    SENDS,
    ATTEMPTS,
    RETRIES,
    FALLBACKS,
    CONTINUED,
    QUEUE_WAIT,
    REFUSED,
    COST,
)
"""Observed once per request, when it is over."""


def _gauge(name: str, labels: tuple[str, ...], text: str) -> Metric:
    return Metric(name, "gauge", labels, text)


def _counter(name: str, labels: tuple[str, ...], text: str) -> Metric:
    return Metric(name, "counter", labels, text)


INFO = _gauge("tidegate_info", ("version", "contract"), "Always 1; its labels say what runs.")
GENERATION = _gauge("tidegate_config_generation", (), "How often the configuration was read since the start, from 1.")
HEALTH = _gauge("tidegate_backend_health", ("backend", "boundary", "health"), "1 for the health a backend has now.")
IN_FLIGHT = _gauge("tidegate_in_flight", ("backend",), "Requests that a backend works on.")
LIMIT = _gauge(
    "tidegate_in_flight_limit", ("backend",), "Most requests it gets at once; nothing where no cap is known."
)
WAITING = _gauge("tidegate_queue_length", ("backend",), "Requests that wait at the gateway for a turn.")
PACE = _gauge("tidegate_pace_limit", ("backend", "model"), "Most requests in flight that its 429 answers have taught.")
PACED = _gauge("tidegate_pace_in_flight", ("backend", "model"), "Requests in flight where such a limit is known.")
BREAKER = _gauge("tidegate_breaker_state", ("backend", "model", "state"), "1 for the state that a breaker is in.")
OPENED = _counter("tidegate_breaker_opened_total", ("backend", "model"), "How often a breaker has opened.")
PROBES = _counter("tidegate_breaker_probes_total", ("backend", "model"), "Requests let through to try a backend again.")
KEPT_OUT = _counter("tidegate_breaker_refused_total", ("backend", "model"), "Requests that a breaker has kept away.")
OPEN = _gauge("tidegate_open_requests", (), "Requests that are not answered to their end.")
DRAINING = _gauge("tidegate_draining", (), "1 while the gateway is being stopped.")
WRITTEN = _counter("tidegate_ledger_written_total", (), "Exchanges written to the ledger.")
DROPPED = _counter("tidegate_ledger_dropped_total", (), "Exchanges that the ledger could not take.")
UNWRITTEN = _gauge("tidegate_ledger_waiting", (), "Exchanges that wait to be written.")
FAILING = _gauge("tidegate_ledger_failing", (), "1 while the ledger cannot be written.")
SPENT = _gauge("tidegate_key_spent_usd", ("key_id", "period"), "What a key's budget has taken, `day` or `month`.")
RESERVED = _gauge("tidegate_key_reserved_usd", ("key_id", "period"), "What requests under way may still take of it.")
KEY_IN_FLIGHT = _gauge("tidegate_key_in_flight", ("key_id",), "Requests of a key that are under way.")
KEY_WAITING = _gauge("tidegate_key_waiting", ("key_id",), "Requests of a key that wait for room in its budget.")
BALANCE = _gauge(
    "tidegate_balance", ("backend", "currency"), "The hosted account's balance when it was last looked at."
)
BALANCE_LOW = _gauge("tidegate_balance_low", ("backend",), "1 while the balance is below [watch] low_balance.")
BALANCE_AT = _gauge("tidegate_balance_timestamp_seconds", ("backend",), "When the balance was last seen, unix time.")
ALERTS_SENT = _counter("tidegate_alerts_sent_total", ("event",), "Alerts that a receiver took.")
ALERTS_LOST = _counter("tidegate_alerts_lost_total", ("event",), "Alerts given up after all attempts, or dropped.")
ALERTS_WAITING = _gauge("tidegate_alerts_waiting", (), "Alerts that wait to be sent, or to be sent again.")

READ = (
    INFO,
    GENERATION,
    HEALTH,
    IN_FLIGHT,
    LIMIT,
    WAITING,
    PACE,
    PACED,
    BREAKER,
    OPENED,
    PROBES,
    KEPT_OUT,
    OPEN,
    DRAINING,
    WRITTEN,
    DROPPED,
    UNWRITTEN,
    FAILING,
    SPENT,
    RESERVED,
    KEY_IN_FLIGHT,
    KEY_WAITING,
    BALANCE,
    BALANCE_LOW,
    BALANCE_AT,
    ALERTS_SENT,
    ALERTS_LOST,
    ALERTS_WAITING,
)
"""Read from the parts of the gateway when a scrape asks."""


OF_A_PROCESS = (
    *(OPEN, WRITTEN, DROPPED, UNWRITTEN, ALERTS_SENT, ALERTS_LOST, ALERTS_WAITING),
    *(BALANCE, BALANCE_LOW, BALANCE_AT),
)
"""Of these, too, each process has its own, or only one has them; the others are the same in all."""


def _process(name: str, kind: Kind, text: str) -> Metric:
    return Metric(name, kind, (), text, source=LIBRARY)


PROCESS = (
    _process("process_virtual_memory_bytes", "gauge", "Virtual memory of the process."),
    _process("process_resident_memory_bytes", "gauge", "Resident memory of the process."),
    _process("process_start_time_seconds", "gauge", "Start of the process, unix time."),
    _process("process_cpu_seconds_total", "counter", "User and system time of the process."),
    _process("process_open_fds", "gauge", "Open file descriptors."),
    _process("process_max_fds", "gauge", "Most file descriptors that may be open."),
)
"""Of the process that answers the scrape; Linux only."""

CATALOGUE: tuple[Metric, ...] = (*COUNTED, *READ, *PROCESS)
