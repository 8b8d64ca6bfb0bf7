"""The messages array: every role and part, each fault by its place, and the order of calls, answers and prefix."""

from __future__ import annotations

import pytest
from tests.support.samples import CALL

from tidegate.codecs.openai_chat.messages import decode_messages, encode_message
from tidegate.core.errors import ClientMistake
from tidegate.core.messages import Message, OpaquePart, ReasoningPart, TextPart, ToolCallPart

PREAMBLE = "Failed to deserialize the JSON body into the target type: "
UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
    "(insufficient tool messages following tool_calls message)"
)
ORPHAN = "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'"
LATE_PREFIX = "Invalid completion message: prefix set true with message which is not final message or message role is not assistant"
USER = {"role": "user", "content": "Hi"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def calling(*call_ids: str) -> dict:
    return {"role": "assistant", "content": "", "tool_calls": [{**CALL, "id": call_id} for call_id in call_ids]}


def answering(call_id: str) -> dict:
    return {"role": "tool", "tool_call_id": call_id, "content": "sunny"}


def refused(*messages: object) -> str:
    with pytest.raises(ClientMistake) as caught:
        decode_messages(list(messages))
    return caught.value.message


@pytest.mark.parametrize("role", ["system", "user", "assistant", "latest_reminder"])
def test_every_role_may_speak(role):
    assert decode_messages([{"role": role, "content": "Hi"}]) == (Message(role, (TextPart("Hi"),)),)


def test_a_tool_answers_the_call_before_it():
    *_, answer = decode_messages([USER, calling("c0"), answering("c0")])
    assert answer == Message("tool", (TextPart("sunny"),), call_id="c0")


def test_an_assistants_parts_stand_in_the_canonical_order():
    fields = {"tool_calls": [CALL], "reasoning_content": "R", "content": "T", "role": "assistant"}
    message, _ = decode_messages([fields, answering("c0")])
    assert message.parts == (ReasoningPart("R"), TextPart("T"), ToolCallPart("c0", "get_weather", "{}"))


def test_broken_arguments_are_carried_and_not_repaired():
    call = {"id": "c0", "type": "function", "function": {"name": "f", "arguments": '{"city": "Par'}}
    message, _ = decode_messages([{"role": "assistant", "content": None, "tool_calls": [call]}, answering("c0")])
    assert message.parts == (ToolCallPart("c0", "f", '{"city": "Par'),)


def test_parts_that_are_not_read_are_carried_whole():
    content = [{"type": "text", "text": "What is this?"}, IMAGE, {"type": "file", "file_id": "f-1"}]
    (message,) = decode_messages([{"role": "user", "content": content}])
    assert message.parts == (
        TextPart("What is this?"),
        OpaquePart(IMAGE),
        OpaquePart({"type": "file", "file_id": "f-1"}),
    )
    assert encode_message(message)["content"] == content


@pytest.mark.parametrize("content", ["", [], [{"type": "text", "text": ""}]])
def test_an_empty_content_has_one_form(content):
    assert decode_messages([{"role": "user", "content": content}]) == (Message("user", ()),)


def test_one_text_has_one_form():
    assert decode_messages([{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]) == decode_messages([USER])


def test_an_empty_reasoning_is_kept():
    (message,) = decode_messages([{"role": "assistant", "content": "T", "reasoning_content": ""}])
    assert message.parts == (ReasoningPart(""), TextPart("T"))
    assert encode_message(message)["reasoning_content"] == ""


def test_name_and_prefix_travel():
    messages = decode_messages([{**USER, "name": "ada"}, {"role": "assistant", "content": "The", "prefix": True}])
    assert [encode_message(message) for message in messages] == [
        {"role": "user", "content": "Hi", "name": "ada"},
        {"role": "assistant", "content": "The", "prefix": True},
    ]


def test_an_encoded_call_has_the_contracts_shape():
    assert encode_message(Message("assistant", (ToolCallPart("c0", "f", "{}"),))) == {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "c0", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }


@pytest.mark.parametrize("value", [None, "Hi", {"role": "user"}, 5, True])
def test_messages_that_are_no_array_are_refused(value):
    with pytest.raises(ClientMistake) as caught:
        decode_messages(value)
    assert caught.value.message == f"{PREAMBLE}messages: expected an array"


def test_no_messages_are_refused_in_the_hosted_words():
    assert refused() == "Empty input messages"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Hi", "messages[1]: expected an object"),
        ({"content": "Hi"}, "messages[1]: missing field `role`"),
        (
            {"role": "developer", "content": "Hi"},
            "messages[1].role: unknown variant, expected one of `system`, `user`, `assistant`, `tool`, `latest_reminder`",
        ),
        (
            {"role": ["user"], "content": "Hi"},
            "messages[1].role: unknown variant, expected one of `system`, `user`, `assistant`, `tool`, `latest_reminder`",
        ),
        ({"role": "user"}, "messages[1]: missing field `content`"),
        ({"role": "user", "content": None}, "messages[1]: missing field `content`"),
        ({"role": "user", "content": 5}, "messages[1].content: expected a string or an array of parts"),
        ({"role": "user", "content": {"type": "text"}}, "messages[1].content: expected a string or an array of parts"),
        (
            {"role": "user", "content": [{"type": "input_audio"}]},
            "messages[1].content[0].type: unknown variant, expected one of `text`, `image_url`, `file`",
        ),
        (
            {"role": "user", "content": [IMAGE, "Hi"]},
            "messages[1].content[1].type: unknown variant, expected one of `text`, `image_url`, `file`",
        ),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[1].content[0]: missing field `text`"),
        ({"role": "user", "content": [{"type": "text", "text": 5}]}, "messages[1].content[0].text: expected a string"),
        ({**USER, "name": 5}, "messages[1].name: expected a string"),
        ({**USER, "prefix": "yes"}, "messages[1].prefix: expected a boolean"),
        (
            {"role": "assistant", "content": "", "reasoning_content": 5},
            "messages[1].reasoning_content: expected a string",
        ),
        ({"role": "assistant", "content": "", "tool_calls": {}}, "messages[1].tool_calls: expected an array"),
        (
            {"role": "assistant", "content": "", "tool_calls": [5]},
            "messages[1].tool_calls[0]: missing field `function`",
        ),
        (
            {"role": "assistant", "content": "", "tool_calls": [CALL, {**CALL, "id": None}]},
            "messages[1].tool_calls[1]: `id`, `function.name` and `function.arguments` must be set",
        ),
        (
            {"role": "assistant", "content": "", "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {}}}]},
            "messages[1].tool_calls[0].function.arguments: expected a string",
        ),
        ({"role": "tool", "content": "x"}, "messages[1]: missing field `tool_call_id`"),
        ({"role": "tool", "content": "x", "tool_call_id": 5}, "messages[1].tool_call_id: expected a string"),
    ],
)
def test_a_malformed_message_is_refused_by_its_place(message, said):
    assert refused(USER, message) == PREAMBLE + said


@pytest.mark.parametrize("fields", [{}, {"content": None}, {"reasoning_content": "R"}, {"tool_calls": []}])
def test_an_assistant_must_have_said_or_called_something(fields):
    assert refused(USER, {"role": "assistant", **fields}) == (
        "Invalid assistant message: content or tool_calls must be set"
    )


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
        [calling("c0"), answering("c1")],
        [calling("c0"), answering("c0"), answering("c0")],
        [calling("c0"), answering("c0"), USER, answering("c0")],
    ],
)
def test_a_tool_may_only_answer_an_open_call(messages):
    assert refused(*messages) == ORPHAN


def test_calls_may_be_answered_in_any_order():
    messages = decode_messages([USER, calling("c0", "c1"), answering("c1"), answering("c0"), USER])
    assert [message.call_id for message in messages] == [None, None, "c1", "c0", None]


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "assistant", "content": "The", "prefix": True}, USER],
        [{**USER, "prefix": True}],
        [USER, calling("c0"), {**answering("c0"), "prefix": True}],
        [{"role": "system", "content": "S", "prefix": True}, USER],
    ],
)
def test_a_prefix_stands_last_and_is_the_assistants(messages):
    assert refused(*messages) == LATE_PREFIX


def test_a_prefix_that_is_false_is_no_prefix():
    assert decode_messages([{**USER, "prefix": False}]) == decode_messages([USER])
