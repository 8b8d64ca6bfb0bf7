"""What clients of the Messages surface do, run with the official `anthropic` SDK against any base URL.

As in `scenarios`: each row gives back what the client saw, without ids, times and cache counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anthropic import Anthropic, APIStatusError

ROWS: dict[str, Callable[[MessageClients], Any]] = {}
HELLO = [{"role": "user", "content": "Say exactly: The tide comes in."}]
PLAIN = [{"role": "user", "content": "Tell me of the tides."}]
OFF: dict[str, Any] = {"thinking": {"type": "disabled"}}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: list[Any] = [{"name": name, "description": name, "input_schema": SCHEMA} for name in ("get_weather", "get_tide")]
ASK_ONE = [{"role": "user", "content": "Please call get_weather for Paris."}]
ASK_BOTH = [{"role": "user", "content": "Call get_tide and get_weather for Brest."}]
_NAMES = re.compile(r"(API model names are ).*(, but you passed)")
_CACHE = ("input_tokens", "cache_read_input_tokens")


@dataclass(frozen=True, slots=True)
class MessageClients:
    """The SDK with the key in x-api-key, with the key as bearer, and with a key that nobody gave out."""

    by_header: Anthropic
    by_bearer: Anthropic
    stranger: Anthropic


def message_clients_at(url: str, key: str) -> MessageClients:
    def client(**credentials: Any) -> Anthropic:
        return Anthropic(base_url=url + "/anthropic", max_retries=0, timeout=30, **credentials)

    return MessageClients(
        client(api_key=key, auth_token=None),
        client(api_key=None, auth_token=key),
        client(api_key="sk-nobody-0000", auth_token=None),
    )


def row(run: Callable[[MessageClients], Any]) -> Callable[[MessageClients], Any]:
    ROWS[run.__name__] = run
    return run


def outcome(run: Callable[[MessageClients], Any], clients: MessageClients) -> Any:
    try:
        return run(clients)
    except APIStatusError as error:
        body: Any = error.body
        envelope = body.get("error") if isinstance(body, dict) else None
        text = envelope.get("message", "") if isinstance(envelope, dict) else ""
        return {"error": type(error).__name__, "status": error.status_code, "text": _NAMES.sub(r"\1...\2", text)}


def _without(value: Any, name: str = "") -> Any:
    """Input tokens and cached ones depend on the account's history; their sum does not."""
    if isinstance(value, dict):
        kept = {key: _without(inner, key) for key, inner in value.items() if key not in _CACHE and inner is not None}
        counts = [value.get(key) for key in _CACHE]
        return {**kept, "prompt": sum(counts)} if None not in counts else kept
    if isinstance(value, list):
        return [_without(inner) for inner in value]
    if name in ("id", "signature") and isinstance(value, str) and value:
        return re.sub(r"(call_\d\d_)\w+", r"\1...", value) if value.startswith("call_") else "..."
    return value


def ask(client: Anthropic, messages: list[Any], **more: Any) -> Any:
    wanted: dict[str, Any] = {"model": "deepseek-flash", "max_tokens": 4000, "messages": messages, **more}
    if not wanted.pop("stream", False):
        return _without(client.messages.create(**wanted).model_dump(exclude_unset=True))
    events = client.messages.create(**wanted, stream=True)
    return [_without(event.model_dump(exclude_unset=True)) for event in events]


# -- answers -----------------------------------------------------------------------------------------------------------


@row
def a_message(at: MessageClients) -> Any:
    return ask(at.by_header, PLAIN)


@row
def a_message_with_the_key_as_bearer(at: MessageClients) -> Any:
    return ask(at.by_bearer, PLAIN, model="deepseek-v4-pro")


@row
def a_stream(at: MessageClients) -> Any:
    return ask(at.by_header, PLAIN, stream=True)


@row
def thinking_on_and_off(at: MessageClients) -> Any:
    switches = ({"type": "enabled", "budget_tokens": 2000}, {"type": "adaptive"}, {"type": "disabled"})
    return [ask(at.by_header, HELLO, thinking=switch, stream=s) for switch in switches for s in (False, True)]


@row
def efforts(at: MessageClients) -> Any:
    levels = ("low", "medium", "high", "max")
    return {level: ask(at.by_header, HELLO, output_config={"effort": level}) for level in levels}


@row
def a_system_text_and_blocks(at: MessageClients) -> Any:
    blocks = [{"role": "user", "content": [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]}]
    return ask(at.by_header, blocks, system=[{"type": "text", "text": "Be brief."}], **OFF)


@row
def stop_sequences(at: MessageClients) -> Any:
    return [ask(at.by_header, HELLO, stop_sequences=["comes"], stream=s, **OFF) for s in (False, True)]


@row
def too_few_tokens(at: MessageClients) -> Any:
    return [ask(at.by_header, PLAIN, max_tokens=5, stream=s) for s in (False, True)]


@row
def a_name_of_another_provider(at: MessageClients) -> Any:
    return ask(at.by_header, HELLO, model="claude-sonnet-9", **OFF)


# -- tools -------------------------------------------------------------------------------------------------------------


@row
def one_tool(at: MessageClients) -> Any:
    return [ask(at.by_header, ASK_ONE, tools=TOOLS, stream=s) for s in (False, True)]


@row
def many_tools(at: MessageClients) -> Any:
    return [ask(at.by_header, ASK_BOTH, tools=TOOLS, stream=s) for s in (False, True)]


@row
def a_conversation_with_tools(at: MessageClients) -> Any:
    first = at.by_header.messages.create(model="deepseek-flash", max_tokens=4000, messages=ASK_ONE, tools=TOOLS)
    said = [block.model_dump(exclude_unset=True) for block in first.content]
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "21 degrees"}
        for block in said
        if block["type"] == "tool_use"
    ]
    assert results
    messages = [*ASK_ONE, {"role": "assistant", "content": said}, {"role": "user", "content": results}]
    return ask(at.by_header, messages, tools=TOOLS)


# -- errors ------------------------------------------------------------------------------------------------------------


def refused(name: str, who: str = "by_header", messages: list[Any] = PLAIN, **more: Any) -> None:
    def run(at: MessageClients) -> Any:
        return ask(getattr(at, who), messages, **more)

    ROWS[f"refused: {name}"] = run


refused("temperature out of range", extra_body={"temperature": 9})
refused("no output at all", max_tokens=0)
refused("no messages", messages=[])
refused("a model that does not exist", model="gpt-17")
refused("a key that nobody gave out", who="stranger")
refused("a named tool in thinking", tools=TOOLS, tool_choice={"type": "tool", "name": "get_tide"})
refused("too many stop sequences", stop_sequences=[str(number) for number in range(17)])
refused(
    "a result without a call",
    messages=[{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t9", "content": "x"}]}],
    tools=TOOLS,
)
