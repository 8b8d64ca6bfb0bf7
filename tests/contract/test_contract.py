"""Every surface before every dialect has every feature as hosted, by a numbered emulation, or refused by rule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.contract import suite
from tests.contract.columns import COLUMNS
from tests.contract.concerns import ALWAYS, CONCERNS
from tests.contract.suite import ROWS, SURFACES, body_of, cells_of

from tidegate.dialects import DIALECTS, RULEBOOKS

NAMES = {column.name for column in COLUMNS}


@pytest.mark.parametrize("row", ROWS)
async def test_no_cell_is_silent_or_wrong(row: str) -> None:
    cells = await cells_of(row)
    for surface in SURFACES:
        asked = {column.name for column in COLUMNS if body_of(column, surface) is not None}
        assert set(cells[surface]) == asked
        for name, cell in cells[surface].items():
            assert cell.way != "wrong", f"{surface}, {name}: {cell.detail}"
            assert (cell.way == "as hosted") is (not cell.codes), f"{surface}, {name}: {cell}"


def test_every_dialect_has_a_row() -> None:
    assert {make.kind for make, _ in ROWS.values()} == {dialect.name for dialect in DIALECTS}


def test_every_rule_of_every_dialect_is_sorted_by_what_it_concerns() -> None:
    codes = {rule.code for book in RULEBOOKS for rule in book}
    assert set(CONCERNS) == codes
    for code, columns in CONCERNS.items():
        assert columns == (ALWAYS,) or set(columns) <= NAMES, code


def test_the_hosted_api_itself_needs_no_rule() -> None:
    """Its double is the contract: what it answers goes through as it came."""
    assert ROWS["deepseek"][0].kind == "deepseek"


@pytest.mark.parametrize(
    ("row", "surface", "name", "broken"),
    [
        ("vllm, V4", "chat", "thinking off", "VLL002"),
        ("vllm, V4", "messages", "thinking off", "VLL002"),
        ("llamacpp", "chat", "thinking off", "LCP002"),
        ("lmstudio", "chat", "JSON object", "LMS004"),
        ("transformers_serve", "chat", "thinking on", "TRS002"),
    ],
)
async def test_the_suite_sees_a_quirk_that_is_left_out(
    monkeypatch: pytest.MonkeyPatch, row: str, surface: suite.Surface, name: str, broken: str
) -> None:
    """A fault test: without the rule that makes it right, the cell is wrong."""
    found = suite.dialect_named(ROWS[row][0].kind)
    without = replace(
        found,
        on_request=tuple(quirk for quirk in found.on_request if quirk[0].code != broken),
        wire=suite.dialect_named("vllm").wire if broken == "TRS002" else found.wire,
    )
    monkeypatch.setattr(suite, "dialect_named", lambda _name: without)
    assert (await cells_of(row, measured=False))[surface][name].way == "wrong"
    if broken in ("VLL002", "LCP002"):
        # The probe would have found it: then nobody is given the wrong answer.
        cell = (await cells_of(row))[surface][name]
        assert (cell.way, cell.codes) == ("refused", ("PRF002",))
