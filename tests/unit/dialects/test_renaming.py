"""Members that are called otherwise get the contract's name, and only where the contract's is missing."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.dialects.renaming import rename_reasoning


@pytest.mark.parametrize("side", ["delta", "message"])
def test_reasoning_is_renamed_in_chunks_and_in_whole_answers(side: str) -> None:
    fields: dict[str, Any] = {"choices": [{side: {"reasoning": "I think", "content": None}}]}
    assert rename_reasoning(fields)
    assert fields == {"choices": [{side: {"reasoning_content": "I think", "content": None}}]}


@pytest.mark.parametrize("said", [{"content": "a"}, {"reasoning": ""}, {"reasoning": "a", "reasoning_content": "a"}])
def test_where_there_is_nothing_to_rename_nothing_changes(said: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"choices": [{"delta": dict(said)}]}
    assert not rename_reasoning(fields)
    assert fields == {"choices": [{"delta": said}]}
