"""The tables: what may be left out, and which values are refused."""

from __future__ import annotations

import pytest

from tidegate.config import parse_config
from tidegate.core.errors import Misconfigured


def test_order_and_shadow_are_off_unless_asked_for() -> None:
    config = parse_config({"aliases": {"a": {"targets": ["b"]}}})
    assert config.routing.order == "configured"
    assert (config.shadow.to, config.shadow.share) == ((), 1.0)
    assert (config.aliases["a"].order, config.aliases["a"].answers) == (None, "first")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"routing": {"order": "cheapest"}}, "config option routing.order: 'cheapest' is not one of configured"),
        ({"shadow": {"share": 0}}, "config option shadow.share"),
        ({"aliases": {"a": {"targets": ["b"], "answers": "both"}}}, "'both' is not one of first, each"),
    ],
)
def test_a_wrong_value_names_its_option(written: dict[str, object], said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        parse_config(written)
