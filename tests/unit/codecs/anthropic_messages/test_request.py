"""A whole request: what each field becomes, which rule speaks first, and what a Claude name is taken for."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from tidegate.catalog.contracts import DEFAULT_PROFILE, Contract, contract_named
from tidegate.codecs.anthropic_messages.request import check_request, decode_request, mapped_model
from tidegate.core.errors import BrokenJson, ClientMistake, WrongShape
from tidegate.core.messages import Message, TextPart
from tidegate.core.requests import ChatRequest, NamedTool, ToolSpec

CONTRACT = contract_named(DEFAULT_PROFILE)
HI: dict[str, Any] = {"role": "user", "content": "Hi"}
TOOL: dict[str, Any] = {"name": "f", "input_schema": {"type": "object"}}
CALL: dict[str, Any] = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
ASKED: list[Any] = [
    HI,
    {"role": "assistant", "content": [CALL]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}]},
]


def body(**changes: Any) -> bytes:
    fields = {"model": "deepseek-flash", "messages": [HI], **changes}
    return orjson.dumps({name: value for name, value in fields.items() if value is not ...})


def decode(
    contract: Contract = CONTRACT, *, passback: bool = True, quoting: bool = False, **changes: Any
) -> ChatRequest:
    """Read and checked."""
    request = decode_request(body(**changes), contract, quoting=quoting)
    check_request(request, contract, passback=passback, quoting=quoting)
    return request


def test_each_field_finds_its_place():
    request = decode(
        model="claude-sonnet-4-5",
        system="Be kind.",
        max_tokens=100,
        temperature=0.5,
        top_p=0.9,
        stop_sequences=["END"],
        stream=True,
        thinking={"type": "disabled", "budget_tokens": 5},
        output_config={"effort": "max", "format": {}},
        metadata={"user_id": "u", "other": 1},
        tools=[{**TOOL, "description": "d"}],
        tool_choice={"type": "tool", "name": "f"},
    )
    assert request == ChatRequest(
        model="claude-sonnet-4-5",
        messages=(Message("system", (TextPart("Be kind."),)), Message("user", (TextPart("Hi"),))),
        stream=True,
        thinking="disabled",
        effort="max",
        max_tokens=100,
        temperature=0.5,
        top_p=0.9,
        stop=("END",),
        tools=(ToolSpec("f", "d", {"type": "object"}),),
        tool_choice=NamedTool("f"),
        user_id="u",
    )


@pytest.mark.parametrize(
    "name",
    [
        "top_k",
        "container",
        "mcp_servers",
        "service_tier",
        "context_management",
        "anthropic_version",
        "betas",
        "seed",
        "n",
    ],
)
def test_what_the_contract_ignores_leaves_no_trace(name: str):
    """Not even where chat has a field of that name: it would come to life there."""
    assert decode(**{name: 5}) == decode()


def test_max_tokens_is_clamped_not_refused():
    assert decode(max_tokens=2**32 - 1).max_tokens == 393216
    assert decode(max_tokens=None).max_tokens is None
    with pytest.raises(
        ClientMistake, match=r"Invalid max_tokens value, the valid range of max_tokens is \[1, 393216\]"
    ):
        decode(max_tokens=0)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"messages": ...}, "missing field `messages`"),
        ({"model": 5, "messages": 5}, "model: invalid type: integer `5`, expected a string"),
        ({"messages": [HI, {"role": "tool", "content": ""}]},
         "messages[1].role: unknown variant `tool`, expected one of `user`, `assistant`, `system`"),
        ({"messages": [{"content": 5}]}, "messages[0]: missing field `role`"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content: expected a string or a list"),
        ({"thinking": {}}, "thinking: missing field `type`"),
        ({"thinking": {"type": "auto"}},
         "thinking.type: unknown variant `auto`, expected one of `adaptive`, `enabled`, `disabled`"),
        ({"thinking": {"type": "enabled", "budget_tokens": -1}},
         "thinking.budget_tokens: invalid value: integer `-1`, expected u64"),
        ({"output_config": {"effort": "zz"}},
         "output_config.effort: unknown variant `zz`, expected one of `none`, `minimal`, `low`, `medium`, `high`, "
         "`xhigh`, `ultra`, `max`"),
        ({"stop_sequences": [5]}, "stop_sequences[0]: invalid type: integer `5`, expected a string"),
    ],
)  # fmt: skip
def test_a_wrong_shape_names_its_place(changes: dict[str, Any], text: str):
    with pytest.raises(WrongShape) as caught:
        decode(**changes)
    said = f"Failed to deserialize the JSON body into the target type: {text} at line 1 column "
    assert caught.value.message.startswith(said)
    assert caught.value.message.removeprefix(said).isdecimal()


def test_what_is_not_json_is_refused():
    with pytest.raises(BrokenJson):
        decode_request(b'{"model":', CONTRACT)


IN_ORDER: list[tuple[dict[str, Any], str]] = [
    ({"tools": [{**TOOL, "name": "a b"}]}, "Invalid 'tools[0].name'"),
    ({"messages": []}, "messages: at least one message is required"),
    ({"messages": [{"role": "user", "content": []}]}, "messages.0: all messages must have non-empty content"),
    ({"messages": ASKED}, "The `content[].thinking` in the thinking mode must be passed back"),
    ({"tools": [TOOL, TOOL]}, "Tool names must be unique."),
    (
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "f"}},
        "Thinking mode does not support this tool_choice",
    ),
    ({"stop_sequences": ["a"] * 17}, "Stop string array too long: 17"),
    ({"stop_sequences": ["a", ""]}, "Invalid 'stop[1]': empty string."),
    ({"temperature": 2.5}, "Invalid temperature value"),
    ({"top_p": 0}, "Invalid top_p value"),
    ({"max_tokens": 0}, "Invalid max_tokens value"),
]


@pytest.mark.parametrize("place", range(len(IN_ORDER)))
def test_of_two_broken_rules_the_earlier_speaks(place: int):
    changes, text = IN_ORDER[place]
    for later, _ in IN_ORDER[place:]:
        with pytest.raises(ClientMistake) as caught:
            decode(**{**later, **changes})
        assert caught.value.message.startswith(text)


def test_lost_thoughts_can_be_forgiven():
    assert len(decode(messages=ASKED, passback=False).messages) == 3
    assert len(decode(messages=ASKED, thinking={"type": "disabled"}).messages) == 3
    assert len(decode(messages=[*ASKED, HI]).messages) == 4
    before = contract_named("2026-04-preview")
    assert len(decode(before, messages=ASKED).messages) == 3


def test_a_plain_turn_needs_its_thought_only_beside_tools():
    said = [HI, {"role": "assistant", "content": "x"}]
    assert len(decode(messages=said).messages) == 2
    with pytest.raises(ClientMistake, match="must be passed back"):
        decode(messages=said, tools=[TOOL])


def test_a_v4_model_knows_no_deferred_tools_and_takes_system_turns_for_the_users():
    deferred = [{**TOOL, "defer_loading": True}]
    with pytest.raises(ClientMistake, match="All tools cannot be deferred"):
        decode(tools=deferred)
    assert len(decode(tools=deferred, model="deepseek-v4-pro").tools) == 1
    told = [*ASKED, {"role": "system", "content": "go on"}]
    assert len(decode(messages=told, model="claude-opus-4").messages) == 4
    with pytest.raises(ClientMistake, match="must be passed back"):
        decode(messages=told)


@pytest.mark.parametrize(
    ("profile", "name", "model"),
    [
        ("2026-09-v41", "claude-opus-4-1", "deepseek-v4-pro"),
        ("2026-09-v41", "claude-haiku-4-5", "deepseek-flash"),
        ("2026-09-v41", "claude-sonnet-4-5", "deepseek-flash"),
        ("2026-09-v41", "claude-3-7", "deepseek-flash"),
        ("2026-09-v41", "deepseek-v4-pro", "deepseek-v4-pro"),
        ("2026-09-v41", "gpt-5", "gpt-5"),
        ("2026-08-ga", "claude-sonnet-4-5", "deepseek-v4-flash"),
        ("2026-08-ga", "gpt-5", "deepseek-v4-flash"),
        ("2026-04-preview", "claude-opus-4", "deepseek-v4-pro"),
    ],
)
def test_what_a_name_is_taken_for(profile: str, name: str, model: str):
    assert mapped_model(name, contract_named(profile)) == model


def test_no_error_repeats_what_the_client_said():
    secret = "my secret text"
    for changes in (
        {"messages": [{"role": secret, "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": secret}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": secret}}]}]},
        {"messages": [{"role": "assistant", "content": [{**CALL, "id": secret}]}]},
        {"temperature": secret},
        {"tools": [{"name": "f", "input_schema": {"type": secret}}]},
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": secret}},
    ):
        with pytest.raises(ClientMistake) as caught:
            decode(**changes)
        assert secret not in caught.value.message
        with pytest.raises(ClientMistake) as caught:
            decode(quoting=True, **changes)
        assert secret in caught.value.message


def test_what_was_found_while_reading_is_said_by_the_check():
    request = decode_request(body(messages=[]), CONTRACT)
    assert request.mistake == "messages: at least one message is required"
    with pytest.raises(ClientMistake, match="at least one message"):
        check_request(request, CONTRACT, passback=False)


def test_a_wrong_tool_is_named_after_missing_thinking():
    twice = {"tools": [TOOL, TOOL], "messages": ASKED}
    with pytest.raises(ClientMistake, match="must be passed back"):
        decode(**twice)
    with pytest.raises(ClientMistake, match="Tool names must be unique"):
        decode(passback=False, **twice)
    with pytest.raises(ClientMistake, match="Tool names must be unique"):
        decode(thinking={"type": "disabled"}, **twice)


def test_whether_it_thinks_is_seen_when_it_is_checked():
    """A legacy name of the model may have switched it in between."""
    request = decode_request(body(tools=[TOOL], tool_choice={"type": "tool", "name": "f"}), CONTRACT)
    check_request(replace(request, thinking="disabled"), CONTRACT, passback=True)
    with pytest.raises(ClientMistake, match="Thinking mode does not support"):
        check_request(request, CONTRACT, passback=True)


def test_the_efforts_are_those_of_the_date():
    before = contract_named("2026-04-preview")
    assert "ultra" not in before.efforts
    with pytest.raises(WrongShape, match="unknown variant `ultra`") as caught:
        decode(before, output_config={"effort": "ultra"})
    assert all(f"`{effort}`" in caught.value.message for effort in before.efforts)


@pytest.mark.parametrize("name", ["claude\n", "claude " + "x" * 9, "claude-" + "x" * 80, "claude-é", ""])
def test_what_looks_like_no_name_is_taken_for_none_of_ours(name: str):
    assert mapped_model(name, contract_named("2026-08-ga")) == name
