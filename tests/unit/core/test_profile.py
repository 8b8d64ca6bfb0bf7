from __future__ import annotations

import pytest

from tidegate.core.profile import Fact, Profile, Way


@pytest.mark.parametrize(("way", "offered"), [("native", True), ("emulated", True), ("refused", False), (None, False)])
def test_only_what_is_known_to_work_is_offered(way: Way | None, offered: bool) -> None:
    profile = Profile("m", facts=(Fact("json", way, "declared"),))
    assert profile.offers("json") is offered


def test_a_fact_that_nobody_stated_is_unknown() -> None:
    profile = Profile("m", facts=(Fact("json", "native", "measured"),))
    assert profile.fact("fim") == Fact("fim", None, "unknown")
    assert not profile.offers("fim")
