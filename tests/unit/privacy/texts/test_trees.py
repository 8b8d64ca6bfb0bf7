from __future__ import annotations

from typing import Any

from hypothesis import given
from tests.support.strategies import json_values

from tidegate.privacy.texts.trees import PART_WORDS, SCHEMA_WORDS, number_text, walked


def shouted(value: Any) -> tuple[Any, list[str]]:
    done = walked(value, SCHEMA_WORDS, lambda number, text: f"{number}:{text.upper()}")
    return done.value, done.fixed.split("\n")


def test_what_explains_may_change_and_what_programs_read_may_not():
    schema = {
        "description": "a",
        "properties": {"to": {"type": "string", "title": "b", "enum": ["description"]}, "n": {"maximum": 4.1e3}},
        "required": ["to"],
    }
    changed, fixed = shouted(schema)
    assert changed["description"] == "0:A"
    assert changed["properties"]["to"] == {"type": "string", "title": "1:B", "enum": ["description"]}
    assert changed["required"] == ["to"]
    assert {"to", "n", "string", "description", "4100", "maximum"} <= set(fixed)
    assert "a" not in fixed


def test_a_property_may_be_called_description():
    schema = {"properties": {"description": {"description": "free"}, "title": "broken"}}
    changed, fixed = shouted(schema)
    assert changed["properties"] == {"description": {"description": "0:FREE"}, "title": "broken"}
    assert "broken" in fixed


def test_values_stay_however_their_members_are_called():
    for word in ("const", "default", "examples", "enum"):
        value = [{"description": "literal", "properties": {"x": {"title": "literal"}}}]
        changed, fixed = shouted({word: value, "title": "t"})
        assert changed == {word: value, "title": "0:T"}
        assert fixed.count("literal") == 2


def test_data_in_a_content_part_is_not_text():
    part = {"type": "file", "filename": "ada.pdf", "file_data": "A1" * 200, "file_id": "f-1"}
    found: list[str] = []
    done = walked(part, PART_WORDS, lambda number, text: (found.append(text), text)[1])
    assert found == ["ada.pdf"]
    assert "f-1" in done.fixed
    assert "A1A1" not in done.fixed


@given(json_values())
def test_what_is_not_changed_is_what_it_was(value: Any):
    assert walked(value, SCHEMA_WORDS, lambda number, text: text).value == value


def test_numbers_as_one_would_write_them():
    assert [number_text(one) for one in (4111111111111111.0, 5, 0.5, 1e300)] == [
        "4111111111111111",
        "5",
        "0.5",
        "1e+300",
    ]
