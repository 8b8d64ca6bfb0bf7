"""One more exchange for the same request: it keeps who asked and what was found, and nothing of how the first went."""

from __future__ import annotations

from decimal import Decimal

from tests.support.world import World

from tidegate.core.boundary import DataClass
from tidegate.core.decision import Decision
from tidegate.pipeline.beside import beside, with_rule
from tidegate.routing.rules import SHADOWED


def test_it_is_booked_by_itself_and_names_the_first() -> None:
    world = World()
    with world.gateway.exchange("test") as first:
        first.client, first.request_bytes, first.request_hash = "c", 7, "hash"
        first.found, first.rows, first.action = {"SEN001": 1}, ("row",), "allow"
        first.backend, first.cost_usd, first.status = "a", Decimal(1), 200
        with beside(world.gateway, first, "each") as second:
            assert (second.shadow_of, second.surface) == (first.exchange_id, "each")
            assert (second.client, second.request_bytes, second.request_hash) == ("c", 7, "hash")
            assert (second.found, second.rows, second.action) == ({"SEN001": 1}, ("row",), "allow")
            second.found["SEN002"] = 1
            assert (second.backend, second.cost_usd, second.status, second.decision) == (None, None, 0, None)
    assert first.found == {"SEN001": 1}
    assert [entry.surface for entry in world.booked] == ["each", "test"]


def test_a_rule_is_added_at_the_end() -> None:
    decision = Decision("m", DataClass.PUBLIC, ("CLS001",), (), ())
    assert with_rule(decision, SHADOWED).rules == ("CLS001", "RTE050")
