"""The parts that look at requests, put together from the configuration."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable

from tidegate.config import Config
from tidegate.pipeline.ahead import Spread
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


def conversations_of(salt: bytes, sticky_s: float, private_before: Iterable[tuple[str, float]]) -> Conversations:
    """`salt` is the ledger's: with the same one the conversations of `private_before` (digest, unix seconds) are known."""
    conversations = Conversations(hashlib.blake2b(salt, person=b"conversations").digest(), sticky_s)
    for mark, seen_at in private_before:
        conversations.remember((mark,), seen_at)
    return conversations


def screening_of(
    config: Config,
    policy: Policy,
    *,
    scanner: Scanner | None,
    slow: LooksSlowly | None,
    conversations: Conversations,
    vault: Vault,
    spread: Spread | None = None,
) -> Screening:
    """`spread` makes what is known to be private known to other processes."""
    privacy = config.privacy
    detection = Detection(
        scanner, budget_s=privacy.budget_s, timer=time.perf_counter, slow=slow, slow_budget_s=privacy.slow_budget_s
    )
    return Screening(policy, detection, conversations, vault, time.time, spread)
