"""Receivers, names and places as the configuration says them; what cannot be used is refused by the option's name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tidegate.app import App
from tidegate.app.watch.parts import known_names, place_of, receivers_of
from tidegate.backends.transport import Transport
from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.config import parse_config
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import Misconfigured
from tidegate.surfaces.metrics.meter import Place

SECRET = "a secret of at least 24 characters"


def receivers(*written: dict[str, Any], **environment: str) -> list[Any]:
    return receivers_of(parse_config({"alerts": [*written]}), environment, Transport())


def test_a_receiver_is_outside_takes_nothing_but_public_and_keeps_its_path_to_itself() -> None:
    (found,) = receivers(
        {"url": "https://hook.test/a/b?token=t", "secret_env": "S", "events": ["balance_low"]}, S=SECRET
    )
    _, endpoint, path = found.post.args
    assert (endpoint.boundary, endpoint.accepts) == (Boundary.EXTERNAL, DataClass.PUBLIC)
    assert (endpoint.scheme, endpoint.host, endpoint.port, path) == ("https", "hook.test", 443, "/a/b?token=t")
    assert (found.host, found.events, found.key) == ("hook.test", {"balance_low"}, SECRET.encode())
    assert "token" not in repr(found)
    assert SECRET not in repr(found)


def test_two_receivers_of_one_url_are_told_apart_by_their_events_and_are_equal_to_themselves() -> None:
    written = [{"url": "http://h:1"}, {"url": "http://h:1", "events": ["backend_up"]}]
    first, second = receivers(*written)
    assert first != second
    assert [first, second] == receivers(*written)
    assert first.post.args[1].name != second.post.args[1].name, "each has its own connections"


@pytest.mark.parametrize(
    ("alert", "told"),
    [
        ({"url": "ftp://h/"}, "url must look like"),
        ({"url": "https://"}, "url must look like"),
        ({"url": "https://u:p@h/"}, "url must look like"),
        ({"url": "https://h/#a"}, "url must look like"),
        ({"url": "https://h/\nX-Header: a"}, "url"),
        ({"url": "https://h/a b"}, "characters"),
        ({"url": "http://[::1"}, "not a URL"),
        ({"url": "https://h/", "secret_env": "MISSING"}, "MISSING is not set"),
        ({"url": "https://h/", "secret_env": "SHORT"}, "at least 24 bytes"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_served(alert: dict[str, Any], told: str) -> None:
    with pytest.raises(Misconfigured, match=told) as refused:
        receivers(alert, SHORT="too short")
    assert refused.value.message.startswith("[[alerts]] 1 ")
    assert "too short" not in refused.value.message


def test_names_are_those_of_configuration_and_contract() -> None:
    written = {
        "backends": {"home": {"kind": "fake", "models": ["own-model"]}},
        "aliases": {"mine": {"targets": ["home"]}},
    }
    names = known_names(parse_config(written), contract_named(DEFAULT_PROFILE))
    assert {"auto", "local", "mine", "own-model", "deepseek-flash", "deepseek-chat"} <= {*names}


def test_places_are_told_by_kind_host_and_port(tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    model.write_bytes(b"GGUF")
    backends = {
        "gpu": {"kind": "vllm", "base_url": "http://127.0.0.1:8001"},
        "cloud": {"kind": "deepseek"},
        "scripted": {"kind": "fake"},
    }
    written = {"backends": backends, "probe": {"enabled": False}, "embedded": {"enabled": True}}
    place = place_of(App(parse_config(written), {"DEEPSEEK_API_KEY": "k"}, tmp_path, model).registry.find)
    assert place("gpu") == Place("vllm", "127.0.0.1", "8001")
    assert place("cloud") == Place("deepseek", "api.deepseek.com", "443")
    assert place("embedded") == Place("embedded")
    assert place("scripted") == place("nobody") == Place()
