"""The watch over a real gateway before the simulator: alerts that arrive signed, metrics, and a status that is looked at on."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.support.process import Running, own_folders, tidegate_up
from tests.support.simulated import KEY, Simulated, simulated
from tests.support.upstreams import Request, Upstream, head, served

KEY_BYTES = bytes(range(100, 132))
SECRET = "whsec_" + base64.b64encode(KEY_BYTES).decode()
CANARY = "nightjar-4711-canary"
CONFIG = """
probe.enabled = false
embedded.enabled = false
watch = {{ balance_interval_s = 0.1, low_balance = 2.0 }}
breaker = {{ failures = 2, open_s = 0.2, longest_open_s = 0.2 }}
retry = {{ attempts = 1 }}
[backends.deepseek]
kind = "deepseek"
base_url = "{sim}"
[[alerts]]
url = "{hook}/hook?token=of-the-url"
secret_env = "ALERT_SECRET"
"""
PATIENCE_S = 30.0
NUMBERS = itertools.count()


class Hook(Upstream):
    """Takes alerts, or fails as it is told; what it heard comes in order."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.answer = head("204 No Content", length=0)
        self.heard: queue.Queue[Request] = queue.Queue()

    async def _answer(self, request: Request) -> bool:
        self.heard.put(request)
        await request.reply(self.answer)
        return bool(self.answer)

    def next(self) -> tuple[Request, dict[str, Any]]:
        request = self.heard.get(timeout=PATIENCE_S)
        return request, json.loads(request.body)


@pytest.fixture
def hook() -> Generator[Hook]:
    with served(Hook()) as found:
        assert isinstance(found, Hook)
        yield found


@contextmanager
def gateway(folder: Path, sim: Simulated, hook: Hook, more: str = "", **environment: str) -> Generator[Running]:
    config = CONFIG.format(sim=sim.url, hook=hook.url) + more
    with tidegate_up(folder, config, DEEPSEEK_API_KEY=KEY, ALERT_SECRET=SECRET, **environment) as running:
        yield running


def ask(running: Running, **headers: str) -> int:
    """Each time another request: the same one that fails again counts once (RES004)."""
    body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": f"{CANARY} {next(NUMBERS)}"}]}
    return running.post(body | {"thinking": {"type": "disabled"}, "max_tokens": 8}, headers)[0]


def scrape(running: Running) -> str:
    connection = HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        assert response.status == 200
        return response.read().decode()
    finally:
        connection.close()


def sample(text: str, name: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            if one.name == name and labels.items() <= one.labels.items():
                return one.value
    return None


def signature_of(request: Request) -> tuple[str, str]:
    """What the headers say, and what it must be: RFC 2104 by hand, over the bytes that arrived."""
    lines = [line.partition(": ") for line in request.head.decode().split("\r\n")[1:]]
    told = {name.lower(): value for name, _, value in lines}
    message = f"{told['webhook-id']}.{told['webhook-timestamp']}.".encode() + request.body
    block = KEY_BYTES.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + message).digest()
    mac = hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).digest()
    return told["webhook-signature"], "v1," + base64.b64encode(mac).decode()


def until(holds: Callable[[], bool]) -> None:
    """Polls, without a pause that would be too short somewhere: each look is a request to the gateway."""
    limit = threading.Event()
    timer = threading.Timer(PATIENCE_S, limit.set)
    timer.start()
    try:
        while not holds():
            assert not limit.is_set(), "it did not come to be"
    finally:
        timer.cancel()


def test_a_balance_that_falls_is_told_in_alert_log_status_and_metrics(folder: Path, hook: Hook) -> None:
    with simulated() as sim, gateway(folder, sim, hook) as running:
        until(lambda: sample(scrape(running), "tidegate_balance", currency="USD") is not None)
        assert sample(scrape(running), "tidegate_balance_low", backend="deepseek") == 0
        sim.set_account("1.25")
        request, alert = hook.next()
        assert request.head.startswith(b"POST /hook?token=of-the-url HTTP/1.1")
        said, right = signature_of(request)
        assert said == right
        assert (alert["type"], alert["data"]["rule"]) == ("balance_low", "RES052")
        assert (alert["data"]["balance_usd"], alert["data"]["low_balance"]) == ("1.25", "2")
        status = running.get("/-/status")[1]
        assert (status["balance"]["low"], status["balance"]["amounts"]) == (True, {"USD": "1.25"})
        assert [one["event"] for one in status["alerts"]["last"]] == ["balance_low"]
        assert sample(scrape(running), "tidegate_balance_low", backend="deepseek") == 1
        assert sample(scrape(running), "tidegate_balance", currency="USD") == 1.25
        sim.set_account("50")
        assert hook.next()[1]["type"] == "balance_ok"
        until(lambda: sample(scrape(running), "tidegate_alerts_sent_total", event="balance_ok") == 1)
        assert running.stop() == 0
    assert running.output.count("RES052") == 1, "once per crossing"
    assert "of-the-url" not in running.output
    assert hook.heard.empty()


