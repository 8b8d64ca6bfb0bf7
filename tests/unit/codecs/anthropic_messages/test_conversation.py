"""Blocks become messages in the order that the package renders, and a block in the wrong place is refused in its words."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.counted import Counted

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs.anthropic_messages.blocks import TextBlock, ToolResultBlock, ToolUseBlock, read_content
from tidegate.codecs.anthropic_messages.conversation import Conversation, Turn, system_messages
from tidegate.core.errors import ClientMistake
from tidegate.core.messages import Message, OpaquePart, ReasoningPart, TextPart, ToolCallPart

CONTRACT = contract_named(DEFAULT_PROFILE)
CALL: Any = {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}
OTHER: Any = {"type": "tool_use", "id": "t2", "name": "f", "input": {}}
RESULT: Any = {"type": "tool_result", "tool_use_id": "t1", "content": "r1"}
SECOND: Any = {"type": "tool_result", "tool_use_id": "t2", "content": "r2"}
IMAGE: Any = {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}
PICTURE = OpaquePart({"type": "image_url", "image_url": {"url": "https://x/y.png"}})
ADDITION: Any = {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "g"}}
SERVER: Any = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
FOUND: Any = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def thinking(words: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": words}


def converse(*turns: tuple[Any, Any], **settings: Any) -> Conversation:
    said = Conversation(CONTRACT, frozenset({"f", "g"}), **settings)
    for index, (role, content) in enumerate(turns):
        said.add(index, Turn(role, read_content(content)))
    said.close(len(turns))
    return said


def user(*parts: Any) -> Message:
    return Message("user", parts)


CALLED = Message("assistant", (ToolCallPart("t1", "f", '{"a":1}'),))


@pytest.mark.parametrize(
    ("turns", "messages"),
    [
        ([("user", "Hi")], [user(TextPart("Hi"))]),
        ([("user", "")], [user()]),
        ([("user", [text(""), text("a")])], [user(TextPart(""), TextPart("a"))]),
        ([("user", [text("")])], [user()]),
        ([("user", [text("a"), IMAGE])], [user(TextPart("a"), PICTURE)]),
        (
            [("user", [{"type": "document", "source": {"media_type": "text/plain"}}])],
            [user(TextPart("[Unsupported document type: text/plain]"))],
        ),
        ([("system", [text("a"), text("b")])], [Message("system", (TextPart("a"), TextPart("b")))]),
        ([("system", "")], [Message("system", ())]),
        (
            [("assistant", [text("b"), thinking("R"), text("c"), thinking("S")]), ("user", "k")],
            [Message("assistant", (ReasoningPart("R\n\nS"), TextPart("b"), TextPart("c"))), user(TextPart("k"))],
        ),
        ([("assistant", [text(""), text("a")])], [Message("assistant", (TextPart("a"),))]),
        (
            [("assistant", [CALL]), ("user", [RESULT, text("go")])],
            [CALLED, Message("tool", (TextPart("r1"),), call_id="t1"), user(TextPart("go"))],
        ),
        (
            [
                ("assistant", [CALL]),
                ("user", [{"type": "tool_result", "tool_use_id": "t1", "content": [text("x"), IMAGE]}]),
            ],
            [CALLED, Message("tool", (TextPart("x"), PICTURE), call_id="t1")],
        ),
    ],
)
def test_turns_become_messages(turns: list[tuple[Any, Any]], messages: list[Message]):
    assert converse(*turns).messages == messages


def test_results_keep_the_order_they_were_sent_in():
    said = converse(("assistant", [CALL, OTHER]), ("user", [SECOND, RESULT]))
    assert [message.call_id for message in said.messages[1:]] == ["t2", "t1"]


def test_tools_named_on_the_way_are_noted():
    reference = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "tool_reference", "tool_name": "g"}]}
    said = converse(("assistant", [CALL]), ("user", [reference]), ("system", [text("a"), ADDITION]))
    assert said.named == {"g"}
    assert said.messages[1:] == [Message("tool", (TextPart("g"),), call_id="t1"), Message("system", (TextPart("a"),))]


MISSING = "`tool_use` ids were found without `tool_result` blocks immediately after: "


@pytest.mark.parametrize(
    ("turns", "text"),
    [
        ([("user", [])], "messages.0: all messages must have non-empty content"),
        ([("assistant", [])], "messages.0: all messages must have non-empty content"),
        ([("user", [thinking("R")])], "messages.0.content: thinking blocks may only be in `assistant` messages"),
        ([("user", [CALL])], "messages.0: `tool_use` blocks can only be in `assistant` messages"),
        ([("user", [SERVER])], "messages.0: `tool_use` blocks can only be in `assistant` messages"),
        ([("user", [FOUND])], "messages.0: `web_search_tool_result` blocks can only be in `assistant` messages"),
        ([("user", [ADDITION])], "messages.0: `tool_addition` blocks can only be in `system` messages"),
        ([("assistant", [RESULT])], "messages.0: `tool_result` blocks can only be in `user` messages"),
        ([("system", [RESULT])], "messages.0: `tool_result` blocks can only be in `user` messages"),
        ([("assistant", [SERVER])], "Unsupported content block: server tools are not supported"),
        ([("assistant", [IMAGE])], "Image in assistant message is unsupported"),
        ([("assistant", [CALL, CALL])], "messages.0.content.1: `tool_use` ids must be unique"),
        ([("assistant", [CALL, text("x")])], f"messages.0.1: {MISSING}t1."),
        ([("assistant", [CALL])], f"messages.0:{MISSING}t1."),
        ([("assistant", [OTHER, CALL]), ("user", "x")], f"messages.1: {MISSING}t1, t2."),
        ([("assistant", [CALL]), ("system", "x")], f"messages.1: {MISSING}t1."),
        ([("assistant", [CALL]), ("user", [text("x"), RESULT])], f"messages.1: {MISSING}t1."),
        ([("assistant", [CALL, OTHER]), ("user", [RESULT])], f"messages.0:{MISSING}t2."),
        ([("user", [RESULT])], "unexpected `messages.0.content.0: tool_use_id` found in `tool_result` blocks: t1."),
        (
            [("assistant", [CALL]), ("user", [RESULT, RESULT])],
            "messages.1.content.1: each tool_use must have a single result.",
        ),
        (
            [("system", [{"type": "tool_addition", "tool": {"type": "tool_reference", "name": "zz"}}])],
            "messages.0.content.0: `tool_addition` references unknown tool 'zz'",
        ),
        (
            [("assistant", [CALL]), ("user", [{**RESULT, "content": [{"type": "tool_reference", "tool_name": "zz"}]}])],
            "messages.1.content.0: tool reference 'zz' not found in available tools",
        ),
        (
            [
                ("assistant", [CALL]),
                ("user", [{**RESULT, "content": [{**IMAGE, "source": {"type": "url", "url": "z"}}]}]),
            ],
            "messages.1.content.0.tool_result.content[0]: invalid url:",
        ),
    ],
)
def test_what_stands_in_the_wrong_place_is_refused(turns: list[tuple[Any, Any]], text: str):
    with pytest.raises(ClientMistake) as caught:
        converse(*turns)
    assert caught.value.message.startswith(text)


def test_a_model_without_eyes_may_be_shown_anything():
    strange = {**IMAGE, "source": {"type": "url", "url": "not an address"}}
    assert len(converse(("assistant", [strange]), sees=False).messages) == 1


def test_ids_that_are_no_names_are_not_repeated():
    with pytest.raises(ClientMistake) as caught:
        converse(("assistant", [{**CALL, "id": "my secret"}]))
    assert "secret" not in caught.value.message


def test_the_requests_own_system_prompt():
    assert system_messages(None) == ()
    assert system_messages("") == (Message("system", ()),)
    assert system_messages((TextBlock("a"), TextBlock("b"))) == (Message("system", (TextPart("a"), TextPart("b"))),)


def test_many_calls_are_each_looked_at_a_few_times():
    many = 2000
    ids = [f"c{place}" for place in range(many)]
    said = Conversation(CONTRACT, frozenset({"f"}))
    before = Counted.compared
    said.add(0, Turn("assistant", tuple(ToolUseBlock(Counted(one), "f", {}) for one in ids)))
    results = tuple(ToolResultBlock(Counted(one), ()) for one in ids)
    said.add(1, Turn("user", (*results, *[TextBlock("x")] * many)))
    said.close(2)
    assert len(said.messages) == many + 2
    assert Counted.compared - before < 10 * many


def test_an_error_lists_twenty_ids_and_no_more():
    for many, end in ((20, "c19. "), (21, "c19, .... ")):
        calls = [{**CALL, "id": f"c{place:02}"} for place in reversed(range(many))]
        with pytest.raises(ClientMistake) as caught:
            converse(("assistant", calls), ("user", "x"))
        assert "c00, c01, c02" in caught.value.message
        assert f"c18, {end}" in caught.value.message
