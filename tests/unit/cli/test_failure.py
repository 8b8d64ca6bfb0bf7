"""Bad news is no wrong use: an exception of its own, outside the error tree of the gateway."""

from __future__ import annotations

import pytest

from tidegate.cli.failure import GatewaySaid
from tidegate.core.errors import GatewayError


def test_bad_news_carries_its_message() -> None:
    with pytest.raises(GatewaySaid, match="it broke off") as raised:
        raise GatewaySaid("it broke off")
    assert raised.value.message == "it broke off"


def test_bad_news_is_never_taken_for_wrong_use() -> None:
    assert not issubclass(GatewaySaid, GatewayError)
