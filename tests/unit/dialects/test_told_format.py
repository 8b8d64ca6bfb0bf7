"""The schema of `response_format` is told to the model; other formats and forced calls are not."""

from __future__ import annotations

import orjson
import pytest
from tests.support.samples import WEATHER, request

from tidegate.dialects import DIALECTS
from tidegate.dialects.told_format import tell_schema

SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
FORM = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
TOLD = (
    "Answer with JSON that follows this JSON schema, and with nothing else:\n"
    '{"type":"object","properties":{"ok":{"type":"boolean"}}}'
)
OFF = {"type": "disabled"}


def test_the_schema_is_told_at_the_end_of_the_system_message():
    said = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    told = tell_schema(request(messages=said, response_format=FORM))
    assert told == request(
        messages=[{"role": "system", "content": f"Be brief.\n\n{TOLD}"}, said[1]], response_format=FORM
    )


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "regex", "regex": "a"}},
        {"response_format": FORM, "tools": [WEATHER], "tool_choice": "required", "thinking": OFF},
    ],
)
def test_anything_else_stays_as_it_is(asked):
    plain = request(**asked)
    assert tell_schema(plain) is plain


def test_it_is_told_where_the_prompt_does_not_have_it():
    telling = set()
    for dialect in DIALECTS:
        if dialect.name in ("deepseek", "transformers_serve"):
            continue
        encoded = dialect.encode(request(response_format=FORM, thinking=OFF), "m")
        if TOLD in str(orjson.loads(encoded.body)["messages"][0]["content"]):
            telling.add(dialect.name)
            assert "REQ014" in encoded.quirks
    assert telling == {"embedded", "generic", "lmstudio", "ollama", "vllm"}, "V4's prompt has it in the other two"
