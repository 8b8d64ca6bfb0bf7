"""Processes of the relay benchmark: compile, start, measure (CPU, memory) and stop them.

Reads /proc and therefore runs on Linux only. It must not signal any process that it did not start itself.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

STOP_SECONDS = 3.0
_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """A failure to report in one line, without a traceback."""


def compile_c(source: Path, folder: Path) -> Path:
    """Compile one C file into the folder and return the program."""
    program = folder / source.stem
    command = ["gcc", "-O2", "-o", str(program), str(source)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        raise BenchError("gcc is needed to compile the mock upstream and the load generator") from None
    if done.returncode != 0:
        raise BenchError(f"gcc failed on {source.name}: {last_lines(done.stderr)}")
    return program


def cores() -> tuple[int, int] | None:
    """The core of load and mock, and the core of the targets; None when nothing can be pinned."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 and shutil.which("taskset") else None


def pinned(command: Sequence[str], core: int | None) -> list[str]:
    """The command, run on one core; taskset replaces itself by it, so that the process id stays."""
    return list(command) if core is None else ["taskset", "-c", str(core), *command]


def spawn(
    command: Sequence[str], core: int | None, env: Mapping[str, str], stderr: Path, *, piped: bool = False
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that all of it can be stopped at once; piped: keep its stdout."""
    with stderr.open("wb") as log:
        return subprocess.Popen(
            pinned(command, core),
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if piped else log,
            stderr=log,
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process started by spawn() together with its session; by force if it does not end in time."""
    family = tree(process.pid)
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pid in family:
        if pid != process.pid and _session(pid) == process.pid:
            os.kill(pid, signal.SIGKILL)
    if process.stdout is not None:
        process.stdout.close()


def last_lines(text: str, lines: int = 3) -> str:
    """The end of some output, on one line."""
    return " | ".join(line.strip() for line in text.strip().splitlines()[-lines:]) or "(no output)"


def tail(path: Path) -> str:
    """The end of a log file, on one line."""
    return last_lines(path.read_text(errors="replace")) if path.exists() else "(no output)"


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command name, which may hold spaces; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _session(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[3]) if fields else 0


def tree(root: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        fields = _stat(int(entry.name)) if entry.name.isdigit() else []
        if fields:
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def cpu_ns(root: int) -> int:
    """CPU time of a process tree: exact per thread where the kernel counts it, otherwise in clock ticks."""
    total = 0
    for pid in tree(root):
        exact = [_thread_ns(task) for task in Path("/proc").glob(f"{pid}/task/*/schedstat")]
        fields = [] if exact else _stat(pid)
        total += sum(exact) + ((int(fields[11]) + int(fields[12])) * _TICK_NS if fields else 0)
    return total


def _thread_ns(schedstat: Path) -> int:
    """CPU time of one thread; 0 when it has just ended."""
    try:
        return int(schedstat.read_text().split()[0])
    except OSError:
        return 0


def rss_mb(root: int) -> tuple[float, float]:
    """Resident memory in MB: of the whole process tree, and of its largest process alone."""
    sizes = [0.0]
    for pid in tree(root):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        sizes += [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:")]
    return sum(sizes), max(sizes)


def machine() -> str:
    """One line on where and when the run took place."""
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), platform.machine())
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}, {stamp}"
