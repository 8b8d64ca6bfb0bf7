"""The real process told to stop or to read its configuration again, in the middle of answers that the test holds."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import termios
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from tests.support.held import BODY, PATIENCE_S, HeldUpstream, streaming
from tests.support.process import Running, own_folders, tidegate, tidegate_up
from tests.support.upstreams import served

JSON = {"Content-Type": "application/json"}
pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has other signals")


def config(upstream: HeldUpstream, name: str = "b", options: str = "", server: str = "") -> str:
    return (
        f"[probe]\nenabled = false\n[profiles]\nmeasure = false\n[server]\n{server}\n"
        f"[backends.{name}]\nkind = 'generic'\nbase_url = '{upstream.url}'\nmodels = ['m']\n{options}\n"
    )


def rows(running: Running) -> list[tuple[Any, ...]]:
    """(status, error, backend) of every exchange, in the order of the books."""
    with closing(sqlite3.connect(running.state / "ledger.sqlite3")) as ledger:
        return ledger.execute("SELECT status, error, backend FROM exchanges ORDER BY seq").fetchall()


def wait_for_end(running: Running) -> int:
    return running.process.wait(PATIENCE_S)


def test_a_stream_ends_and_is_booked_while_nothing_new_is_begun(tmp_path: Path) -> None:
    with (
        served(HeldUpstream()) as upstream,
        tidegate_up(tmp_path, config(upstream), "--no-embedded") as running,
        closing(HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE_S)) as kept_alive,
        streaming(running.port, "b/m") as stream,
    ):
        kept_alive.request("GET", "/-/ready")
        assert kept_alive.getresponse().read() == b'{"status":"ready"}'
        upstream.begun.get(timeout=PATIENCE_S)
        running.process.send_signal(signal.SIGTERM)
        running.wait_for("draining: 1 answer open, up to 30 s")
        with pytest.raises(ConnectionRefusedError):
            running.get("/-/health")
        # Who is connected is told where it stands; then its connection is closed.
        sent = json.dumps({"model": "b/m", **BODY})
        kept_alive.request("POST", "/chat/completions", sent, JSON)
        refused = kept_alive.getresponse()
        assert (refused.status, refused.headers["retry-after"], refused.headers["connection"]) == (503, "5", "close")
        assert "is being stopped" in json.loads(refused.read())["error"]["message"]
        upstream.go()
        response = stream.ended()
        assert (response.status, stream.text, stream.done, stream.error) == (200, "first last", True, None)
        assert wait_for_end(running) == 0
        assert running.output.rstrip().endswith("Stopped; the ledger is written.")
        assert rows(running) == [(200, None, "b")]


def test_whoever_is_connected_hears_that_it_is_not_ready(tmp_path: Path) -> None:
    with (
        served(HeldUpstream()) as upstream,
        tidegate_up(tmp_path, config(upstream), "--no-embedded") as running,
        closing(HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE_S)) as one,
        closing(HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE_S)) as other,
        streaming(running.port, "b/m"),
    ):
        for connection in (one, other):
            connection.connect()
            connection.request("GET", "/-/health")
            connection.getresponse().read()
        upstream.begun.get(timeout=PATIENCE_S)
        running.process.send_signal(signal.SIGINT)
        running.wait_for("draining: 1 answer open")
        one.request("GET", "/-/ready")
        ready = one.getresponse()
        assert (ready.status, json.loads(ready.read())) == (503, {"status": "draining"})
        other.request("GET", "/-/status")
        assert json.loads(other.getresponse().read())["draining"] is True
        upstream.go()
        assert wait_for_end(running) == 0


@pytest.mark.parametrize("second_signal", [False, True])
def test_an_answer_that_is_still_open_is_cut_with_an_error_and_booked_once(tmp_path: Path, second_signal: bool) -> None:
    drain_s = "drain_s = 600" if second_signal else "drain_s = 0.1"
    with (
        served(HeldUpstream()) as upstream,
        tidegate_up(tmp_path, config(upstream, server=drain_s), "--no-embedded") as running,
        streaming(running.port, "b/m") as stream,
        streaming(running.port, "b/m", stream=False) as whole,
    ):
        for _ in range(2):
            upstream.begun.get(timeout=PATIENCE_S)
        running.process.send_signal(signal.SIGTERM)
        running.wait_for("draining: 2 answers open")
        if second_signal:
            running.process.send_signal(signal.SIGTERM)
        assert (stream.ended().status, stream.text, stream.done) == (200, "first", False)
        assert stream.error is not None
        assert "stopped before this answer was complete" in stream.error
        response = whole.ended()
        assert (response.status, response.headers["retry-after"]) == (503, "5")
        for _ in range(2):  # the backend was left, so that it works no more for nobody
            upstream.left.get(timeout=PATIENCE_S)
        assert wait_for_end(running) == 0
        running.drained.wait(PATIENCE_S)
        assert "draining: 2 cut before their end" in running.output
        assert "Traceback" not in running.output
        assert rows(running) == [(503, "Draining", "b")] * 2


@pytest.mark.parametrize("goes_on", [True, False])
def test_who_waits_for_a_slot_is_answered_too_or_told_before_anything_is_sent(tmp_path: Path, goes_on: bool) -> None:
    server = "" if goes_on else "drain_s = 0.1"
    with (
        served(HeldUpstream()) as upstream,
        tidegate_up(tmp_path, config(upstream, options="slots = 1", server=server), "--no-embedded") as running,
        streaming(running.port, "b/m") as first,
    ):
        upstream.begun.get(timeout=PATIENCE_S)
        with streaming(running.port, "b/m") as second:
            while not waits(running):
                pass
            running.process.send_signal(signal.SIGTERM)
            running.wait_for("draining: 2 answers open")
            if goes_on:
                upstream.go()
            assert (first.ended().status, second.ended().status) == ((200, 200) if goes_on else (200, 503))
            assert (first.text, second.text) == (("first last",) * 2 if goes_on else ("first", ""))
        assert wait_for_end(running) == 0
        booked = {(200, None, "b")} if goes_on else {(503, "Draining", "b"), (503, "Draining", None)}
        assert (len(rows(running)), set(rows(running))) == (2, booked)


def waits(running: Running) -> int:
    backends = running.get("/-/status")[1]["backends"]
    return int(backends[0]["slots"]["waiting"])


def test_a_hangup_reloads_a_good_file_and_refuses_a_bad_one(tmp_path: Path) -> None:
    with (
        served(HeldUpstream()) as upstream,
        tidegate_up(tmp_path, config(upstream), "--no-embedded") as running,
    ):
        upstream.go()
        asked = {"model": "neu", **BODY}
        assert running.post(asked)[0] == 400
        file = tmp_path / "tidegate.toml"
        file.write_text(config(upstream) + "[aliases.neu]\ntargets = ['nobody']\n")
        running.process.send_signal(signal.SIGHUP)
        running.wait_for("not reloaded, the configuration before stays in force: [aliases.neu] targets")
        checked = tidegate(tmp_path, "config", "check", "--config", str(file))
        assert (checked.returncode, "[aliases.neu] targets: there is no backend" in checked.stderr) == (2, True)
        assert running.post({**asked, "model": "b/m"})[0] == 200
        file.write_text(config(upstream, server="port = 1") + "[aliases.neu]\ntargets = ['b']\n")
        running.process.send_signal(signal.SIGHUP)
        running.wait_for("configuration 2 is in force for new requests")
        assert running.post(asked)[0] == 200
        loaded = running.get("/-/status")[1]["config"]
        assert (loaded["file"], loaded["generation"]) == (str(file), 2)
        assert "Traceback" not in running.output
        assert running.stop(signal.SIGTERM) == 0


def test_a_gateway_ends_with_the_terminal_that_it_was_started_on(tmp_path: Path) -> None:
    """Its window was closed: the kernel sends the signal that else means a reload, and nobody reads what is said."""
    fake = "[embedded]\nenabled = false\n[probe]\nenabled = false\n[backends.home]\nkind = 'fake'\n"
    (tmp_path / "tidegate.toml").write_text(fake)
    window, terminal = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "tidegate", "up", "--port", "0", "--config", str(tmp_path / "tidegate.toml")],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=terminal,
        env=own_folders(tmp_path, PYTHONUNBUFFERED="1"),
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0) and None,
        text=True,
    ) as process:
        os.close(terminal)
        assert process.stdout is not None
        port = 0
        for line in process.stdout:
            port = int(found[1]) if (found := re.search(r"at http://127\.0\.0\.1:(\d+)", line)) else port
            if line.startswith("Serving"):
                break
        with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)) as connection:
            connection.request("POST", "/chat/completions", json.dumps({"model": "home", **BODY}), JSON)
            assert connection.getresponse().status == 200
            os.close(window)
            assert process.wait(PATIENCE_S) == 0
    with closing(sqlite3.connect(tmp_path / "state" / "tidegate" / "ledger.sqlite3")) as ledger:
        assert ledger.execute("SELECT status FROM exchanges").fetchall() == [(200,)]


def test_a_stream_goes_on_over_a_reload_that_removes_its_backend(tmp_path: Path) -> None:
    with (
        served(HeldUpstream()) as old,
        served(HeldUpstream()) as new,
        tidegate_up(tmp_path, config(old), "--no-embedded") as running,
        streaming(running.port, "b/m") as stream,
    ):
        old.begun.get(timeout=PATIENCE_S)
        new.go()
        (tmp_path / "tidegate.toml").write_text(config(new, "c"))
        running.process.send_signal(signal.SIGHUP)
        running.wait_for("configuration 2 is in force")
        assert running.post({"model": "c/m", **BODY})[0] == 200
        assert running.post({"model": "b/m", **BODY})[0] != 200
        assert (new.begun.qsize(), old.begun.qsize()) == (1, 0)
        old.go()
        stream.ended()
        assert (stream.text, stream.done) == ("first last", True)
        assert running.stop(signal.SIGTERM) == 0
        assert [row[0] for row in rows(running)].count(200) == 2
