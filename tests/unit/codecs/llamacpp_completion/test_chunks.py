"""Pieces of llama.cpp's own completions: text, counts on the way, and an end that says why."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.codecs.llamacpp_completion.chunks import ChunkDecoder, answer_milestones, decode_answer, usage_of
from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Finish, Start, Text, UsageReport
from tidegate.core.usage import Usage


def piece(content: Any, /, **more: Any) -> dict[str, Any]:
    return {"index": 0, "content": content, "stop": False, "tokens_predicted": 2, "tokens_evaluated": 9, **more}


def last(stop_type: Any = "eos", /, **more: Any) -> dict[str, Any]:
    return piece("", **{"stop": True, "stop_type": stop_type, "stopping_word": "", "timings": {"cache_n": 4}, **more})


def test_a_stream_is_read_piece_by_piece():
    decoder = ChunkDecoder()
    assert decoder.decode(piece("Hel")) == (Start(), Text("Hel"))
    assert decoder.decode(piece("")) == ()
    assert decoder.decode(last()) == (Finish("stop"), UsageReport(Usage(prompt=9, output=2, cache_hit=4)), End())


@pytest.mark.parametrize(
    ("stop_type", "word", "finish"),
    [("eos", "", Finish("stop")), ("word", "X", Finish("stop", "X")), ("limit", "", Finish("length"))],
)
def test_why_it_ended(stop_type: str, word: str, finish: Finish):
    assert finish in ChunkDecoder().decode(last(stop_type, stopping_word=word))


@pytest.mark.parametrize("stop_type", ["none", "", None])
def test_an_end_without_a_reason_is_none(stop_type: Any):
    with pytest.raises(BrokenContract):
        ChunkDecoder().decode(last(stop_type))


def test_the_name_of_the_model_is_not_told_for_it_may_be_a_path():
    assert decode_answer(last(content="Hi", model="/home/me/model.gguf")).start == Start()


def test_an_error_inside_the_stream_breaks_it():
    with pytest.raises(BrokenContract, match="error inside"):
        ChunkDecoder().decode({"error": {"code": 500, "message": "secret"}})


def test_content_that_is_no_text_breaks_it():
    with pytest.raises(BrokenContract):
        ChunkDecoder().decode(piece(["x"]))


def test_logprobs_are_those_of_completions():
    others = [{"id": 1, "token": " or", "logprob": -0.5}, {"id": 2, "token": " three", "logprob": -1.25}]
    first = {"id": 2, "token": " three", "logprob": -1.25, "top_logprobs": others}
    second = {"id": 3, "token": "!", "logprob": -2.0, "top_logprobs": []}
    decoder = ChunkDecoder()
    decoder.decode(piece(" three", completion_probabilities=[first]))
    (text,) = decoder.decode(piece("!", completion_probabilities=[second]))
    assert text == Text("!", ({"token": "!", "logprob": -2.0, "top_logprobs": {}, "text_offset": 6},))
    (_, said) = ChunkDecoder().decode(piece(" three", completion_probabilities=[first]))
    assert isinstance(said, Text)
    assert said.logprobs == (
        {"token": " three", "logprob": -1.25, "top_logprobs": {" or": -0.5, " three": -1.25}, "text_offset": 0},
    )


def test_each_piece_tells_what_was_used_so_far_but_not_what_the_cache_held():
    assert usage_of(piece("a")) == Usage(prompt=9, output=2)
    assert usage_of({"content": "a"}) is None


def test_a_whole_answer_is_one_last_piece():
    fields = last(content="All of it.")
    answer = decode_answer(fields)
    assert (answer.text, answer.finish, answer.usage) == ("All of it.", "stop", Usage(prompt=9, output=2, cache_hit=4))
    told = answer_milestones(fields)
    assert (told.finish, told.ended) == (Finish("stop"), True)
