"""The schema of `response_format`, told to a model whose prompt does not mention it: a grammar forces keys, not sense."""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.codecs.json_text import dump_fields
from tidegate.core.requests import ChatRequest
from tidegate.dialects.base import COMMON
from tidegate.dialects.checked_json import wanted_schema
from tidegate.dialects.refusals import asks_forced_tool, format_of
from tidegate.dialects.system_text import with_system_text

TOLD_FORMAT = COMMON.rule(
    "REQ014",
    "the JSON schema of response_format is told to the model at the end of the system message",
    why="DeepSeek's own encoding writes it into the prompt. A runtime that does not holds the model to a form that it was "
    "never told of. For json_object nothing is added: the contract has the client say JSON.",
    source="deepseek-recipe 0.2.0 and vLLM 0.32.0, run 2026-11-22; Ollama documentation (structured outputs) advises it",
    checked="2026-11-24",
)


def tell_schema(request: ChatRequest) -> ChatRequest:
    """A forced call is told by its own text."""
    if format_of(request) != "json_schema" or asks_forced_tool(request):
        return request
    written = dump_fields({"schema": wanted_schema(request)})[len(b'{"schema":') : -1].decode()
    text = f"Answer with JSON that follows this JSON schema, and with nothing else:\n{written}"
    return replace(request, messages=with_system_text(request.messages, text))
