"""An alert's text and its signature, checked with code that shares nothing with ours."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from tidegate.app.watch.alerts import EVENTS, RULES, Alert, headers, secret_bytes
from tidegate.cli.explain import find_rule

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ALERT = Alert("alert_1", "balance_low", 1_700_000_000.25, {"backend": "deepseek", "balance_usd": "1.5"})


def hmac_by_hand(key: bytes, message: bytes) -> bytes:
    """RFC 2104 with SHA-256, written out."""
    block = key.ljust(64, b"\0") if len(key) <= 64 else hashlib.sha256(key).digest().ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).digest()


def test_the_text_is_as_the_specification_recommends() -> None:
    assert json.loads(ALERT.body) == {
        "type": "balance_low",
        "timestamp": "2023-11-14T22:13:20.250Z",
        "data": {
            "rule": "RES052",
            "title": "the hosted account's balance is below the limit",
            "backend": "deepseek",
            "balance_usd": "1.5",
        },
    }


def test_every_event_has_a_rule_that_can_be_explained() -> None:
    assert {*EVENTS} == {*RULES}
    assert {find_rule(rule.code).code for rule in RULES.values()} == {f"RES05{number}" for number in range(6)}


def test_the_signature_is_that_of_standard_webhooks() -> None:
    key = secret_bytes(SECRET)
    assert key == bytes(range(32))
    told = dict(headers(ALERT, ALERT.body, 1_700_000_060.9, key))
    assert (told["webhook-id"], told["webhook-timestamp"]) == ("alert_1", "1700000060")
    version, _, signature = told["webhook-signature"].partition(",")
    assert version == "v1"
    assert base64.b64decode(signature) == hmac_by_hand(bytes(range(32)), b"alert_1.1700000060." + ALERT.body)


def test_the_example_of_the_specifications_own_libraries() -> None:
    """A vector that the project's own test suites share, read 2026-11-24."""
    key = secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert key is not None
    body = b'{"test": 2432232314}'
    one = Alert("msg_p5jXN8AQM9LWM0D4loKWxJek", "balance_ok", 0.0, {})
    told = dict(headers(one, body, 1614265330.0, key))
    assert told["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_without_a_secret_nothing_is_signed() -> None:
    assert [name for name, _ in headers(ALERT, ALERT.body, 1.0, None)] == ["webhook-id", "webhook-timestamp"]


@pytest.mark.parametrize(
    ("secret", "length"),
    [
        ("a text of 24 characters!", 24),
        ("too short", None),
        ("whsec_" + base64.b64encode(b"x" * 24).decode(), 24),
        ("whsec_" + base64.b64encode(b"x" * 23).decode(), None),
        ("whsec_this is no base64 but long enough to be one", None),
    ],
)
def test_a_secret_is_base64_behind_its_prefix_or_any_long_text(secret: str, length: int | None) -> None:
    key = secret_bytes(secret)
    assert (None if key is None else len(key)) == length
