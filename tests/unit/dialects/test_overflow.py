"""A prompt beyond the window, in whatever words and wherever it is told; of the text only numbers are taken over."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.core.errors import ClientMistake
from tidegate.dialects.overflow import OverflowEvents, overflow_in, tell_overflow

NUMBERED = "The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 13055>= n_ctx: 4096). "
TOLD = (
    "This model's maximum context length is 4096 tokens. However, you requested 13055 tokens in the messages. Please "
    "reduce the length of the messages."
)
KEEP = (
    "Trying to keep the first 13055 tokens when context the overflows. However, the model is loaded with context length "
    "of only 4096 tokens, which is not enough."
)


@pytest.mark.parametrize("message", [NUMBERED, f"Error in predict: {NUMBERED} SECRET", KEEP])
def test_its_numbers_are_told_and_nothing_else_of_the_text(message: str) -> None:
    told = overflow_in({"message": message})
    assert told is not None
    assert told.message == TOLD


def test_without_numbers_it_is_still_an_overflow() -> None:
    told = overflow_in({"message": "Context size has been exceeded. SECRET"})
    assert told is not None
    assert told.message.startswith("This model's maximum context length is exceeded.")
    assert "SECRET" not in told.message


@pytest.mark.parametrize(
    "message", ["The model has crashed", "", None, 5, ["n_keep: 1>= n_ctx: 1"], "a" * 2000 + NUMBERED]
)
def test_any_other_text_is_none(message: Any) -> None:
    assert overflow_in({"message": message}) is None


def test_an_error_event_is_raised_where_it_is_an_overflow_and_passes_where_not() -> None:
    overflowing = b'event: error\ndata: {"error":"%s"}\n\n' % NUMBERED.encode()
    with pytest.raises(ClientMistake, match="4096"):
        OverflowEvents().feed(overflowing)
    (event,) = OverflowEvents().feed(b'event: error\ndata: {"error":"crashed"}\n\n')
    assert event.event == b"error"


def test_a_text_that_speaks_of_an_overflow_is_no_error() -> None:
    data = b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n' % NUMBERED.encode()
    assert len(OverflowEvents().feed(data)) == 1
    assert not tell_overflow({"choices": [{"message": {"content": NUMBERED}}]})


def test_an_error_in_a_chunk_or_answer_is_raised_where_it_is_an_overflow() -> None:
    with pytest.raises(ClientMistake, match="4096"):
        tell_overflow({"error": {"message": NUMBERED}})
    assert not tell_overflow({"error": {"message": "crashed"}})
