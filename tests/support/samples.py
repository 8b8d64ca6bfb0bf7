"""Small requests and answers that many tests start from: as JSON fields, as bytes, as canonical values."""

from __future__ import annotations

from typing import Any

import orjson

from tidegate.codecs.openai_chat.request import decode_request
from tidegate.core.requests import ChatRequest
from tidegate.dialects.base import Dialect
from tidegate.dialects.readers import AnswerReader, StreamReader

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CALL: dict[str, Any] = {"id": "c0", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}


def request_body(**changes: Any) -> bytes:
    """The body of a smallest request with these fields; a field set to `...` is left out."""
    fields: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}], **changes}
    return orjson.dumps({name: value for name, value in fields.items() if value is not ...})


def request(**changes: Any) -> ChatRequest:
    return decode_request(request_body(**changes))


def chunk(**choice: Any) -> dict[str, Any]:
    """One hosted content chunk; `choice` replaces members of its only choice."""
    return {
        "id": "ID-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "deepseek-flash",
        "system_fingerprint": "fp_abc",
        "choices": [{"index": 0, "delta": {"content": "Hel"}, "logprobs": None, "finish_reason": None, **choice}],
    }


def with_depth(body: bytes, depth: int) -> bytes:
    """The body with each text "DEEP" replaced by objects nested this deep, deeper than orjson would write."""
    return body.replace(b'"DEEP"', b'{"a":' * depth + b"1" + b"}" * depth)


def reader_of(dialect: Dialect, *, streamed: bool) -> StreamReader | AnswerReader:
    """The reader for a server that answers as it was asked to."""
    return dialect.reader(dialect.encode(request(stream=streamed), "m"), got_stream=streamed)
