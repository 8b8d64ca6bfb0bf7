"""Starts a real runtime out of its own environment and stops it. One at a time: a vLLM takes 4 GB and both cores."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

HERE = Path(__file__).parent
ENVIRONMENT = HERE.parents[2] / ".venv-real"
MODELS, INSTALLED = ENVIRONMENT / "models", ENVIRONMENT / ".installed"
READY = "Application startup complete."
KNOCKS = 600
STOP_LIMIT_S = 60

_QUIET = {
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    # Without these two a busy machine with two cores needs minutes for what takes seconds (2026-11-22).
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "PYTHONPATH": str(HERE),
}

_VLLM = ("--host", "127.0.0.1", "--dtype", "bfloat16", "--enforce-eager", "--enable-prompt-tokens-details")
_SCRIPTED = ("--load-format", "dummy", "--logits-processors", "scripted:Scripted", "--enable-auto-tool-choice")

PROFILES: dict[str, tuple[str, ...]] = {
    "v4": (
        *("deepseek", "--served-model-name", "deepseek-v4-flash", "--max-model-len", "4096", *_SCRIPTED),
        *("--tokenizer-mode", "deepseek_v4", "--reasoning-parser", "deepseek_v4", "--tool-call-parser", "deepseek_v4"),
    ),
    "r1": (
        *("deepseek", "--served-model-name", "deepseek-r1", "--max-model-len", "4096", *_SCRIPTED),
        *("--reasoning-parser", "deepseek_r1", "--tool-call-parser", "deepseek_v3"),
        *("--chat-template", str(HERE / "deepseek_r1.jinja")),
    ),
    "demo": (
        *("demo", "--served-model-name", "smol", "--max-model-len", "4096"),
        *("--enable-auto-tool-choice", "--tool-call-parser", "hermes"),
        # A grammar allows blanks without end, and a small model likes them; only this flag takes them out (0.32.0).
        *("--structured-outputs-config", '{"backend":"xgrammar","disable_any_whitespace":true}'),
        *("--chat-template", str(HERE.parents[2] / "src/tidegate/backends/demo_chat.jinja")),
    ),
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def vllm(profile: str) -> Generator[str]:
    model, *flags = PROFILES[profile]
    with _serving("vllm", "serve", model, *_VLLM, *flags) as url:
        yield url


@contextmanager
def transformers_serve() -> Generator[str]:
    with _serving("transformers", "serve", "demo", "--device", "cpu", "--dtype", "bfloat16") as url:
        yield url


@contextmanager
def _serving(program: str, *arguments: str) -> Generator[str]:
    """Its base URL, once it says that it is ready. What it printed is shown when it ends before that."""
    port = free_port()
    command = [str(ENVIRONMENT / "bin" / program), *arguments, "--port", str(port)]
    with subprocess.Popen(
        command,
        cwd=MODELS,
        env={**os.environ, **_QUIET},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as server:
        try:
            _wait_until_ready(server)
            _wait_until_it_listens(server, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(STOP_LIMIT_S)
            finally:
                _end_group(server.pid)


def _wait_until_ready(server: subprocess.Popen[bytes]) -> None:
    assert server.stdout is not None
    said: deque[str] = deque(maxlen=60)
    for line in server.stdout:
        said.append(line.decode(errors="replace").rstrip())
        if READY in said[-1]:
            # It goes on talking; a full pipe would stop it.
            threading.Thread(target=_drain, args=(server.stdout,), daemon=True).start()
            return
    raise AssertionError("\n".join(["the runtime ended before it was ready:", *said]))


def _wait_until_it_listens(server: subprocess.Popen[bytes], port: int) -> None:
    """uvicorn says that it is ready before it listens (0.54, seen 2026-11-24); between the two it refuses connections."""
    for _ in range(KNOCKS):
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=10):
            return
        with suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"the runtime ended before it listened, with {server.wait(0.05)}")
    raise AssertionError("the runtime says that it is ready and does not listen")


def _drain(pipe: IO[bytes]) -> None:
    with suppress(OSError, ValueError):  # closed: the server is gone
        for _ in pipe:
            pass


def _end_group(pid: int) -> None:
    """Its engine and workers, where it left one behind."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
