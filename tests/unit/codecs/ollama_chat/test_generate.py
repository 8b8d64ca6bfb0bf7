"""Lines of `/api/generate`: the text stands in `response`, and logprobs are those of completions."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.codecs.ollama_chat.generate import GenerateDecoder, answer_milestones, decode_answer
from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Finish, Start, Text, UsageReport
from tidegate.core.usage import Usage

WHEN = "2026-11-24T08:00:00Z"


def line(response: str, /, **more: Any) -> dict[str, Any]:
    return {"model": "m", "created_at": WHEN, "response": response, "done": False, **more}


def last(**more: Any) -> dict[str, Any]:
    return line("", **{"done": True, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 3, **more})


def test_a_stream_is_read_line_by_line():
    decoder = GenerateDecoder()
    assert decoder.decode(line("</th")) == (Start("m", 1795507200), Text("</th"))
    assert decoder.decode(line("ink>")) == (Text("ink>"),)
    assert decoder.decode(last()) == (Finish("stop"), UsageReport(Usage(prompt=7, output=3)), End())


def test_logprobs_are_those_of_completions():
    tokens = [{"token": "a", "logprob": -1.0, "bytes": [97], "top_logprobs": [{"token": "b", "logprob": -0.5}]}]
    decoder = GenerateDecoder()
    decoder.decode(line("xyz", logprobs=[{"token": "xyz", "logprob": -3.0}]))
    (text,) = decoder.decode(line("a", logprobs=tokens))
    assert text == Text("a", ({"token": "a", "logprob": -1.0, "top_logprobs": {"b": -0.5}, "text_offset": 3},))


def test_an_error_line_breaks_it():
    with pytest.raises(BrokenContract):
        GenerateDecoder().decode({"error": "secret"})


def test_a_whole_answer_is_one_last_line():
    fields = last(response="All of it.")
    answer = decode_answer(fields)
    assert (answer.text, answer.finish, answer.usage) == ("All of it.", "stop", Usage(prompt=7, output=3))
    assert answer_milestones(fields).ended
