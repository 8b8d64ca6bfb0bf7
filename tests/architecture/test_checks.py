"""Style and types: the same checks that `make check` runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("command", [("ruff", "check", "."), ("ruff", "format", "--check", ".")])
def test_style(command: tuple[str, ...]) -> None:
    done = run(*command)
    assert done.returncode == 0, done.stdout


@pytest.mark.timeout(300)
def test_types() -> None:
    done = run("pyright", "--pythonpath", sys.executable)
    assert done.returncode == 0, done.stdout


def test_help_stays_quick_by_importing_little() -> None:
    program = """
import sys
sys.argv = ["tidegate", "--help"]
try:
    from tidegate.cli.main import main
    main()
except SystemExit:
    print(sorted(sys.modules), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    heavy = ("uvicorn", "uvloop", "asyncio", "sqlite3", "httptools", "orjson", "msgspec", "rich", "ssl", "http.client")
    assert [name for name in heavy if f"'{name}'" in done.stderr] == []
    assert "explain" in done.stdout
