"""Retry-After as servers write it: seconds, or a date that is compared with the date of the same answer."""

from __future__ import annotations

import pytest

from tidegate.backends.told_wait import told_wait_s

DATE = b"Tue, 24 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({b"retry-after": b"0"}, 0.0),
        ({b"retry-after": b"120"}, 120.0),
        ({b"retry-after": b"1.5"}, 1.5),
        ({b"retry-after": b"-5"}, None),
        ({b"retry-after": b"1e9"}, None),
        ({b"retry-after": b"9999999999"}, None),
        ({b"retry-after": b"nan"}, None),
        ({b"retry-after": b""}, None),
        ({b"retry-after": b"\xff"}, None),
        ({b"retry-after": b"Tue, 24 Nov 2026 10:00:30 GMT", b"date": DATE}, 30.0),
        ({b"retry-after": b"Tue, 24 Nov 2026 09:00:00 GMT", b"date": DATE}, 0.0),
        ({b"retry-after": b"Tue, 24 Nov 2026 10:00:30 GMT"}, None),
        ({b"retry-after": b"Tue, 24 Nov 2026 10:00:30 GMT", b"date": b"yesterday"}, None),
        ({b"retry-after": b"Tue, 24 Nov 2026 10:00:30", b"date": DATE}, None),
    ],
)
def test_what_a_server_says_of_when_to_come_back(headers: dict[bytes, bytes], seconds: float | None) -> None:
    assert told_wait_s(headers) == seconds
