"""Words of ours stand at the end of the first system message, or make one."""

from __future__ import annotations

from tidegate.core.messages import Message, OpaquePart, TextPart
from tidegate.dialects.system_text import joined, with_system_text

USER = Message("user", (TextPart("Hi"),))
IMAGE = OpaquePart({"type": "image_url"})


def test_without_a_system_message_there_is_one_at_the_begin():
    assert with_system_text((USER,), "W") == (Message("system", (TextPart("W"),)), USER)


def test_the_first_system_message_stays_one_text():
    said = Message("system", (TextPart("A"), TextPart("B")), name="n")
    assert with_system_text((said, USER, said), "W") == (
        Message("system", (TextPart("A\n\nB\n\nW"),), name="n"),
        USER,
        said,
    )


def test_an_image_stays_beside_the_texts():
    assert joined((TextPart("A"), IMAGE)) == (TextPart("A"), IMAGE)
    assert joined((TextPart("A"), TextPart("B"))) == (TextPart("A\nB"),)
