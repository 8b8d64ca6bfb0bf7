"""Whole answers of `/api/chat`: a stream's last line with everything in it."""

from __future__ import annotations

import orjson
import pytest

from tidegate.codecs.ollama_chat.answer import answer_milestones, decode_answer, encode_answer
from tidegate.core.errors import BrokenContract
from tidegate.core.events import Finish, Start, UsageReport
from tidegate.core.fold import Answer
from tidegate.core.messages import ToolCallPart
from tidegate.core.usage import Usage

WHOLE = {
    "model": "qwen3:8b",
    "created_at": "2026-08-21T10:20:30Z",
    "message": {
        "role": "assistant",
        "content": "Hi",
        "thinking": "Hm.",
        "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": {"a": 1}}}],
    },
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 26,
    "eval_count": 9,
}
ANSWER = Answer(
    start=Start("qwen3:8b", 1787307630),
    text="Hi",
    reasoning="Hm.",
    tool_calls=(ToolCallPart("c1", "f", '{"a":1}'),),
    finish="tool_calls",
    usage=Usage(prompt=26, output=9),
)


def test_all_of_an_answer_is_read():
    assert decode_answer(WHOLE) == ANSWER


def test_what_is_written_is_what_the_server_writes():
    written = orjson.loads(encode_answer(ANSWER))
    assert written == {**WHOLE, "created_at": "2026-08-21T10:20:30+00:00"}


def test_the_books_need_no_more_than_its_milestones():
    passed = answer_milestones(WHOLE)
    assert (passed.start, passed.finish, passed.ended) == (ANSWER.start, Finish("tool_calls"), True)
    assert passed.usage == UsageReport(Usage(prompt=26, output=9))


@pytest.mark.parametrize("fields", [{**WHOLE, "done": False}, {}, {"error": "no"}])
def test_what_is_not_done_is_no_answer(fields):
    with pytest.raises(BrokenContract):
        decode_answer(fields)
