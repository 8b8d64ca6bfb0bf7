"""The same law for the Messages surface, whose requests reach the hosted API as Messages: bytes stay, nothing is refused."""

from __future__ import annotations

import json
from typing import Any

import orjson
from deepseek_recipe import MessagesRequest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.oracle_messages.recipe import rendered
from tests.support.recipe import FLASH, OPTIONS

from tidegate.codecs.anthropic_messages.request import decode_request
from tidegate.dialects.deepseek import DEEPSEEK

Json = dict[str, Any]
SOME = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
TOOLS = [
    {"name": "f", "description": "F 深", "input_schema": {"type": "object", "properties": {"z": {"type": "number"}, "a": {}}}},
    {"name": "b", "input_schema": {"type": "object", "properties": {}}},
]  # fmt: skip
words = st.sampled_from(["Hi", "日本語 👋", "a\u2028b", "  two  blanks ", "e\u0301"])


@st.composite
def turns(draw: st.DrawFn) -> list[list[Json]]:
    """Rounds of a conversation: a question, then an answer with or without its thought, with or without a call."""
    rounds: list[list[Json]] = []
    for place in range(draw(st.integers(1, 4))):
        said: list[Json] = [{"type": "text", "text": draw(words)}]
        if draw(st.booleans()):
            said.insert(0, {"type": "thinking", "thinking": draw(words), "signature": "s"})
        one: list[Json] = [{"role": "user", "content": draw(words)}]
        if draw(st.booleans()):
            said.append({"type": "tool_use", "id": f"t{place}", "name": "f", "input": {"z": 1.0, "a": [2, "x"]}})
            result = {"type": "tool_result", "tool_use_id": f"t{place}", "content": draw(words)}
            one += [{"role": "assistant", "content": said}, {"role": "user", "content": [result]}]
        else:
            one.append({"role": "assistant", "content": said})
        rounds.append(one)
    return rounds


def leaving(messages: list[Json], **more: Any) -> bytes:
    body = {"model": FLASH, "max_tokens": 50, "system": "Be brief.", "messages": messages, "tools": TOOLS, **more}
    request = decode_request(json.dumps(body).encode())
    encoded = DEEPSEEK.encode(replace(request, codec="anthropic_messages"), FLASH)
    assert encoded.path == "/anthropic/v1/messages"
    return encoded.body


def member(body: bytes, name: str) -> bytes:
    return orjson.dumps(orjson.loads(body)[name])


@given(turns(), words)
@SOME
def test_turns_keep_their_bytes_while_a_conversation_grows(rounds: list[list[Json]], question: str) -> None:
    asked = [{"role": "user", "content": question}]
    shorter = [message for one in rounds[:-1] for message in one]
    first, later = leaving([*shorter, rounds[-1][0]]), leaving([message for one in rounds for message in one] + asked)
    assert member(later, "messages").startswith(member(first, "messages")[:-1])
    assert b'"messages":' + member(later, "messages") in later, "the members are written as orjson writes them"
    assert member(later, "tools") == member(first, "tools")
    assert [list(tool["input_schema"]["properties"]) for tool in orjson.loads(later)["tools"]] == [["z", "a"], []]


@given(turns(), words)
@SOME
def test_nothing_that_leaves_is_refused_for_a_lost_thought(rounds: list[list[Json]], question: str) -> None:
    messages = [message for one in rounds for message in one]
    for conversation in ([*messages, {"role": "user", "content": question}], messages):
        MessagesRequest(leaving(conversation)).convert(OPTIONS)


@given(turns(), words)
@SOME
def test_the_model_reads_what_the_client_wrote(rounds: list[list[Json]], question: str) -> None:
    messages = [message for one in rounds for message in one] + [{"role": "user", "content": question}]
    body = leaving(messages, thinking={"type": "disabled"})
    fields = {"model": FLASH, "max_tokens": 50, "system": "Be brief.", "messages": messages, "tools": TOOLS}
    own = json.dumps({**fields, "thinking": {"type": "disabled"}}).encode()
    assert rendered(MessagesRequest(body).convert(OPTIONS)) == rendered(MessagesRequest(own).convert(OPTIONS))
