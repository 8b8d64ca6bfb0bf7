"""The looking at requests, for tests that put a gateway together themselves: nothing is looked for unless a scanner is given."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from tidegate.pipeline.screening import Screening
from tidegate.privacy.conversations import Conversations
from tidegate.privacy.detection import Detection
from tidegate.privacy.masking.pseudonyms import Vault
from tidegate.routing.policy import Policy


def screening(
    policy: Policy | None = None,
    scanner: Any = None,
    *,
    slow: Any = None,
    conversations: Conversations | None = None,
    random: Callable[[int], bytes] = os.urandom,
    wall_clock: Callable[[], float] = lambda: 1_700_000_000.0,
    timer: Callable[[], float] = lambda: 0.0,
) -> Screening:
    detection = Detection(scanner, budget_s=1.0, timer=timer, slow=slow)
    remembered = conversations or Conversations(b"key", 1000.0)
    return Screening(policy or Policy(), detection, remembered, Vault(random, 1000.0), wall_clock)
