"""A chat request to the fields of an `/api/chat` body. Says what was asked; what was not asked is the dialect's matter.

Not here because the format has no such field: `tool_choice`, `n`, `user_id`. Penalties are left out, as the contract
gives them no effect.
"""

from __future__ import annotations

from typing import Any

from tidegate.codecs.ollama_chat.messages import encode_messages
from tidegate.core.errors import NotSupported
from tidegate.core.jsonvalue import as_object
from tidegate.core.requests import ChatRequest, ToolSpec

_SEEDS = 2**31
"""The engine takes fewer seeds than the contract; equal seeds stay equal."""


def request_fields(request: ChatRequest) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "model": request.model,
        "messages": encode_messages(request.messages),
        "stream": request.stream,  # the server's default is true
        "think": request.thinks,
        "options": _options(request),
    }
    if request.tools:
        fields["tools"] = [_encode_tool(tool) for tool in request.tools]
    if (wanted := _format(request.response_format)) is not None:
        fields["format"] = wanted
    if request.logprobs:
        fields["logprobs"] = True
        if request.top_logprobs is not None:
            fields["top_logprobs"] = request.top_logprobs
    return fields


def _options(request: ChatRequest) -> dict[str, Any]:
    options: dict[str, Any] = {
        "num_predict": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "seed": None if request.seed is None else request.seed % _SEEDS,
        "stop": list(request.stop) or None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _format(wanted: dict[str, Any] | None) -> str | dict[str, Any] | None:
    match wanted:
        case None | {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return "json"
        case {"type": "json_schema", "json_schema": described} if (schema := _schema(described)) is not None:
            return schema
        case _:
            raise NotSupported(f"Ollama has no place for response_format {wanted.get('type')!s:.20}")


def _schema(described: Any) -> dict[str, Any] | None:
    return as_object((as_object(described) or {}).get("schema"))


def _encode_tool(tool: ToolSpec) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    # A function without parameters takes none; the server reads `parameters` as a schema of properties.
    function["parameters"] = {"type": "object", "properties": {}} if tool.parameters is None else tool.parameters
    return {"type": "function", "function": function}
