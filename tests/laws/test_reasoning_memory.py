"""Whatever was answered is found again as clients send it back: over the wire and with arguments written anew."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st
from tests.support.remembering import HOME, PUBLIC, USER, asked, called, memory_of, recalled, result
from tests.support.strategies import MODERATE, answers, conversations, json_objects, texts

from tidegate.codecs.openai_chat.request import decode_request, encode_request
from tidegate.core.fold import Answer
from tidegate.core.messages import Message, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest, ToolSpec
from tidegate.pipeline.replay import ReasoningMemory


@given(history=conversations(), said=answers(), client=st.none() | texts(), user_id=st.none() | texts())
@MODERATE
def test_whatever_was_answered_is_found_when_it_comes_back_over_the_wire(
    history: tuple[Message, ...], said: Answer, client: str | None, user_id: str | None
) -> None:
    first = ChatRequest(model="m", messages=history, tools=(ToolSpec("f"),), user_id=user_id)
    calls = tuple(ToolCallPart(f"{at}", call.name, call.arguments) for at, call in enumerate(said.tool_calls))
    memory = ReasoningMemory(10**6, key=b"k")
    memory.keep(client, first, Message("assistant", (ReasoningPart("R"), TextPart(said.text), *calls)), PUBLIC)
    turn = Message("assistant", ((TextPart(said.text),) if said.text else ()) + calls)
    results = tuple(Message("tool", (TextPart("r"),), call_id=call.call_id) for call in calls)
    plain = tuple(Message(one.role, one.parts, one.name, one.call_id) for one in history)
    later = ChatRequest(model="m", messages=(*plain, turn, *results), tools=first.tools, user_id=user_id)
    told, _ = memory.put_back(client, decode_request(encode_request(later)), HOME)
    assert told.messages[len(history)].parts == (ReasoningPart("R"), *turn.parts)


@given(arguments=json_objects())
@MODERATE
def test_arguments_written_anew_are_the_same_arguments(arguments: dict[str, Any]) -> None:
    written = orjson.dumps(arguments, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
    memory = memory_of("R", called(arguments=orjson.dumps(arguments).decode()))
    assert recalled(memory, asked(USER, called(arguments=written), result())) == ["R"]
