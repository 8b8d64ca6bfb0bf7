"""What the steward says about serving goes over as it is."""

from __future__ import annotations

import msgspec
import pytest

from tidegate.config import Config, parse_config
from tidegate.steward.orders import Order, Prepared, Ready, WorkerView

SAID = [
    Order(2, b"\x80", "/etc/tidegate.toml", None, 3),
    Ready(("a", "b")),
    Prepared(("[server] port",)),
    WorkerView(1, "ready", 12, 1.5, 2, "signal SIGKILL"),
]


@pytest.mark.parametrize("said", SAID, ids=lambda said: type(said).__name__)
def test_it_comes_over_as_it_is(said: object) -> None:
    over = msgspec.msgpack.decode(msgspec.msgpack.encode(said))
    assert msgspec.convert(over, type(said)) == said


def test_a_configuration_comes_over_with_every_kind_of_option() -> None:
    config = parse_config(
        {
            "server": {"workers": 3},
            "backends": {"box": {"kind": "ollama", "base_url": "http://127.0.0.1:1", "slots": 2}},
            "aliases": {"a": {"targets": ["box"], "class": "private"}},
            "clients": [{"name": "c", "key_env": "K", "class": "internal", "budget_usd_per_day": 1.0}],
            "policy": [{"name": "p", "found": ["SEN010"], "action": "mask"}],
        }
    )
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(config), type=Config) == config
