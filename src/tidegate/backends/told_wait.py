"""When a server says that it may be asked again. Reads a header; waits for nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(rb"\d{1,9}(\.\d{1,3})?")


def told_wait_s(headers: Mapping[bytes, bytes]) -> float | None:
    """Seconds from now, of `Retry-After` (RFC 9110, 10.2.3); None where it says nothing that can be read.

    A date in it is compared with the date of the answer: both are of the server's clock, which need not be ours.
    """
    told = headers.get(b"retry-after")
    if told is None:
        return None
    if _SECONDS.fullmatch(told):
        return float(told)
    try:
        again, now = (parsedate_to_datetime(date.decode("ascii")) for date in (told, headers.get(b"date", b"")))
        return max(0.0, (again - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None  # TypeError: one of the two names no time zone
