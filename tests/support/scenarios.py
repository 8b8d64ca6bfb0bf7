"""One table of what clients of the hosted API do, run with the official `openai` SDK against any base URL.

Each row gives back what the client saw as plain JSON, without what differs by nature: ids, times, and cache counts (an
account's history). Errors are the SDK's class, the status and the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from openai import APIError, APIStatusError, OpenAI

ROWS: dict[str, Callable[[Clients], Any]] = {}
HELLO = [{"role": "user", "content": "Say exactly: The tide comes in."}]
PLAIN = [{"role": "user", "content": "Tell me of the tides."}]
OFF = {"thinking": {"type": "disabled"}}
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": CITY}},
    {"type": "function", "function": {"name": "get_tide", "description": "Tide", "parameters": CITY}},
]
STRICT: list[Any] = [{**tool, "function": {**tool["function"], "strict": True}} for tool in TOOLS]
ASK_ONE = [{"role": "user", "content": "Please call get_weather for Paris."}]
ASK_BOTH = [{"role": "user", "content": "Call get_tide and get_weather for Brest."}]
_NAMES = re.compile(r"(API model names are ).*(, but you passed)")


@dataclass(frozen=True, slots=True)
class Clients:
    """The SDK at the three bases of one server, and with a key that nobody gave out."""

    url: str
    plain: OpenAI
    v1: OpenAI
    beta: OpenAI
    stranger: OpenAI


def clients_at(url: str, key: str) -> Clients:
    def client(base: str, key: str = key) -> OpenAI:
        return OpenAI(base_url=url + base, api_key=key, max_retries=0, timeout=30)

    return Clients(url, client(""), client("/v1"), client("/beta"), client("", "sk-nobody-0000"))


def row(run: Callable[[Clients], Any]) -> Callable[[Clients], Any]:
    ROWS[run.__name__] = run
    return run


def outcome(run: Callable[[Clients], Any], clients: Clients) -> Any:
    """What the client saw, or the error that it got."""
    try:
        return run(clients)
    except APIStatusError as error:
        return {"error": type(error).__name__, "status": error.status_code, "text": _text_of(error)}
    except APIError as error:
        return {"error": type(error).__name__, "text": error.message}


def _text_of(error: APIStatusError) -> str:
    body: Any = error.body
    message = body.get("message", "") if isinstance(body, dict) else ""
    return _NAMES.sub(r"\1...\2", message)


def whole(answer: Any) -> dict[str, Any]:
    seen = answer.model_dump(exclude_unset=True)
    return _without(seen)


def streamed(chunks: Iterable[Any]) -> dict[str, Any]:
    """Every chunk, and that all bear one identity."""
    seen = [chunk.model_dump(exclude_unset=True) for chunk in chunks]
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in seen}) == 1
    return {"chunks": [_without(chunk) for chunk in seen]}


def _without(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _without(inner, key) for key, inner in value.items() if key not in ("created", "_request_id")}
    if isinstance(value, list):
        return [_without(inner) for inner in value]
    if name == "id" and isinstance(value, str):
        return re.sub(r"(call_\d\d_)\w+", r"\1...", value) if value.startswith("call_") else "..."
    return "..." if name in ("prompt_cache_hit_tokens", "prompt_cache_miss_tokens", "cached_tokens") else value


def chat(client: OpenAI, messages: list[Any], **more: Any) -> Any:
    extra = {name: more.pop(name) for name in ("thinking", "reasoning_effort", "user_id") if name in more}
    answer = client.chat.completions.create(
        model=more.pop("model", "deepseek-flash"), messages=messages, extra_body=extra, **more
    )
    return streamed(answer) if more.get("stream") else whole(answer)


# -- chat --------------------------------------------------------------------------------------------------------------


@row
def a_chat(at: Clients) -> Any:
    return chat(at.plain, PLAIN)


@row
def a_chat_under_v1_with_the_larger_model(at: Clients) -> Any:
    return chat(at.v1, PLAIN, model="deepseek-v4-pro")


@row
def a_stream(at: Clients) -> Any:
    return chat(at.plain, PLAIN, stream=True)


@row
def a_stream_with_usage_asked_for(at: Clients) -> Any:
    return chat(at.plain, PLAIN, stream=True, stream_options={"include_usage": True})


@row
def thinking_off(at: Clients) -> Any:
    return chat(at.plain, HELLO, **OFF)


@row
def thinking_off_streamed(at: Clients) -> Any:
    return chat(at.plain, HELLO, stream=True, **OFF)


@row
def thinking_on_by_switch(at: Clients) -> Any:
    return chat(at.plain, HELLO, thinking={"type": "enabled"})


@row
def every_effort(at: Clients) -> Any:
    efforts = ("none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra")
    return {effort: chat(at.plain, HELLO, reasoning_effort=effort) for effort in efforts}


@row
def too_few_tokens_for_the_answer(at: Clients) -> Any:
    return [chat(at.plain, PLAIN, max_tokens=5, **OFF), chat(at.plain, PLAIN, max_tokens=5)]


@row
def a_stop_string(at: Clients) -> Any:
    return [chat(at.plain, HELLO, stop=["comes"], stream=stream, **OFF) for stream in (False, True)]


@row
def logprobs(at: Clients) -> Any:
    return [chat(at.plain, HELLO, logprobs=True, top_logprobs=2, stream=stream) for stream in (False, True)]


# -- tools -------------------------------------------------------------------------------------------------------------


@row
def one_tool(at: Clients) -> Any:
    return chat(at.plain, ASK_ONE, tools=TOOLS)


@row
def many_tools(at: Clients) -> Any:
    return chat(at.plain, ASK_BOTH, tools=TOOLS)


@row
def tools_streamed(at: Clients) -> Any:
    return [chat(at.plain, ask, tools=TOOLS, stream=True) for ask in (ASK_ONE, ASK_BOTH)]


@row
def strict_tools(at: Clients) -> Any:
    return [chat(at.beta, ASK_ONE, tools=STRICT, stream=stream) for stream in (False, True)]


@row
def tool_choices_without_thinking(at: Clients) -> Any:
    named = {"type": "function", "function": {"name": "get_tide"}}
    return [chat(at.plain, PLAIN, tools=TOOLS, tool_choice=choice, **OFF) for choice in ("none", "required", named)]


@row
def a_conversation_with_tools(at: Clients) -> Any:
    """Two rounds: the call, its result, the answer; reasoning is handed back as the contract wants it."""
    messages: list[Any] = list(ASK_ONE)
    first = at.plain.chat.completions.create(model="deepseek-flash", messages=messages, tools=TOOLS)
    said = first.choices[0].message
    assert said.tool_calls
    messages.append(said.model_dump(exclude_unset=True))
    messages += [{"role": "tool", "tool_call_id": call.id, "content": "21 degrees"} for call in said.tool_calls]
    return [whole(first), chat(at.plain, messages, tools=TOOLS)]


@row
def a_tool_call_that_was_cut(at: Clients) -> Any:
    return chat(at.plain, ASK_ONE, tools=TOOLS, max_tokens=18, **OFF)


# -- JSON, prefix, FIM -------------------------------------------------------------------------------------------------


@row
def json_output(at: Clients) -> Any:
    asked = [{"role": "user", "content": 'Answer in json like {"a": 1, "b": [true]}.'}]
    found = [chat(at.plain, asked, response_format={"type": "json_object"}, stream=s, **OFF) for s in (False, True)]
    assert json.loads(found[0]["choices"][0]["message"]["content"])
    return found


@row
def a_prefix(at: Clients) -> Any:
    messages = [*PLAIN, {"role": "assistant", "content": "The tide", "prefix": True}]
    return [chat(at.beta, messages, stream=stream, **OFF) for stream in (False, True)]


@row
def a_prefix_in_thinking(at: Clients) -> Any:
    return chat(at.beta, [*PLAIN, {"role": "assistant", "content": "", "reasoning_content": "So", "prefix": True}])


@row
def fill_in_the_middle(at: Clients) -> Any:
    asked: dict[str, Any] = {"model": "deepseek-v4-pro", "prompt": "def tide():\n    ", "suffix": "\n    return level"}
    found = [whole(at.beta.completions.create(**asked, max_tokens=limit)) for limit in (64, 3)]
    return [*found, streamed(at.beta.completions.create(**asked, max_tokens=64, stream=True))]


# -- account -----------------------------------------------------------------------------------------------------------


@row
def models(at: Clients) -> Any:
    found = {model.id: _without(model.model_dump(exclude_unset=True)) for model in at.plain.models.list()}
    hosted = ("deepseek-flash", "deepseek-v4-pro")
    one = _without(at.plain.models.retrieve("deepseek-flash").model_dump(exclude_unset=True))
    return [{name: {**found[name], "owned_by": "..."} for name in hosted}, {**one, "owned_by": "..."}]


@row
def balance(at: Clients) -> Any:
    found: Any = at.plain.get("/user/balance", cast_to=object)
    found["balance_infos"] = [sorted(info) for info in found["balance_infos"]]
    return found


# -- errors ------------------------------------------------------------------------------------------------------------


def refused(name: str, where: str = "plain", messages: list[Any] = PLAIN, **more: Any) -> None:
    def run(at: Clients) -> Any:
        return chat(getattr(at, where), messages, **more)

    ROWS[f"refused: {name}"] = run


refused("temperature out of range", temperature=9)
refused("max_tokens out of range", max_tokens=400_000)
refused("no messages", messages=[])
refused("a role that does not exist", messages=[{"role": "developer", "content": "x"}])
refused("a wrong type", temperature=True)
refused("an effort that does not exist", reasoning_effort="huge")
refused("a thinking switch that does not exist", thinking={"type": "maybe"})
refused("an unknown model", model="gpt-17")
refused("a retired model", model="deepseek-chat")
refused("a key that nobody gave out", where="stranger")
refused("a prefix off beta", messages=[*PLAIN, {"role": "assistant", "content": "The", "prefix": True}])
refused("JSON without the word", response_format={"type": "json_object"})
refused("a tool choice in thinking", tools=TOOLS, tool_choice="required")
refused("strict beside not strict", where="beta", tools=[STRICT[0], TOOLS[1]])
refused("a tool name twice", tools=[TOOLS[0], TOOLS[0]])
refused("too many stop strings", stop=[str(number) for number in range(17)])
refused("a tool result without a call", messages=[*PLAIN, {"role": "tool", "tool_call_id": "x", "content": "y"}])
refused("stream options without a stream", stream_options={"include_usage": True})
refused("top_logprobs alone", top_logprobs=3)


@row
def refused_fim_off_beta(at: Clients) -> Any:
    return whole(at.plain.completions.create(model="deepseek-v4-pro", prompt="x"))


@row
def refused_path(at: Clients) -> Any:
    return whole(at.plain.embeddings.create(model="deepseek-flash", input="x"))


@row
def refused_model_by_name(at: Clients) -> Any:
    return whole(at.plain.models.retrieve("gpt-17"))
