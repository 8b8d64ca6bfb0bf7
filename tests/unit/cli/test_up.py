"""Starting: flags over the file, a port before anything else, a model before anything serves, and what is announced."""

from __future__ import annotations

import gc
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidegate.app import App
from tidegate.cli import up as up_module
from tidegate.cli.serving import bind
from tidegate.cli.up import _looked_for, _model_path, _own_key, _with_flags, announcement, print_exchanges
from tidegate.config import Config, parse_config
from tidegate.core.errors import Misconfigured
from tidegate.core.exchange import Exchange
from tidegate.ledger.entries import entry_of

Run = Callable[..., Any]
WRITTEN = parse_config({"server": {"host": "localhost", "port": 5000}, "embedded": {"model": "mine.gguf", "slots": 3}})


def flagged(config: Config = WRITTEN, **flags: Any) -> Config:
    return _with_flags(config, **{"host": None, "port": None, "model": None, "embedded": True, **flags})


def test_without_flags_the_file_holds() -> None:
    assert flagged() == WRITTEN


def test_flags_come_before_the_file() -> None:
    server = flagged(host="::1", port=0).server
    assert (server.host, server.port, server.body_limit_bytes) == ("::1", 0, WRITTEN.server.body_limit_bytes)
    engine = flagged(model=Path("other.gguf")).embedded
    assert (engine.enabled, engine.model, engine.slots) == (True, "other.gguf", 3)
    assert flagged(embedded=False).embedded.enabled is False


def test_a_named_model_switches_the_engine_on() -> None:
    off = parse_config({"embedded": {"enabled": False}})
    assert flagged(off).embedded.enabled is False
    assert flagged(off, model=Path("m.gguf")).embedded.enabled is True


def test_a_model_without_the_engine_makes_no_sense() -> None:
    with pytest.raises(Misconfigured, match="--model needs the embedded engine; drop --no-embedded"):
        flagged(model=Path("m.gguf"), embedded=False)


def test_a_missing_engine_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(Misconfigured, match=r"run `pip install 'tidegate\[embedded\]'`, or start with --no-embedded"):
        _model_path(Config())


@pytest.fixture
def engine_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object())


@pytest.mark.usefixtures("engine_installed")
def test_a_model_of_your_own_is_checked_and_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    checked: list[Path] = []
    monkeypatch.setattr(up_module, "check_model", checked.append)
    monkeypatch.setattr(up_module, "ensure_model", None)
    assert _model_path(parse_config({"embedded": {"model": "~/m.gguf"}})) == tmp_path / "m.gguf"
    assert checked == [tmp_path / "m.gguf"]


@pytest.mark.usefixtures("engine_installed")
def test_the_demo_model_comes_from_the_users_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ensure(model: Any, folder: Path, say: Callable[[str], None]) -> Path:
        say(f"fetching {model.id}")
        return folder / "demo.gguf"

    monkeypatch.setattr(up_module, "ensure_model", ensure)
    assert _model_path(Config()) == tmp_path / "cache" / "tidegate" / "demo.gguf"
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "fetching smollm2-135m-instruct\n")


def test_what_cannot_be_enforced_is_refused_before_port_and_model(
    tidegate: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched: list[str] = []
    monkeypatch.setattr(up_module, "bind", lambda *_: touched.append("port"))
    monkeypatch.setattr(up_module, "_model_path", lambda _: touched.append("model"))
    (tmp_path / "tidegate.toml").write_text("[server]\nhost = '0.0.0.0'\n")
    shown = tidegate("up")
    assert (shown.code, shown.err.startswith("tidegate: [server] host"), touched) == (2, True, [])


def test_a_busy_port_is_found_before_a_model_is_fetched(tidegate: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up_module, "_model_path", lambda _: pytest.fail("a model was asked for"))
    with bind("127.0.0.1", 0) as taken:
        shown = tidegate("up", "--port", str(taken.getsockname()[1]))
    assert (shown.code, "is in use" in shown.err) == (2, True)


def app(folder: Path, **written: Any) -> tuple[App, Config]:
    options = parse_config({"embedded": {"enabled": False}, "probe": {"enabled": False}, **written})
    return App(options, {"K": "sk-own"}, folder, None), options


def test_the_announcement_says_where_what_and_how_safe(tmp_path: Path) -> None:
    fakes = {"home": {"kind": "fake"}, "cloud": {"kind": "fake", "boundary": "external", "models": ["a", "b"]}}
    gateway, options = app(tmp_path, backends=fakes, privacy={"default_class": "internal"})
    first, *rest = announcement(gateway, options, "http://127.0.0.1:5000", Path("my.toml"))
    assert "at http://127.0.0.1:5000 " in first
    assert rest[0] == "  config    my.toml"
    assert rest[1].startswith("  class     internal unless raised")
    assert rest[2] == "  privacy   personal data and secrets; what is found stays home"
    assert rest[3] == f"  ledger    {tmp_path / 'ledger.sqlite3'} (never content)"
    assert rest[4:6] == ["  backend   home (device, up): fake", "  backend   cloud (external, up): a, b"]


def test_the_announcement_says_what_is_looked_for() -> None:
    terms = [{"name": "falcon", "terms": ["Falcon"]}]
    examples = [{"name": "contracts", "folder": "."}]
    rows = [{"name": "mail", "found": ["SEN010"], "action": "mask"}, {"name": "night", "class": "internal"}]
    config = parse_config({"privacy": {"terms": terms, "names": ["en"], "examples": examples}, "policy": rows})
    assert _looked_for(config) == (
        "personal data and secrets, your terms (falcon), names (en), examples of contracts; "
        "policy: mail (mask), night (internal)"
    )
    assert "nothing is looked for" in _looked_for(parse_config({"privacy": {"detect": False}}))


def test_a_gateway_without_backends_says_what_to_do(tmp_path: Path) -> None:
    gateway, options = app(tmp_path, probe={"enabled": True})
    shown = "\n".join(announcement(gateway, options, "http://127.0.0.1:5000", None))
    assert "  backend   none yet: set DEEPSEEK_API_KEY" in shown
    assert "  config    defaults (no tidegate.toml)" in shown


def test_the_first_prompt_is_asked_with_a_clients_own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K", "sk-own")
    clients = [{"name": "c", "key_env": "K"}, {"name": "d", "key_env": "L"}]
    assert _own_key(parse_config({"clients": clients})) == "sk-own"
    limited = [{"name": "c", "key_env": "L", "models": ["auto"]}, {"name": "d", "key_env": "K", "models": ["embedded"]}]
    assert _own_key(parse_config({"clients": limited})) == "sk-own", "one that may ask the demo model"
    assert _own_key(Config()) is None
    monkeypatch.setenv("TIDEGATE_KEY", "tg_own")
    assert _own_key(Config()) == "tg_own", "as every other command does"


def test_an_exchange_is_one_line_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    refused = Exchange("ex_1", "openai_chat", 3661.0, status=403, error="PolicyRefusal", duration_s=0.004)
    print_exchanges([entry_of(refused)])
    assert capsys.readouterr().err == "01:01:01Z ex_1 403 - -> no backend 0.00s PolicyRefusal\n"


def test_the_collector_is_calmed_and_still_works() -> None:
    before = gc.get_threshold()
    try:
        up_module.calm_collector()
        assert gc.isenabled()
        assert gc.get_threshold()[0] > before[0]
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
