"""Settings become parts; what cannot be simulated is refused before anything is served."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tidegate.catalog.contracts import DEFAULT_PROFILE
from tidegate.core.errors import Misconfigured
from tidegate.simulator.parts import Settings, parts_of
from tidegate.simulator.responder import ScriptedBrain
from tidegate.simulator.seen import KEPT_REQUESTS


def test_the_defaults():
    parts = parts_of(Settings())
    assert parts.contract.profile == DEFAULT_PROFILE
    assert isinstance(parts.brain, ScriptedBrain)
    account = parts.accounts.of("sk-any")
    assert account is not None
    assert (account.balance, account.currency) == (Decimal("10.00"), "USD")


def test_what_was_chosen_arrives():
    at = datetime(2026, 8, 22, 2, 30, tzinfo=UTC)
    parts = parts_of(Settings(profile="2026-08-ga", at=at, time_scale=100, keys={"k": Decimal(1)}, slots=2))
    assert parts.contract.profile == "2026-08-ga"
    assert (parts.clock.now().date(), parts.clock.scale) == (at.date(), 100)
    assert (parts.accounts.of("sk-any"), len(parts.accounts.all())) == (None, 1)


def test_single_parameters_of_the_cache_can_be_changed():
    parts = parts_of(Settings(cache={"build_delay_s": 0, "block_tokens": 64.0}))
    parts.cache.store(("a", ""), list(range(100)), [], 0.0)
    assert parts.cache.lookup(("a", ""), list(range(100)), 0.0) == 64


def test_common_prefixes_are_detected_only_when_asked_for():
    for asked, hit in ((0, 0), (1, 128)):
        cache = parts_of(Settings(cache={"build_delay_s": 0, "common_prefixes": asked})).cache
        for tail in (1, 2):
            cache.store(("a", ""), [*range(200), *[tail] * 200], [], 0.0)
        assert cache.lookup(("a", ""), [*range(200), *[3] * 200], 0.0) == hit


def test_yuan_without_a_price_list_are_refused():
    with pytest.raises(Misconfigured, match="--currency USD"):
        parts_of(Settings(profile="2026-04-preview", currency="CNY"))


def test_seen_requests_are_bounded():
    parts = parts_of(Settings())
    for number in range(KEPT_REQUESTS + 5):
        parts.note("GET", f"/{number}")
    assert (len(parts.seen), parts.seen[0].path) == (KEPT_REQUESTS, "/5")
    assert len({seen.request_id for seen in parts.seen}) == KEPT_REQUESTS
