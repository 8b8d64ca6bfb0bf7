"""An alert as it is sent: a JSON text without content, its id and its signature. No loop, no socket.

After the Standard Webhooks specification 1.0.0, read 2026-11-24: `webhook-id`, `webhook-timestamp` and `webhook-signature`,
the latter HMAC-SHA256 over `ID.TIMESTAMP.BODY`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import get_args

import orjson

from tidegate.config.resilience import AlertEvent
from tidegate.resilience import rules

PREFIX = "whsec_"
LEAST_SECRET_BYTES = 24
EVENTS: tuple[AlertEvent, ...] = get_args(AlertEvent)
RULES = {
    "backend_down": rules.OUT_OF_SERVICE,
    "backend_up": rules.BACK_IN_SERVICE,
    "balance_low": rules.BALANCE_LOW,
    "balance_ok": rules.BALANCE_OK,
    "budget_spent": rules.BUDGET_ALERT,
    "key_refused": rules.KEYS_REFUSED,
}
Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Alert:
    """`alert_id` is the same however often it is sent; `at` is when it happened, unix seconds."""

    alert_id: str
    event: AlertEvent
    at: float
    data: dict[str, Value]

    @property
    def body(self) -> bytes:
        rule = RULES[self.event]
        at = datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told = {"rule": rule.code, "title": rule.title, **self.data}
        return orjson.dumps({"type": self.event, "timestamp": at, "data": told})


def secret_bytes(secret: str) -> bytes | None:
    """The key behind a secret as it is written: `whsec_` and base64, or any text. None: it is too short or no base64."""
    if secret.startswith(PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            return None
    else:
        key = secret.encode()
    return key if len(key) >= LEAST_SECRET_BYTES else None


def headers(alert: Alert, body: bytes, sent_at: float, key: bytes | None) -> tuple[tuple[str, str], ...]:
    """Those of one attempt; without a key it is not signed."""
    told = (("webhook-id", alert.alert_id), ("webhook-timestamp", str(int(sent_at))))
    if key is None:
        return told
    signed = f"{alert.alert_id}.{int(sent_at)}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return (*told, ("webhook-signature", f"v1,{signature}"))
