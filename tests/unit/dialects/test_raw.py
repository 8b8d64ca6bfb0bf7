"""Raw endpoints: what a tally sees of an answer, and how much of a window is surely left."""

from __future__ import annotations

import pytest

from tidegate.codecs.llamacpp_completion.chunks import usage_of
from tidegate.core.usage import Usage
from tidegate.dialects.llamacpp_raw import PIECES
from tidegate.dialects.raw import Tally, nothing_told, surely_left, usage_told

PIECE = {"content": "a", "stop": False, "tokens_predicted": 2, "tokens_evaluated": 9}
LAST = {**PIECE, "stop": True, "stop_type": "eos", "tokens_predicted": 3}


def test_a_tally_sees_each_chunk_before_its_events():
    tally = Tally(usage_of)
    chunks = tally.watching(PIECES).chunks()
    assert tally.usage is None
    chunks.decode(PIECE)
    assert tally.usage == Usage(prompt=9, output=2)
    chunks.decode({"content": "b"})
    assert tally.usage == Usage(prompt=9, output=2)


def test_a_tally_sees_a_whole_answer():
    tally = Tally(usage_of)
    tally.watching(PIECES).answer(LAST)
    assert tally.usage == Usage(prompt=9, output=3)


def test_each_reader_has_chunks_of_its_own():
    wire = Tally(nothing_told).watching(PIECES)
    assert wire.chunks() is not wire.chunks()


def test_usage_that_comes_with_each_chunk():
    assert usage_told({"usage": {"prompt_tokens": 4, "completion_tokens": 1}}) == Usage(prompt=4, output=1)
    assert usage_told({"usage": None}) is None
    assert nothing_told({"usage": {"prompt_tokens": 4}}) is None


@pytest.mark.parametrize(
    ("window", "prompt", "most"),
    [
        (None, "a" * 100, 500),
        (1000, "a" * 100, 500),
        (400, "a" * 100, 350),
        (400, "ü" * 100, 300),
        (40, "a" * 100, 40),
    ],
)
def test_what_is_surely_left_beside_a_prompt(window: int | None, prompt: str, most: int):
    """A window that the prompt may fill already is left to the server, which counts."""
    assert surely_left(window, prompt, 500) == most
