"""The tables of the configuration about how the gateway keeps working: retries, breakers, broken streams, watch, alerts.

A part of the configuration; imports nothing of ours but core.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from tidegate.core.decision import OnBreak

Seconds = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
AlertEvent = Literal["backend_down", "backend_up", "balance_low", "balance_ok", "budget_spent", "key_refused"]


class RetryOptions(Struct, frozen=True):
    attempts: Annotated[
        Count, Meta(description="How often one backend is asked for one request; 1: never a second time.")
    ] = 3
    backoff_s: Annotated[
        Seconds, Meta(description="Pause before a backend is asked again; it doubles with each further time.")
    ] = 0.5
    longest_backoff_s: Annotated[Seconds, Meta(description="Longest such pause.")] = 10.0
    jitter: Annotated[
        float,
        Meta(
            description="Part of each pause that is left to chance, so that clients do not come back together.",
            ge=0,
            le=1,
        ),
    ] = 0.5
    deadline_s: Annotated[
        Seconds,
        Meta(
            description="Longest time from arrival to an answer's first byte, queue, pauses and all attempts included."
        ),
    ] = 900.0


class BreakerOptions(Struct, frozen=True):
    failures: Annotated[
        Count, Meta(description="Failures in a row after which a backend's model is left alone for a while.")
    ] = 3
    open_s: Annotated[
        Seconds,
        Meta(description="How long it is left alone before one request tries it again; doubles while that fails."),
    ] = 10.0
    longest_open_s: Annotated[Seconds, Meta(description="Longest such time.")] = 120.0


class StreamOptions(Struct, frozen=True):
    on_break: Annotated[
        OnBreak,
        Meta(
            description="When an answer breaks off half-way: fail: the stream ends with an error; continue: another allowed "
            "backend goes on from the text so far, where it can."
        ),
    ] = "fail"


class WatchOptions(Struct, frozen=True):
    balance_interval_s: Annotated[
        float, Meta(description="Seconds between two looks at the hosted account's balance; 0: never.", ge=0)
    ] = 300.0
    low_balance: Annotated[
        float, Meta(description="Balance, in the account's currency, below which there is a warning.", ge=0)
    ] = 2.0
    history_s: Annotated[Seconds, Meta(description="How far back the history of each backend reaches.")] = 86_400.0


class AlertOptions(Struct, frozen=True):
    url: Annotated[str, Meta(description="Where alerts are posted as JSON, http or https.")]
    secret_env: Annotated[
        str | None, Meta(description="Environment variable with the secret that signs them (HMAC-SHA256).")
    ] = None
    events: Annotated[tuple[AlertEvent, ...], Meta(description="Which events are sent; empty: all.")] = ()
