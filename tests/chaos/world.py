"""The processes of one run: a gateway, two simulators, three local runtimes; each with a folder, a log and a port of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.support.process import Running, own_folders, serving

FAKES = {"llama": "llamacpp", "vllm": "vllm", "plain": "generic"}
SIMS = {"hosted": (), "hosted2": ("--time-scale", "50")}
"""The second one's time runs, so that long queues and stalls happen; the first one's prices are those of our minute."""
KEY = "sk-chaos-0000"
BALANCE = "1000000"
FLUSH_S = 0.5
# What is remembered has small bounds, so that it is full early and memory that still grows is a leak.
IDLE_S = 2.0
_CONFIG = f"""
[server]
drain_s = 5
[probe]
enabled = false
interval_s = 1.0
[profiles]
measure = false
[ledger]
flush_interval_s = {FLUSH_S}
[timeouts]
connect_s = 1.0
first_byte_s = 2.0
load_s = 2.0
idle_s = {IDLE_S}
queue_s = 4.0
keep_alive_s = 0.4
[retry]
attempts = 2
backoff_s = 0.05
longest_backoff_s = 0.5
deadline_s = 15.0
[breaker]
open_s = 1.0
longest_open_s = 3.0
[replay]
memory_bytes = 1000000
[privacy]
sticky_s = 60.0
[aliases.away]
targets = ["hosted/deepseek-flash", "hosted2/deepseek-flash", "plain/m"]
[aliases.mixed]
targets = ["llama/m", "hosted/deepseek-flash", "vllm/m"]
[aliases.homes]
targets = ["vllm/m", "llama/m", "plain/m"]
[aliases.onward]
targets = ["plain/m", "hosted2/deepseek-v4-pro", "hosted/deepseek-flash"]
on_break = "continue"
[aliases.secret]
targets = ["plain/m", "vllm/m"]
class = "private"
"""
_SIM = """
[backends.{name}]
kind = "deepseek"
base_url = "http://127.0.0.1:{port}"
key_env = "CHAOS_KEY"
"""
_FAKE = """
[backends.{name}]
kind = "{kind}"
base_url = "http://127.0.0.1:{port}"
models = ["m"]
slots = 40
queue = 60
{word}"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


@dataclass
class Fake:
    """A local runtime that can be killed and started again at the same place."""

    kind: str
    port: int
    log: Path
    seed: int
    kind_to_all: bool = False
    process: subprocess.Popen[bytes] | None = None
    lives: int = 0

    def start(self) -> None:
        self.lives += 1
        words = [self.kind, str(self.port), str(self.log), str(self.seed * 1000 + self.lives)]
        words += ["kind"] * self.kind_to_all
        program = str(Path(__file__).with_name("fake.py"))
        with self.log.with_suffix(".err").open("ab") as complaints:
            self.process = subprocess.Popen(
                [sys.executable, program, *words], stdout=subprocess.DEVNULL, stderr=complaints
            )

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self, frozen: bool) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)


@dataclass
class World:
    """Started by `with`, and stopped whatever happens. `more` is added to the gateway's configuration; with `kind_fakes`
    the local runtimes do nothing wrong."""

    folder: Path
    seed: int
    more: str = ""
    kind_fakes: bool = False
    sims: dict[str, Running] = field(default_factory=dict[str, Running])
    fakes: dict[str, Fake] = field(default_factory=dict[str, Fake])

    def __enter__(self) -> World:
        self._stack = ExitStack()
        with self._stack as stack:
            for name, more in SIMS.items():
                words = ("--port", "0", "--key", f"{KEY}={BALANCE}", "--log", str(self.sim_log(name)), "--log-bodies")
                self.sims[name] = stack.enter_context(serving(self._own(name), "sim", *words, *more))
            for name, kind in FAKES.items():
                fake = self.fakes[name] = Fake(kind, free_port(), self.fake_log(name), self.seed, self.kind_fakes)
                stack.callback(fake.kill)
                fake.start()
            (self.folder / "tidegate.toml").write_text(self._config())
            self.start_gateway()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self.gateway_stack.close()

    def start_gateway(self, port: int = 0) -> None:
        """Anew after it was killed, at the same place with the same ledger."""
        self.gateway_stack = ExitStack()
        words = ("--config", str(self.folder / "tidegate.toml"), "--no-embedded", "--port", str(port))
        started = serving(self.folder, "up", *words, CHAOS_KEY=KEY)
        self.gateway = self.gateway_stack.enter_context(started)

    def _own(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def _config(self) -> str:
        words = {"llama": "", "vllm": "", "plain": "stays_home = true\n"}
        sims = [_SIM.format(name=name, port=running.port) for name, running in self.sims.items()]
        fakes = [
            _FAKE.format(name=name, kind=fake.kind, port=fake.port, word=words[name])
            for name, fake in self.fakes.items()
        ]
        return "".join([_CONFIG, *sims, *fakes, self.more])

    def sim_log(self, name: str) -> Path:
        return self.folder / f"{name}.jsonl"

    def fake_log(self, name: str) -> Path:
        return self.folder / f"{name}.jsonl"

    @property
    def ledger(self) -> Path:
        return self.gateway.state / "ledger.sqlite3"

    def rss_bytes(self) -> int:
        """Of the gateway and all its children."""
        return sum(_rss_bytes(pid) for pid in family(self.gateway.process.pid))

    def status(self) -> dict[str, Any]:
        return self.gateway.get("/-/status")[1]

    def prove(self) -> tuple[int, dict[str, Any]]:
        """`tidegate prove --json`: exit code, and what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "tidegate", "prove", "--json", "--config", str(self.folder / "tidegate.toml")],
            capture_output=True,
            text=True,
            timeout=300,
            env=own_folders(self.folder),
        )
        assert done.stdout, f"prove said nothing: {done.stderr}"
        return done.returncode, json.loads(done.stdout)

    async def arm(self, name: str, fault: str, times: int) -> None:
        await asyncio.to_thread(_post, self.sims[name].port, "/-/faults", {"fault": fault, "times": times})


def _post(port: int, path: str, body: Any) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        status = connection.getresponse().status
        assert status == 200, f"{path}: {status}"
    finally:
        connection.close()


def family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(one for child in children for one in family(int(child)))]


def _rss_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
