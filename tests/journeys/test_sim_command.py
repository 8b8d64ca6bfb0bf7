"""`tidegate sim` in a process of its own: it serves, it stops, and a real model can speak through it."""

from __future__ import annotations

import json
import signal
import socket
from http.client import IncompleteRead
from pathlib import Path

import pytest
from tests.support.process import serving, tidegate

ASKED = {
    "model": "deepseek-flash",
    "messages": [{"role": "user", "content": "Return exactly: OK"}],
    "max_tokens": 24,
}
AUTHORIZED = {"Authorization": "Bearer sk-test-0000"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop(folder: Path, number: int) -> None:
    with serving(folder, "sim", "--port", "0") as running:
        status, answer = running.post({**ASKED, "thinking": {"type": "disabled"}}, AUTHORIZED)
        assert (status, answer["choices"][0]["message"]["content"]) == (200, "OK")
        status, refused = running.post(ASKED, {**AUTHORIZED, "x-sim-fault": "503"})
        assert (status, refused["error"]["code"]) == (503, "service_unavailable_error")
        assert running.stop(number) == 0
    assert "Traceback" not in running.output


def test_a_broken_connection_leaves_no_noise(folder: Path) -> None:
    with serving(folder, "sim", "--port", "0") as running:
        with pytest.raises(IncompleteRead):
            running.post(ASKED, {**AUTHORIZED, "x-sim-fault": "cut=20"})
        assert running.stop() == 0
    assert running.lines[-1].startswith("Serving"), running.output


def test_a_stop_with_an_open_answer_leaves_no_trace(folder: Path) -> None:
    with serving(folder, "sim", "--port", "0") as running:
        host, port = running.url.removeprefix("http://").split(":")
        body = json.dumps(ASKED).encode()
        with socket.create_connection((host, int(port)), timeout=30) as client:
            head = f"POST /chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer sk-test-0000\r\n"
            more = f"Content-Type: application/json\r\nx-sim-fault: stall\r\nContent-Length: {len(body)}\r\n\r\n"
            client.sendall((head + more).encode() + body)
            assert client.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")  # also without a stream the head is out
            assert running.stop(signal.SIGINT) == 0
    assert running.lines[-1].startswith("Serving"), running.output


def test_a_wrong_option_is_one_line_and_code_two(folder: Path) -> None:
    done = tidegate(folder, "sim", "--profile", "2025-01")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tidegate: --profile: expected one of 2026-04-preview")


def test_the_embedded_model_can_be_the_brain(folder: Path, model_path: Path) -> None:
    with serving(folder, "sim", "--port", "0", "--brain", "embedded", "--model", str(model_path)) as running:
        status, answer = running.post(ASKED, AUTHORIZED)
        assert status == 200
        message, usage = answer["choices"][0]["message"], answer["usage"]
        assert message["reasoning_content"]
        assert (answer["model"], usage["prompt_tokens"]) == ("deepseek-flash", 34)
        assert 0 < usage["completion_tokens"] <= 24
        assert running.stop() == 0
