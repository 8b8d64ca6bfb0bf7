"""Rules about messages: calls are answered at once and once, a prefix stands last, thoughts come back."""

from __future__ import annotations

import pytest
from tests.support.counted import Counted
from tests.support.samples import CALL, WEATHER, request

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs.openai_chat.message_rules import check_messages, check_prefix, says_json
from tidegate.core.errors import ClientMistake
from tidegate.core.messages import Message, ToolCallPart
from tidegate.core.requests import ChatRequest

CONTRACT = contract_named(DEFAULT_PROFILE)
UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
    "(insufficient tool messages following tool_calls message)"
)
UNKNOWN = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id', "
    "The following tool_call_ids did not have response messages: c1"
)
ORPHAN = "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'"
PASS_BACK = "The `reasoning_content` in the thinking mode must be passed back to the API."
USER = {"role": "user", "content": "Hi"}
SAID = {"role": "assistant", "content": "T"}


def calling(*call_ids: str, **more: object) -> dict:
    calls = [{**CALL, "id": call_id} for call_id in call_ids]
    return {"role": "assistant", "content": "", "reasoning_content": "R", "tool_calls": calls, **more}


def answering(call_id: str) -> dict:
    return {"role": "tool", "tool_call_id": call_id, "content": "sunny"}


def checked(*messages: object, **fields: object) -> None:
    asked = request(messages=list(messages), **fields)
    check_messages(asked, CONTRACT, passback=True, quoting=False)
    check_prefix(asked, CONTRACT)


def refused(*messages: object, **fields: object) -> str:
    with pytest.raises(ClientMistake) as caught:
        checked(*messages, **fields)
    return caught.value.message


@pytest.mark.parametrize(
    "messages",
    [
        [calling("c0")],
        [calling("c0"), USER],
        [calling("c0", "c1"), answering("c0")],
        [calling("c0", "c1"), answering("c0"), USER, answering("c1")],
        [calling("c0"), calling("c1"), answering("c1")],
    ],
)
def test_every_call_must_be_answered_before_anybody_else_speaks(messages):
    assert refused(USER, *messages) == UNANSWERED


@pytest.mark.parametrize(
    "messages",
    [
        [answering("c0")],
        [USER, answering("c0")],
        [calling("c0"), answering("c0"), answering("c0")],
        [calling("c0"), answering("c0"), USER, answering("c0")],
    ],
)
def test_a_tool_may_only_speak_where_a_call_is_open(messages):
    assert refused(*messages) == ORPHAN


def test_an_answer_names_a_call_that_was_made():
    assert refused(calling("c0"), answering("c1")) == UNKNOWN


def test_no_call_is_answered_or_made_twice():
    assert refused(calling("c0", "c1"), answering("c0"), answering("c0")) == (
        "Duplicate value for 'tool_call_id' of c0 in message[2]"
    )
    assert refused(USER, calling("c0", "c0"), answering("c0")) == (
        "Duplicate value for 'tool_call_id' of c0 in message[1]"
    )


def test_calls_may_be_answered_in_any_order():
    checked(USER, calling("c0", "c1"), answering("c1"), answering("c0"), USER)


@pytest.mark.parametrize("fields", [{}, {"content": None}, {"reasoning_content": "R"}])
def test_an_assistant_must_have_said_or_called_something(fields):
    assert refused(USER, {"role": "assistant", **fields}) == (
        "Invalid assistant message: content or tool_calls must be set"
    )


def test_an_empty_array_of_calls_is_refused():
    assert refused(USER, {"role": "assistant", "content": "x", "tool_calls": []}) == (
        "Invalid 'messages[1].tool_calls': empty array. Expected an array with minimum length 1, "
        "but got an empty array instead."
    )


@pytest.mark.parametrize("messages", [[{**SAID, "prefix": True}, USER], [{**SAID, "prefix": True}] * 2])
def test_a_prefix_stands_last(messages):
    assert refused(*messages) == (
        "Invalid completion message: prefix set true with message which is not final message "
        "or message role is not assistant"
    )


def test_a_prefix_goes_with_no_function_calls():
    last = {**SAID, "prefix": True, "reasoning_content": ""}
    assert refused(USER, last, tools=[WEATHER]) == "Function call should not be used with prefix"
    assert refused(calling("c"), answering("c"), USER, last) == "Function call should not be used with prefix"
    checked(USER, last)


@pytest.mark.parametrize(
    ("messages", "fields"),
    [
        ([USER, calling("c", reasoning_content=None), answering("c")], {}),
        ([USER, calling("c", reasoning_content=None), answering("c"), calling("d"), answering("d")], {}),
        ([USER, SAID], {"tools": [WEATHER]}),
    ],
)
def test_thoughts_after_the_last_user_message_must_come_back(messages, fields):
    assert refused(*messages, **fields) == PASS_BACK
    checked(*messages, **fields, thinking={"type": "disabled"})
    checked(*messages, USER, **fields)


@pytest.mark.parametrize(
    ("messages", "fields"),
    [
        ([USER, calling("c", reasoning_content=""), answering("c")], {}),
        ([USER, SAID], {}),
        ([USER, {**SAID, "reasoning_content": ""}], {"tools": [WEATHER]}),
    ],
)
def test_an_empty_thought_will_do_and_a_plain_turn_needs_none(messages, fields):
    checked(*messages, **fields)


@pytest.mark.parametrize(
    ("content", "found"),
    [("give me JSON", True), ("Json", True), ("j son", False), ([{"type": "text", "text": "json"}], True)],
)
def test_the_word_json_counts_in_any_spelling(content, found):
    assert says_json(request(messages=[{"role": "user", "content": content}])) is found


def test_many_calls_are_each_looked_at_a_few_times():
    many = 2000
    calls = tuple(ToolCallPart(Counted(f"c{place}"), "f", "{}") for place in range(many))
    results = (Message("tool", call_id=Counted(f"c{place}"), parts=()) for place in range(many))
    asked = ChatRequest(model="m", thinking="disabled", messages=(Message("assistant", calls), *results))
    before = Counted.compared
    check_messages(asked, CONTRACT, passback=True, quoting=False)
    assert Counted.compared - before < 10 * many
