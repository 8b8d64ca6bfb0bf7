"""`tidegate scan` as a hook or a step of CI calls it: a process of its own, a pipe, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

MAIL, CARD = "anna@host.com", "4111111111111111"
SCAN = [sys.executable, "-m", "tidegate", "scan"]


def scan(folder: Path, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SCAN, *arguments],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_a_hook_gives_the_changed_files_and_reads_the_exit_code(folder: Path) -> None:
    (folder / "clean.md").write_text("# Nothing\n", encoding="utf-8")
    (folder / "leak.md").write_text(f"请联系{MAIL}或者刷卡{CARD}\n", encoding="utf-8")
    assert scan(folder, "clean.md").returncode == 0
    done = scan(folder, "clean.md", "leak.md")
    assert done.returncode == 1
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == ["leak.md:1:4", "leak.md:1:21"]
    assert MAIL not in done.stdout + done.stderr
    assert CARD not in done.stdout + done.stderr
    assert scan(folder, "gone.md").returncode == 2


def test_a_pipe_of_a_thousand_lines_and_one_document(folder: Path) -> None:
    done = scan(folder, "-", "--json", given=f"nothing here\n{MAIL}\n" * 1000)
    said = json.loads(done.stdout)
    assert (done.returncode, len(said["findings"]), said["findings"][-1]["line"]) == (1, 1000, 2000)
    assert MAIL not in done.stdout + done.stderr
