from __future__ import annotations

from pathlib import Path
from typing import Any

from tidegate.app import App
from tidegate.app.canary_config import ADMIN_KEY, ALERTS, STAND_IN, made_up_keys, stand_ins, stood_in, with_hosted
from tidegate.config import parse_config

WRITTEN: dict[str, Any] = {
    "server": {"host": "0.0.0.0", "port": 4242},
    "ledger": {"path": "/var/lib/ledger.sqlite3"},
    "capture": {"key_env": "CONTENT_KEY", "folder": "/var/lib/content"},
    "shadow": {"to": ["embedded"], "share": 0.1},
    "privacy": {"sticky_s": 60},
    "policy": [{"name": "all-stay", "found": ["any"], "action": "local"}],
    "backends": {
        "cloud": {"kind": "deepseek", "accepts": "internal", "key_env": "CLOUD_KEY"},
        "unvouched": {"kind": "generic", "base_url": "http://127.0.0.1:9"},
        "scripted": {"kind": "fake", "boundary": "external"},
        "home": {"kind": "llamacpp", "base_url": "http://127.0.0.1:8080", "key_env": "HOME_KEY", "accepts": "internal"},
        "rack": {
            "kind": "vllm",
            "base_url": "http://10.0.0.7:8000",
            "boundary": "private",
            "networks": ["10.0.0.0/8"],
        },
    },
    "aliases": {
        "mine": {"targets": ["embedded", "rack/v4", "ollama/qwen3", "cloud/deepseek-flash"], "class": "private"}
    },
    "clients": [{"name": "ann", "key_env": "ANN"}],
}
CONFIG = parse_config(WRITTEN)


def test_what_is_outside_and_what_is_at_home() -> None:
    names = stand_ins(CONFIG)
    assert set(names.outside) == {"cloud", "unvouched", "scripted"}
    assert set(names.home) == {"home", "rack", "ollama", STAND_IN}
    assert names.home["rack"] == ("v4",)
    assert "deepseek-flash" in names.outside["cloud"]


def test_addresses_keys_and_folders_are_not_the_operators(tmp_path: Path) -> None:
    names = stand_ins(CONFIG)
    urls = {name: f"http://127.0.0.1:{5000 + at}" for at, name in enumerate([*names.outside, *names.home])}
    config = stood_in(CONFIG, urls)
    assert {name: one.base_url for name, one in config.backends.items()} == urls
    assert [*config.backends][:5] == [*CONFIG.backends], "the order of asking stays"
    assert (config.server.host, config.ledger.path, config.capture.folder) == ("127.0.0.1", None, None)
    assert (config.embedded.enabled, config.probe.enabled, config.profiles.measure) == (False, False, False)
    assert (config.shadow.to, config.shadow.share) == ((STAND_IN,), 1.0)
    assert config.aliases["mine"].targets == (STAND_IN, "rack/v4", "ollama", "cloud/deepseek-flash")
    assert (config.policy, config.privacy, config.clients) == (CONFIG.policy, CONFIG.privacy, CONFIG.clients)
    assert config.backends["cloud"].accepts == config.backends["home"].accepts == "internal"
    keys = made_up_keys(CONFIG)
    assert set(keys) == {"CLOUD_KEY", "HOME_KEY", "DEEPSEEK_API_KEY", "CONTENT_KEY", "ANN", ADMIN_KEY}
    app = App(config, keys, tmp_path, None)
    boundaries = {view.name: view.boundary.value for view in app.registry.snapshot().backends}
    app.close_connections()
    outside = dict.fromkeys(names.outside, "external")
    assert boundaries == outside | {"home": "device", "rack": "private", "ollama": "device", STAND_IN: "device"}


def test_the_hosted_api_is_part_of_it_as_its_key_would_make_it() -> None:
    empty = parse_config({})
    assert [*with_hosted(empty, hosted=True).backends] == ["deepseek"]
    assert with_hosted(empty, hosted=False) is empty
    assert with_hosted(CONFIG, hosted=True) is CONFIG


def test_where_nothing_is_at_home_something_stands_in() -> None:
    config = parse_config({"embedded": {"enabled": False}, "probe": {"enabled": False}})
    assert [*stand_ins(config).home] == [STAND_IN]


def test_no_alert_of_a_trial_goes_to_a_real_receiver(tmp_path: Path) -> None:
    alerts = [
        {"url": "https://hook.test/x", "secret_env": "S"},
        {"url": "https://other.test/", "events": ["backend_up"]},
    ]
    written = parse_config({**WRITTEN, "alerts": alerts})
    names = stand_ins(written)
    urls = {name: f"http://127.0.0.1:{6000 + at}" for at, name in enumerate([*names.outside, *names.home, ALERTS])}
    config = stood_in(written, urls)
    assert [one.url for one in config.alerts] == [urls[ALERTS]] * 2
    assert config.alerts[1].events == ("backend_up",)
    App(config, made_up_keys(written), tmp_path, None)
