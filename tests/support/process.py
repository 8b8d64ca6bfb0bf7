"""A real `tidegate` that serves, in a process of its own, on a free port, with folders of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

START_LIMIT_S = 90
STOP_LIMIT_S = 20


@dataclass
class Running:
    """A gateway or a simulator that serves. `lines` is all it has printed so far, both outputs together."""

    process: subprocess.Popen[str]
    url: str
    port: int
    state: Path
    lines: list[str]
    drained: threading.Event = field(default_factory=threading.Event)
    said: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, words: str, times: int = 1) -> None:
        """Returns when it has printed these words so often."""
        with self.said:
            heard = self.said.wait_for(lambda: self.output.count(words) >= times, START_LIMIT_S)
        assert heard, f"it did not say {words!r}: {self.output}"

    def post(
        self, body: Any, headers: dict[str, str] | None = None, path: str = "/chat/completions"
    ) -> tuple[int, Any]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, raw, {"Content-Type": "application/json", **(headers or {})})

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        return self.request("GET", path, None, headers or {})

    def request(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            self.headers = {name.lower(): value for name, value in response.getheaders()}
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def engine_pid(self) -> int:
        """The one child of the gateway's process."""
        return int(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0])

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        code = self.process.wait(STOP_LIMIT_S)
        self.drained.wait(STOP_LIMIT_S)
        return code

    @property
    def output(self) -> str:
        return "".join(self.lines)


def own_folders(folder: Path, **more: str) -> dict[str, str]:
    """An environment whose state and configuration are this test's own; the model cache is the user's."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DEEPSEEK_API_KEY", "TIDEGATE_KEY")}
    return {**kept, "XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config"), **more}


@contextmanager
def tidegate_up(folder: Path, config: str = "", *flags: str, **environment: str) -> Generator[Running]:
    """Serving when the block begins; stopped, one way or the other, when it ends."""
    file = folder / "tidegate.toml"
    file.write_text(config)
    with serving(folder, "up", "--port", "0", "--config", str(file), *flags, **environment) as running:
        yield running


@contextmanager
def serving(folder: Path, *words: str, **environment: str) -> Generator[Running]:
    """A command that serves, from its line `Serving` on."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tidegate", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=own_folders(folder, PYTHONUNBUFFERED="1", **environment),
        start_new_session=True,
    )
    lines: list[str] = []
    listening, running = threading.Event(), Running(process, "", 0, folder / "state" / "tidegate", lines)

    def drain() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with running.said:
                lines.append(line)
                running.said.notify_all()
            if line.startswith("Serving"):
                listening.set()
        listening.set()
        running.drained.set()

    threading.Thread(target=drain, daemon=True).start()
    try:
        assert listening.wait(START_LIMIT_S), f"it did not start: {running.output}"
        found = re.search(r"at (https?://127\.0\.0\.1:(\d+))", running.output)
        assert found, f"it said no address: {running.output}"
        running.url, running.port = found[1], int(found[2])
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(STOP_LIMIT_S)
        running.drained.wait(STOP_LIMIT_S)
        assert process.stdout is not None
        process.stdout.close()


def tidegate(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "tidegate", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        env=own_folders(folder, **environment),
    )
