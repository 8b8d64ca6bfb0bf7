"""The messages array: every role and part, each misfit by its place, and what canonical form cannot show as slips."""

from __future__ import annotations

import pytest
from tests.support.samples import CALL

from tidegate.codecs.openai_chat.messages import encode_message, read_messages
from tidegate.codecs.shapes import Misfit
from tidegate.core.messages import Message, OpaquePart, ReasoningPart, TextPart, ToolCallPart

USER = {"role": "user", "content": "Hi"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
TAGGED = "internally tagged enum ChatCompletionRequest"
ROLES = "`system`, `user`, `assistant`, `tool`, `latest_reminder`"


def read(*messages: object) -> tuple[Message, ...]:
    slips: list[tuple[str, int]] = []
    found = read_messages(list(messages), slips)
    assert slips == []
    return found


def refused(message: object) -> tuple[list[str | int], str]:
    with pytest.raises(Misfit) as caught:
        read_messages([USER, message], [])
    return caught.value.path, caught.value.bare


@pytest.mark.parametrize("role", ["system", "user", "assistant", "latest_reminder"])
def test_every_role_may_speak(role):
    assert read({"role": role, "content": "Hi"}) == (Message(role, (TextPart("Hi"),)),)
    assert read({"role": role, "content": "Hi", "more": 5}) == (Message(role, (TextPart("Hi"),)),)


def test_a_tool_answers_a_call():
    assert read({"role": "tool", "tool_call_id": "c0", "content": "sunny"}) == (
        Message("tool", (TextPart("sunny"),), call_id="c0"),
    )


def test_an_assistants_parts_stand_in_the_canonical_order():
    (message,) = read({"tool_calls": [CALL], "reasoning_content": "R", "content": "T", "role": "assistant"})
    assert message.parts == (ReasoningPart("R"), TextPart("T"), ToolCallPart("c0", "get_weather", "{}"))


def test_broken_arguments_are_carried_and_not_repaired():
    call = {"id": "c0", "type": "function", "function": {"name": "f", "arguments": '{"city": "Par'}}
    (message,) = read({"role": "assistant", "content": None, "tool_calls": [call]})
    assert message.parts == (ToolCallPart("c0", "f", '{"city": "Par'),)


def test_parts_that_are_not_read_are_carried_whole():
    content = [{"type": "text", "text": "What is this?"}, {**IMAGE, "more": 5}, {"type": "file", "file_id": "f-1"}]
    (message,) = read({"role": "user", "content": content})
    assert message.parts == (
        TextPart("What is this?"),
        OpaquePart({**IMAGE, "more": 5}),
        OpaquePart({"type": "file", "file_id": "f-1"}),
    )
    assert encode_message(message)["content"] == content


def test_what_was_written_as_an_array_gets_its_names():
    message = ["user", [["image_url", ["x", "low"]], ["text", "Hi"]], "ada"]
    assert read(message) == (
        Message(
            "user",
            (OpaquePart({"type": "image_url", "image_url": {"url": "x", "detail": "low"}}), TextPart("Hi")),
            name="ada",
        ),
    )


@pytest.mark.parametrize("content", ["", [], [{"type": "text", "text": ""}]])
def test_an_empty_content_has_one_form(content):
    assert read({"role": "user", "content": content}) == (Message("user", ()),)


def test_one_text_has_one_form():
    assert read({"role": "user", "content": [{"type": "text", "text": "Hi"}]}) == read(USER)


def test_an_empty_reasoning_is_kept():
    (message,) = read({"role": "assistant", "content": "T", "reasoning_content": ""})
    assert message.parts == (ReasoningPart(""), TextPart("T"))
    assert encode_message(message)["reasoning_content"] == ""


def test_name_and_prefix_travel():
    messages = read({**USER, "name": "ada"}, {"role": "assistant", "content": "The", "prefix": True})
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


@pytest.mark.parametrize(
    "message",
    [
        {**USER, "prefix": True},
        {**USER, "prefix": "yes", "tool_calls": 5, "reasoning_content": [], "tool_call_id": {}},
    ],
)
def test_members_that_a_role_does_not_have_are_not_looked_at(message):
    assert read(message) == read(USER)


def test_a_name_that_the_hosted_api_does_not_read_may_be_anything():
    for name, kept in ((5, None), ("ada", "ada")):
        assert read({"role": "latest_reminder", "content": "x", "name": name})[0].name == kept
        assert read({"role": "tool", "content": "x", "tool_call_id": "c", "name": name})[0].name == kept


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({}, "assistant_empty"),
        ({"content": None, "reasoning_content": "R"}, "assistant_empty"),
        ({"content": "x", "tool_calls": []}, "tool_calls_empty"),
        ({"tool_calls": []}, "tool_calls_empty"),
    ],
)
def test_what_canonical_form_cannot_show_is_a_slip(fields, rule):
    slips: list[tuple[str, int]] = []
    read_messages([USER, {"role": "assistant", **fields}], slips)
    assert slips == [(rule, 1)]


