"""Messages are values: two that say the same are the same, whoever made them."""

from __future__ import annotations

import pytest

from tidegate.core.messages import Message, OpaquePart, ReasoningPart, TextPart, ToolCallPart


def test_equal_by_value():
    one = Message("assistant", (ReasoningPart("R"), TextPart("T"), ToolCallPart("c", "f", "{")))
    other = Message("assistant", (ReasoningPart("R"), TextPart("T"), ToolCallPart("c", "f", "{")))
    assert one == other
    assert one is not other


@pytest.mark.parametrize(
    "other",
    [
        Message("user", (TextPart("T"),)),
        Message("assistant", (ReasoningPart("T"),)),
        Message("assistant", (TextPart("T"),), prefix=True),
        Message("assistant", (TextPart("T"),), name="n"),
        Message("assistant", ()),
    ],
)
def test_role_kind_of_part_prefix_and_name_tell_messages_apart(other):
    assert Message("assistant", (TextPart("T"),)) != other


def test_nobody_changes_a_message():
    with pytest.raises(AttributeError):
        Message("user", ()).role = "system"


def test_an_opaque_part_carries_its_value_as_it_came():
    value = {"type": "image_url", "image_url": {"url": "data:,"}}
    assert OpaquePart(value).value is value


def test_an_empty_reasoning_is_one_that_was_sent():
    assert Message("assistant", (ReasoningPart(""), TextPart("T"))).has_reasoning
    assert not Message("assistant", (TextPart("T"),)).has_reasoning


def test_a_turn_knows_whether_it_called_tools():
    assert Message("assistant", (ToolCallPart("c", "f", "{}"),)).has_calls
    assert not Message("assistant", (ReasoningPart("R"), TextPart("T"))).has_calls
