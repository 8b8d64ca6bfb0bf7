"""The relays that the benchmark compares: how each is set up, started and found ready.

A target gets a free loopback port, a bare environment and its files in a temporary folder. It must not see the
user's own configuration, keys or proxy settings.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from relay_proc import BenchError, cpu_ns, last_lines, rss_mb, spawn, stop, tail

VLLM_ROUTER = "0.1.17"
READY_SECONDS = 40.0
INSTALL_SECONDS = 600
MODELS = ["mock", "mock-0ms", "mock-1ms", "mock-5ms", "mock-20ms"]


@dataclass(frozen=True, slots=True)
class Place:
    """What every target is given."""

    folder: Path
    upstream_port: int
    client_key: str
    core: int | None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to start one target."""

    command: list[str]
    health: str
    version: str
    env: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Target:
    """A target that runs and answers."""

    name: str
    port: int
    version: str
    ready_seconds: float
    process: subprocess.Popen[bytes]
    stderr: Path
    memory: dict[str, tuple[float, float]]

    def cpu_ns(self) -> int:
        return cpu_ns(self.process.pid)

    def note_memory(self, moment: str) -> None:
        self.memory[moment] = rss_mb(self.process.pid)

    def complaint(self) -> str:
        return tail(self.stderr)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def bare_env(folder: Path) -> dict[str, str]:
    """No proxy settings, no keys, no configuration of the user."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"HOME": str(folder)}


def http_status(port: int, path: str) -> int:
    """Status of one GET; 0 while nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _output(command: list[str], env: dict[str, str] | None = None) -> str:
    """What a short command says, or nothing if it fails."""
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).strip() if done.returncode == 0 else ""


NGINX_CONF = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_body_buffer_size 1m;
  client_max_body_size 64m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream mock {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location / {{
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""


def _nginx(place: Place, port: int) -> Recipe:
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        raise BenchError("nginx is not installed")
    conf = place.folder / "nginx.conf"
    conf.write_text(NGINX_CONF.format(folder=place.folder, upstream=place.upstream_port, port=port))
    version = _output([program, "-v"]).rpartition("/")[2]
    return Recipe([program, "-p", str(place.folder), "-e", "stderr", "-c", str(conf)], "/health", version)


def _router_venv() -> Path:
    """The virtual environment with the pinned vllm-router; made on first use and kept in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "tidegate" / "bench-venv"
    python = folder / "bin" / "python"
    query = "import importlib.metadata as m; print(m.version('vllm-router'))"
    if _output([str(python), "-c", query]) == VLLM_ROUTER:
        return folder
    print(f"installing vllm-router {VLLM_ROUTER} into {folder} (once)", file=sys.stderr, flush=True)
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", f"vllm-router=={VLLM_ROUTER}"],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise BenchError(f"installing vllm-router took more than {INSTALL_SECONDS} s") from None
        if done.returncode != 0:
            raise BenchError(f"installing vllm-router failed: {last_lines(done.stderr)}")
    return folder


def _vllm_router(place: Place, port: int) -> Recipe:
    # Retries, health checks and breakers stay at their defaults. The log level is raised for fairness: nginx
    # writes no access log either.
    command = [str(_router_venv() / "bin" / "vllm-router"), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--worker-urls", f"http://127.0.0.1:{place.upstream_port}", "--policy", "round_robin"]
    command += ["--prometheus-port", str(free_port()), "--log-level", "warning"]
    return Recipe(command, "/health", VLLM_ROUTER)


TIDEGATE_TOML = """\
[server]
port = {port}
[embedded]
enabled = false
[probe]
enabled = false
[privacy]
default_class = "public"
[ledger]
path = {ledger}
[backends.cloud]
kind = "deepseek"
base_url = "http://127.0.0.1:{upstream}"
boundary = "external"
key_env = "BENCH_UPSTREAM_KEY"
models = {models}
[[clients]]
name = "bench"
key_env = "BENCH_CLIENT_KEY"
class = "public"
"""


def _tidegate(place: Place, port: int) -> Recipe:
    config = place.folder / "tidegate.toml"
    ledger = json.dumps(str(place.folder / "ledger.sqlite3"))
    models = json.dumps(MODELS)
    config.write_text(TIDEGATE_TOML.format(port=port, ledger=ledger, upstream=place.upstream_port, models=models))
    source = Path(__file__).resolve().parent.parent / "src"
    env = {"PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(source)]))}
    env |= {f"XDG_{kind}_HOME": str(place.folder / kind.lower()) for kind in ("CONFIG", "STATE", "CACHE", "DATA")}
    env |= {"BENCH_UPSTREAM_KEY": "bench-upstream", "BENCH_CLIENT_KEY": place.client_key}
    query = "import tidegate; print(getattr(tidegate, '__version__', 'unknown'))"
    version = _output([sys.executable, "-c", query], bare_env(place.folder) | env)
    command = [sys.executable, "-m", "tidegate", "up", "--config", str(config), "--no-embedded", "--no-ask"]
    return Recipe(command, "/-/health", version or "unknown", env)


RECIPES: dict[str, Callable[[Place, int], Recipe]] = {
    "nginx": _nginx,
    "vllm-router": _vllm_router,
    "tidegate": _tidegate,
}


def start(name: str, place: Place) -> Target:
    """Start one target and wait until its health address answers 200; the time from exec to then is kept."""
    folder = place.folder / name
    folder.mkdir()
    own = Place(folder, place.upstream_port, place.client_key, place.core)
    port, stderr = free_port(), folder / "stderr"
    recipe = RECIPES[name](own, port)
    begin = time.monotonic()
    process = spawn(recipe.command, place.core, bare_env(folder) | recipe.env, stderr)
    try:
        while http_status(port, recipe.health) != 200:
            if process.poll() is not None:
                raise BenchError(f"{name} ended with code {process.returncode}: {tail(stderr)}")
            if time.monotonic() - begin > READY_SECONDS:
                raise BenchError(f"{name} was not ready after {READY_SECONDS:.0f} s: {tail(stderr)}")
            time.sleep(0.002)
    except BaseException:
        stop(process)
        raise
    target = Target(name, port, recipe.version, time.monotonic() - begin, process, stderr, {})
    target.note_memory("start")
    return target
