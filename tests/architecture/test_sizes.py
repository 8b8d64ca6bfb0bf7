"""Files stay below 400 lines, dialects below 150 and functions below 50; tests exist for each module; names say something.

No exception list.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tidegate.dialects import DIALECTS

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "tidegate").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
OTHERS = sorted([*(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "docs").rglob("*.py")])
FILE_LINES = 400
FUNCTION_LINES = 50
DIALECT_LINES = 150
EMPTY_NAMES = ("util", "utils", "helper", "helpers", "common", "misc", "manager", "service", "managers", "services")
UNTESTED = ("__init__.py", "__main__.py")


def too_long_files(files: list[Path], most: int = FILE_LINES) -> list[str]:
    return [f"{file}: {lines}" for file in files if (lines := len(file.read_text().splitlines())) > most]


def functions(file: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{file}:{node.name}", (node.end_lineno or 0) - node.lineno + 1


def too_long_functions(files: list[Path]) -> list[str]:
    return [f"{name}: {lines}" for file in files for name, lines in functions(file) if lines > FUNCTION_LINES]


def test_no_file_is_too_long() -> None:
    assert too_long_files([*SOURCES, *TESTS, *OTHERS]) == []


def test_a_dialect_is_read_at_one_glance() -> None:
    dialects = ROOT / "src" / "tidegate" / "dialects"
    assert too_long_files([dialects / f"{dialect.name}.py" for dialect in DIALECTS], DIALECT_LINES) == []


def test_no_function_is_too_long() -> None:
    assert too_long_functions([*SOURCES, *TESTS, *OTHERS]) == []


def test_the_size_checks_can_fail(tmp_path: Path) -> None:
    long_file = tmp_path / "long.py"
    long_file.write_text("def f():\n" + "    pass\n" * 400)
    assert too_long_files([long_file]) == [f"{long_file}: 401"]
    assert too_long_files([long_file], 401) == []
    assert too_long_functions([long_file]) == [f"{long_file}:f: 401"]


def test_every_module_opens_by_saying_what_it_is() -> None:
    assert [file for file in SOURCES if not ast.get_docstring(ast.parse(file.read_text()))] == []


def test_unit_tests_mirror_the_sources() -> None:
    package, unit = ROOT / "src" / "tidegate", ROOT / "tests" / "unit"
    wanted = {file.relative_to(package).with_name(f"test_{file.name}") for file in SOURCES if file.name not in UNTESTED}
    found = {file.relative_to(unit) for file in unit.rglob("test_*.py")}
    # The tests of a package's own `__init__.py` bear the package's name.
    packages = {
        Path(file.parent.name) / f"test_{file.parent.name}.py" for file in SOURCES if file.name == "__init__.py"
    }
    assert wanted - found == set(), "modules without a test file"
    assert found - wanted - packages == set(), "test files without a module"


def test_no_name_says_nothing() -> None:
    assert [file for file in [*SOURCES, *TESTS] if file.stem in EMPTY_NAMES or file.parent.name in EMPTY_NAMES] == []
