"""The steward's own part of a reload: what cannot be enforced reaches no worker. The journeys have start, end and kills."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from tidegate.cli.steward import Stewarding
from tidegate.config import Config, parse_config
from tidegate.ledger.store import Ledger
from tidegate.steward.orders import Prepared

QUIET: dict[str, Any] = {
    "embedded": {"enabled": False},
    "probe": {"enabled": False},
    "backends": {"home": {"kind": "fake"}},
}


async def stewarding(folder: Path, monkeypatch: pytest.MonkeyPatch, fresh: Config) -> tuple[Stewarding, list[bytes]]:
    given: list[bytes] = []
    ledger = Ledger(folder / "ledger.sqlite3")
    ledger.open()
    ledger.close()
    listener = socket.create_server(("127.0.0.1", 0))
    made = Stewarding(parse_config(QUIET), lambda: fresh, listener=listener, state=folder, file=None, model=None)
    listener.close()

    async def reload(config: bytes) -> Prepared:
        given.append(config)
        return Prepared()

    monkeypatch.setattr(made.crew, "reload", reload)
    await made._reload()
    return made, given


async def test_what_cannot_be_enforced_reaches_no_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh = parse_config(QUIET | {"aliases": {"a": {"targets": ["nowhere"]}}})
    _, given = await stewarding(tmp_path, monkeypatch, fresh)
    assert given == []
    assert "not reloaded" in capsys.readouterr().err


async def test_what_needs_a_restart_stays_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh = parse_config(QUIET | {"server": {"workers": 5, "port": 1}, "timeouts": {"queue_s": 7.0}})
    made, given = await stewarding(tmp_path, monkeypatch, fresh)
    assert len(given) == 1
    shown = capsys.readouterr().err
    assert "[server] port" in shown
    assert "[server] workers" in shown
    assert (made._lanes._wait_s, made._config.server.workers) == (7.0, 1)
