"""The one-way road and the pure packages hold, and each contract breaks when its forbidden import is planted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tidegate.dialects import DIALECTS

ROOT = Path(__file__).parents[2]


def lint(project: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the sources of this project, not on what is installed."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(project / "src")}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_walls_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout
    assert "12 kept, 0 broken" in done.stdout


def test_every_dialect_and_the_files_beside_it_stay_apart_from_the_others() -> None:
    """The contract names the dialects; what belongs to one (its rules, its errors) bears its name and is its own."""
    names = [dialect.name for dialect in DIALECTS]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (contract,) = (one for one in project["tool"]["importlinter"]["contracts"] if one["name"].startswith("Dialects "))
    assert contract["modules"] == [f"tidegate.dialects.{name}" for name in sorted(names)]
    assert foreign_imports(ROOT / "src" / "tidegate" / "dialects", names) == {("embedded", "llamacpp")}


def foreign_imports(folder: Path, names: list[str]) -> set[tuple[str, str]]:
    """Whose files import whose; a file beside a dialect's is called as that and more."""

    def owner(module: str) -> str | None:
        return next((name for name in names if module == name or module.startswith(f"{name}_")), None)

    found: set[tuple[str, str]] = set()
    for file in folder.glob("*.py"):
        importer = owner(file.stem)
        for imported in re.findall(r"^from tidegate\.dialects(?:\.| import )(\w+)", file.read_text(), re.MULTILINE):
            if file.name != "__init__.py" and (owned := owner(imported)) not in (None, importer):
                found.add((importer or file.stem, str(owned)))
    return found


def test_a_rule_borrowed_from_another_dialect_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("from tidegate.dialects import a_raw as raw\nfrom tidegate.dialects.base import X\n")
    (tmp_path / "shared.py").write_text("from tidegate.dialects.a_rules import ONE\n")
    (tmp_path / "a.py").write_text("from tidegate.dialects.a_rules import ONE\n")
    assert foreign_imports(tmp_path, ["a", "b"]) == {("b", "a"), ("shared", "a")}


PLANTED = {
    "core imports a codec": ("core/usage.py", "import tidegate.codecs.sse", "A request travels one way"),
    "a codec imports a dialect": ("codecs/sse.py", "import tidegate.dialects.base", "A request travels one way"),
    "a backend imports the pipeline": (
        "backends/fake.py",
        "import tidegate.pipeline.gateway",
        "A request travels one way",
    ),
    "routing imports the ledger": ("routing/names.py", "import tidegate.ledger.store", "A request travels one way"),
    "a surface imports the app": ("surfaces/auth.py", "import tidegate.app", "A request travels one way"),
    "a dialect imports another": (
        "dialects/generic.py",
        "import tidegate.dialects.deepseek",
        "Dialects do not know each other",
    ),
    "the demo imports another than llama.cpp": (
        "dialects/embedded.py",
        "import tidegate.dialects.vllm",
        "Dialects do not know each other",
    ),
    "framing imports a format": (
        "codecs/sse.py",
        "import tidegate.codecs.openai_chat.answer",
        "What codecs share knows no codec",
    ),
    "a codec imports another": (
        "codecs/openai_completions/chunks.py",
        "import tidegate.codecs.openai_chat.chunks",
        "Codecs do not know each other",
    ),
    "core reads a clock": ("core/exchange.py", "import time", "Pure packages do no I/O"),
    "a dialect opens a socket": ("dialects/llamacpp.py", "import socket", "Pure packages do no I/O"),
    "routing logs": ("routing/decide.py", "import logging", "Pure packages do no I/O"),
    "a codec awaits": ("codecs/sse.py", "import asyncio", "Pure packages do no I/O"),
    "a backend reads the configuration": ("backends/http.py", "import tidegate.config", "Only the composition root"),
    "a surface opens a socket": ("surfaces/openai.py", "import socket", "Only the transport"),
    "the simulator asks a surface": ("simulator/chat.py", "import tidegate.surfaces.auth", "A request travels one way"),
    "the simulator uses a dialect": ("simulator/session.py", "import tidegate.dialects.base", "The simulator shares"),
    "the simulator opens a socket": ("simulator/session.py", "import socket", "Only the transport"),
    "the responder reads a clock": ("simulator/responder.py", "import time", "The simulator's rules and sums"),
    "the session knows the package": (
        "simulator/session.py",
        "import deepseek_recipe",
        "Two modules know DeepSeek's package",
    ),
    "a dialect knows the package": (
        "dialects/raw_path.py",
        "import deepseek_recipe",
        "Two modules know DeepSeek's package",
    ),
    "the ledger starts a process": ("ledger/store.py", "import subprocess", "Only the transport"),
    "the workers open a socket": ("privacy/slow/workers.py", "import socket", "Only the transport"),
    "a desk of the steward opens a socket": ("steward/marks.py", "import socket", "Only the transport"),
    "the steward asks the gateway": (
        "steward/lanes.py",
        "import tidegate.pipeline.gateway",
        "A request travels one way",
    ),
    "the gateway asks the steward": ("pipeline/ahead.py", "import tidegate.steward.marks", "A request travels one way"),
    "the steward reads the configuration": ("steward/crew.py", "import tidegate.config", "Only the composition root"),
    "a detector has an event loop": ("privacy/slow/names.py", "import asyncio", "In privacy, only the workers"),
    "a detector asks the workers": (
        "privacy/slow/examples.py",
        "import tidegate.privacy.slow.workers",
        "In privacy, only the workers",
    ),
}


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_import_breaks_its_contract(copy: Path, case: str) -> None:
    place, planted, contract = PLANTED[case]
    file = copy / "src" / "tidegate" / place
    first = "from __future__ import annotations\n"
    file.write_text(file.read_text().replace(first, f"{first}{planted}\n", 1))
    done = lint(copy)
    assert done.returncode == 1, done.stdout
    broken = [line for line in done.stdout.splitlines() if "BROKEN" in line]
    assert any(contract in line for line in broken), broken
