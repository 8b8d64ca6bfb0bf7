"""The child process that holds the embedded engine: llama.cpp's own HTTP server, on loopback, behind a key.

Run by `backends/engine` as `python -m tidegate.backends.engine_child`. One JSON line comes in on standard input (the
key travels there, so that no process list shows it), one JSON line goes out on standard output, and the end of
standard input is the order to stop: it also comes when the gateway was killed, so no engine is ever left behind.
Standard library and xllamacpp only; never logs a prompt.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import signal
import sys
import threading
from pathlib import Path
from typing import Any

FAILED_START = 3

NO_ENGINE = (
    "the embedded engine (xllamacpp) is not installed: install it with `pip install 'tidegate[embedded]'`, "
    "or start without it: `--no-embedded`"
)
NO_AVX2 = (
    "this processor has no AVX2, which the embedded engine's build needs: start without it (`--no-embedded`) "
    "and use a runtime built for this machine"
)

# llama.cpp's default of 8 GiB for finished conversations is out of proportion to a model of 0.1 GB (b11549).
_PROMPT_CACHE_MIB = 256


class FailedStart(Exception):
    """A start that cannot succeed; `permanent` means that trying again is useless."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent


def main() -> int:
    # Ctrl-C in a terminal reaches the whole process group; when to stop is the gateway's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answer_fd = os.dup(sys.stdout.fileno())
    # Whatever native code prints must not get into the answer line.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    order = json.loads(sys.stdin.readline())
    end = threading.Thread(target=_leave_at_end_of_input, daemon=True)
    end.start()
    try:
        server = _start(order)
    except FailedStart as failure:
        _answer(answer_fd, {"error": failure.message, "permanent": failure.permanent})
        return FAILED_START
    _answer(answer_fd, {"listening": server.listening_address})
    end.join()
    return 0


def lacks_avx2(machine: str, cpu_info: Path = Path("/proc/cpuinfo")) -> bool:
    """True only when it is certain; the x86_64 wheel (2026.10.11549) is compiled for AVX2 and would die of SIGILL."""
    if machine.lower() not in ("x86_64", "amd64"):
        return False
    try:
        lines = cpu_info.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False
    flags = [line.split(":", 1)[1].split() for line in lines if line.startswith("flags") and ":" in line]
    return bool(flags) and "avx2" not in flags[0]


def _leave_at_end_of_input() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    # Nothing here needs saving, and taking the server down in order would wait for running answers.
    os._exit(0)


def _answer(fd: int, line: dict[str, object]) -> None:
    os.write(fd, json.dumps(line).encode() + b"\n")
    os.close(fd)


def _start(order: dict[str, Any]) -> Any:
    if lacks_avx2(platform.machine()):
        raise FailedStart(NO_AVX2, permanent=True)
    try:
        engine: Any = importlib.import_module("xllamacpp")
    except ModuleNotFoundError:
        raise FailedStart(NO_ENGINE, permanent=True) from None
    except ImportError as error:
        raise FailedStart(f"the embedded engine (xllamacpp) cannot be imported: {error}", permanent=True) from None
    try:
        settings = _settings(engine, order)
    except (AttributeError, TypeError, ValueError) as error:
        raise FailedStart(f"this version of xllamacpp does not fit: {error}", permanent=True) from None
    try:
        return engine.Server(settings)
    except RuntimeError:
        _say_why(engine, settings)
        raise FailedStart(f"the engine could not load {order['model']}", permanent=False) from None


def _settings(engine: Any, order: dict[str, Any]) -> Any:
    settings = engine.CommonParams()
    settings.model.path = order["model"]
    settings.model_alias = {order["alias"]}
    settings.n_ctx = order["context_tokens"]
    settings.n_parallel = order["slots"]
    settings.kv_unified = True
    settings.cpuparams.n_threads = order["threads"]
    settings.cpuparams_batch.n_threads = order["threads"]
    # Sizes are given here, so there is nothing to fit; fitting would load the model twice (b11549).
    settings.fit_params = False
    settings.cache_ram_mib = _PROMPT_CACHE_MIB
    settings.warmup = True
    settings.offline = True

    # Left as they are: host 127.0.0.1, a port of the system's choice. Engine defaults are no key, CORS *, a web page.
    settings.api_keys = [order["key"]]
    settings.cors_origins = ""
    settings.ui = False
    settings.endpoint_slots = True
    settings.endpoint_metrics = True
    # 0 keeps every message of the engine off standard error, and with them any piece of a prompt.
    settings.verbosity = 0

    settings.use_jinja = True
    if order["template"]:
        settings.chat_template = order["template"]
    settings.reasoning_format = engine.common_reasoning_format.COMMON_REASONING_FORMAT_DEEPSEEK
    # Thinking only where a request asks for it (chat_template_kwargs.enable_thinking); the engine's own default is on.
    settings.enable_reasoning = 0
    return settings


def _say_why(engine: Any, settings: Any) -> None:
    """Try once more with errors on standard error; no request has come yet, so no prompt can be among them."""
    settings.verbosity = 1
    try:
        engine.Server(settings)
    except RuntimeError:
        return


if __name__ == "__main__":
    sys.exit(main())
