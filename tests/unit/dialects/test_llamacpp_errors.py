"""llama.cpp's error bodies in the contract's words. Bodies of b11549, recorded 2026-11-22."""

from __future__ import annotations

import orjson
import pytest

from tidegate.core.errors import (
    BackendFailed,
    BackendLoading,
    BackendOverloaded,
    BackendRefused,
    BackendUnreachable,
    ClientMistake,
    NotSupported,
)
from tidegate.dialects.llamacpp_errors import read_error


def test_an_overflow_is_told_in_the_contracts_words():
    error = {
        "code": 400,
        "message": "request (3022 tokens) exceeds the available context size (1024 tokens), try increasing it",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 3022,
        "n_ctx": 1024,
    }
    told = read_error(400, orjson.dumps({"error": error}))
    assert type(told) is ClientMistake
    assert told.message == (
        "This model's maximum context length is 1024 tokens. However, you requested 3022 tokens in the messages. "
        "Please reduce the length of the messages."
    )


def test_a_server_that_still_loads_says_so_and_another_may_answer():
    told = read_error(503, b'{"error":{"message":"Loading model","type":"unavailable_error","code":503}}')
    assert (type(told), told.retry) == (BackendLoading, "same")
    assert told.message.startswith("the backend is still loading its model; raise `[timeouts] load_s`")


def test_what_else_is_unavailable_does_not_load():
    told = read_error(503, b'{"error":{"message":"no slot for you","type":"unavailable_error","code":503}}')
    assert type(told) is BackendOverloaded
    assert "no slot" not in told.message


@pytest.mark.parametrize(
    ("status", "message", "kind", "error"),
    [
        (400, "'messages' is required", "invalid_request_error", ClientMistake),
        (400, "All non-assistant messages must contain 'content'", "invalid_request_error", ClientMistake),
        (400, "logprobs is not supported with tools + stream", "invalid_request_error", ClientMistake),
        (400, "Field 'max_tokens': Value must be between -1 <= value <= 2147483647, but got -5", "x", ClientMistake),
        (404, "File Not Found", "not_found_error", BackendRefused),
        (501, "Infill is not supported by this model: prefix token is missing.", "not_supported_error", NotSupported),
        (500, "a fault of its own", "server_error", BackendFailed),
        (502, "a proxy before it", "server_error", BackendUnreachable),
    ],
)
def test_any_other_error_means_what_its_status_says_and_its_text_stays_away(status, message, kind, error):
    told = read_error(status, orjson.dumps({"error": {"message": message, "type": kind, "code": status}}))
    assert type(told) is error
    assert message not in told.message


def test_a_body_that_is_no_json_is_read_by_its_status():
    assert type(read_error(500, b"<html>")) is BackendFailed