def test_a_failing_backend_is_told_and_no_alert_holds_content_or_keys(folder: Path, hook: Hook) -> None:
    with simulated() as sim, gateway(folder, sim, hook) as running:
        assert ask(running) == 200
        sim.arm("500", times=2)
        assert [ask(running), ask(running)] == [502, 502]
        down = hook.next()
        told = {name: value for name, value in down[1]["data"].items() if name not in ("rule", "title")}
        assert (down[1]["type"], told) == (
            "backend_down",
            {"backend": "deepseek", "because": "breaker", "model": "deepseek-flash"},
        )
        until(lambda: ask(running) == 200)
        up = hook.next()
        assert up[1]["type"] == "backend_up"
        text = scrape(running)
        history = running.get("/-/status")[1]["history"]["backends"]["deepseek"]
    for request, _ in (down, up):
        for secret in (CANARY, KEY, SECRET, base64.b64encode(KEY_BYTES).decode()):
            assert secret.encode() not in request.head + request.body
    for secret in (CANARY, KEY, SECRET):
        assert secret not in text
    changes = [(one["what"], one["became"]) for one in history["changes"]]
    assert changes[-2:] == [("breaker deepseek-flash", "open"), ("breaker deepseek-flash", "closed")]
    assert sum(filter(None, history["failed"])) >= 2
    assert sample(text, "tidegate_breaker_opened_total", backend="deepseek") == 1
    assert sample(text, "tidegate_attempts_total", backend="deepseek", outcome="BackendFailed") == 2


def test_a_receiver_that_fails_disturbs_no_request_and_is_said_once(folder: Path, hook: Hook) -> None:
    hook.answer = head("307 Temporary Redirect", "text/plain", f"Location: {hook.url}/elsewhere", length=0)
    with simulated() as sim, gateway(folder, sim, hook) as running:
        sim.set_account("1.25")
        request, _ = hook.next()
        assert request.head.startswith(b"POST /hook")
        assert {ask(running) for _ in range(20)} == {200}
        assert sample(scrape(running), "tidegate_alerts_waiting") == 1
        assert running.stop() == 0, "nobody waits for the receiver"
    assert running.output.count("does not take them: HTTP 307") == 1
    assert hook.heard.empty(), "a redirect is not followed"


def test_guessing_keys_is_told(folder: Path, hook: Hook) -> None:
    clients = '[[clients]]\nname = "ann"\nkey_env = "ANN"\n'
    with simulated() as sim, gateway(folder, sim, hook, clients, ANN="key-of-ann") as running:
        statuses = {ask(running, authorization=f"Bearer wrong-{number}") for number in range(12)}
        assert statuses <= {401, 429}
        request, alert = hook.next()
    assert (alert["type"], alert["data"]["rule"]) == ("key_refused", "RES055")
    assert b"wrong-" not in request.body


@contextmanager
def watching(folder: Path, url: str, *flags: str) -> Generator[tuple[subprocess.Popen[str], queue.Queue[str]]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tidegate", "status", "--watch", "--interval", "0.1", "--url", url, *flags],
        stdout=subprocess.PIPE,
        text=True,
        env=own_folders(folder, PYTHONUNBUFFERED="1"),
    )
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line.rstrip("\n"))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield process, lines
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(PATIENCE_S)
        thread.join(PATIENCE_S)
        assert process.stdout is not None
        process.stdout.close()


def seek(lines: queue.Queue[str], wanted: str) -> str:
    while wanted not in (line := lines.get(timeout=PATIENCE_S)):
        pass
    return line


def test_status_is_looked_at_over_a_restart_and_ctrl_c_ends_it_well(folder: Path) -> None:
    config = 'probe.enabled = false\n[backends.home]\nkind = "fake"\n'
    with (
        tidegate_up(folder, config, "--no-embedded") as running,
        watching(folder, running.url) as (process, lines),
        watching(folder, running.url, "--json") as (_, documents),
    ):
        seek(lines, "backend home: up")
        assert json.loads(documents.get(timeout=PATIENCE_S))["backends"][0]["name"] == "home"
        assert running.stop(signal.SIGTERM) == 0
        seek(lines, "gateway: away")
        seek(documents, '"error"')
        with tidegate_up(folder, config, "--no-embedded", "--port", str(running.port)):
            seek(lines, "gateway: up")
            seek(documents, '"backends"')
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_S) == 0
