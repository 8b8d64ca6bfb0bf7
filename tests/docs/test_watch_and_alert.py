"""The code by which the cookbook checks a signature takes what Tidegate signs, and nothing else."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidegate.app.watch.alerts import Alert, headers, secret_bytes

PAGE = Path(__file__).parents[2] / "docs" / "cookbook" / "watch-and-alert.md"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ALERT = Alert("alert_1", "balance_low", 1_700_000_000.0, {"backend": "deepseek"})
NOW = 1_700_000_001.0


@pytest.fixture
def check() -> Callable[..., bool]:
    (code,) = re.findall(r"^```py\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    found: dict[str, Any] = {}
    exec(code, found)
    return found["is_from_tidegate"]


def sent() -> dict[str, str]:
    return dict(headers(ALERT, ALERT.body, NOW, secret_bytes(SECRET)))


def test_what_tidegate_signed_is_taken(check: Callable[..., bool]) -> None:
    assert check(SECRET, sent(), ALERT.body, NOW + 299)
    assert check(SECRET, sent() | {"webhook-signature": "v1,bm8= " + sent()["webhook-signature"]}, ALERT.body, NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "alert_2"},
        {"webhook-timestamp": "1700000002"},
        {"webhook-signature": "v1,bm8="},
        {"webhook-signature": ""},
    ],
)
def test_a_changed_header_is_not(check: Callable[..., bool], change: dict[str, str]) -> None:
    assert not check(SECRET, sent() | change, ALERT.body, NOW)


def test_a_changed_body_another_secret_an_old_alert_and_one_without_headers_are_not(check: Callable[..., bool]) -> None:
    assert not check(SECRET, sent(), ALERT.body + b" ", NOW)
    assert not check("whsec_" + base64.b64encode(bytes(32)).decode(), sent(), ALERT.body, NOW)
    assert not check(SECRET, sent(), ALERT.body, NOW + 400)
    assert not check(SECRET, {}, ALERT.body, NOW)
