"""The parts that look at requests, put together from the configuration."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable

from tidegate.config import Config
from tidegate.pipeline.screening import Screening
from tidegate.privacy.conversations import Conversations
from tidegate.privacy.detection import Detection, LooksSlowly
from tidegate.privacy.masking.pseudonyms import Vault
from tidegate.privacy.patterns.scanner import Scanner, Terms
from tidegate.routing.policy import Policy


def scanner_of(config: Config) -> Scanner | None:
    """The first tier; None where it is off. A pattern that cannot be used is a `Misconfigured`."""
    if not config.privacy.detect:
        return None
    return Scanner([Terms(one.name, one.terms, one.patterns) for one in config.privacy.terms])


def screening_of(
    config: Config,
    policy: Policy,
    *,
    scanner: Scanner | None,
    slow: LooksSlowly | None,
    salt: bytes,
    private_before: Iterable[tuple[str, float]],
) -> Screening:
    """`salt` is the ledger's: with the same one the conversations of `private_before` (digest, unix seconds) are known."""
    privacy = config.privacy
    conversations = Conversations(hashlib.blake2b(salt, person=b"conversations").digest(), privacy.sticky_s)
    for mark, seen_at in private_before:
        conversations.remember((mark,), seen_at)
    detection = Detection(
        scanner, budget_s=privacy.budget_s, timer=time.perf_counter, slow=slow, slow_budget_s=privacy.slow_budget_s
    )
    vault = Vault(os.urandom, privacy.mask_s)
    return Screening(policy, detection, conversations, vault, time.time)