@pytest.mark.parametrize(
    ("message", "path", "said"),
    [
        ("secret", [], f"invalid type: string, expected {TAGGED}Message"),
        ({"content": "Hi"}, [], "missing field `role`"),
        ([], [], "missing field `role`"),
        ({"role": "developer"}, ["role"], f"unknown variant `developer`, expected one of {ROLES}"),
        (["developer"], [0], f"unknown variant `developer`, expected one of {ROLES}"),
        ({"role": ["user"]}, ["role"], "invalid type: sequence, expected variant identifier"),
        ({"role": "user"}, [], "missing field `content`"),
        ({"role": "user", "content": None}, ["content"], "content should be a string or a list"),
        ({"role": "user", "content": {"type": "text"}}, ["content"], "content should be a string or a list"),
        (
            {"role": "user", "content": [{"type": "input_audio"}]},
            ["content", 0, "type"],
            "unknown variant `input_audio`, expected one of `text`, `image_url`, `file`",
        ),
        (
            {"role": "user", "content": [IMAGE, "secret"]},
            ["content", 1],
            f"invalid type: string, expected {TAGGED}ContentBlock",
        ),
        ({"role": "user", "content": [{"type": "text"}]}, ["content", 0], "missing field `text`"),
        (
            {"role": "user", "content": [{"type": "text", "text": 5}]},
            ["content", 0, "text"],
            "invalid type: integer `5`, expected a string",
        ),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": "secret"}]},
            ["content", 0, "image_url"],
            "invalid type: string, expected struct ChatCompletionImageUrl",
        ),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x", "detail": "big"}}]},
            ["content", 0, "image_url", "detail"],
            "unknown variant `big`, expected one of `low`, `high`, `original`, `auto`",
        ),
        ({**USER, "name": 5}, ["name"], "invalid type: integer `5`, expected a string"),
        ({"role": "assistant", "prefix": "y"}, ["prefix"], "invalid type: string, expected a boolean"),
        ({"role": "assistant", "tool_calls": {}}, ["tool_calls"], "invalid type: map, expected a sequence"),
        ({"role": "assistant", "tool_calls": [{}]}, ["tool_calls", 0], "missing field `id`"),
        (
            {"role": "assistant", "tool_calls": [{**CALL, "type": "x"}]},
            ["tool_calls", 0, "type"],
            "unknown variant `x`, expected `function`",
        ),
        (
            {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {}}}]},
            ["tool_calls", 0, "function", "arguments"],
            "invalid type: map, expected a string",
        ),
        ({"role": "tool", "content": "x"}, [], "missing field `tool_call_id`"),
        ({"role": "tool", "tool_call_id": "c"}, [], "missing field `content`"),
        ({"role": "latest_reminder", "content": []}, ["content"], "invalid type: sequence, expected a string"),
        (
            ["user", "Hi"],
            [],
            "invalid length 1, expected struct variant ChatCompletionRequestMessage::User with 2 elements",
        ),
        (["latest_reminder", "Hi", 5], [], "invalid length 2, expected 1 element in sequence"),
    ],
)
def test_a_malformed_message_is_refused_by_its_place(message, path, said):
    assert refused(message) == ([1, *path], said)


@pytest.mark.parametrize("value", [None, "secret", {"role": "user"}, 5, True])
def test_messages_that_are_no_array_are_refused(value):
    with pytest.raises(Misfit, match="expected a sequence") as caught:
        read_messages(value, [])
    assert "secret" not in caught.value.bare
