"""Ollama's error bodies in the contract's words. Bodies as its source writes them, not recorded."""

from __future__ import annotations

import orjson
import pytest

from tidegate.core.errors import (
    BackendFailed,
    BackendOverloaded,
    BackendRefused,
    ClientMistake,
    NotSupported,
    RateLimited,
)
from tidegate.dialects.ollama_errors import read_error

COUNTED = "request (8889 tokens) exceeds the available context size (4096 tokens), try increasing it"
NESTED = orjson.dumps({"error": {"code": 400, "message": COUNTED, "type": "exceed_context_size_error"}}).decode()


def body(text: str) -> bytes:
    return orjson.dumps({"error": text})


@pytest.mark.parametrize("text", [COUNTED, NESTED])
@pytest.mark.parametrize("status", [400, 500])
def test_an_overflow_is_told_in_the_contracts_words(text, status):
    told = read_error(status, body(text))
    assert type(told) is ClientMistake
    assert told.message == (
        "This model's maximum context length is 4096 tokens. However, you requested 8889 tokens in the messages. "
        "Please reduce the length of the messages."
    )


@pytest.mark.parametrize(
    "text",
    [
        "the prompt is longer than the context length currently available to the model; shorten the prompt",
        "the input length exceeds the context length",
    ],
)
def test_an_overflow_without_counts_is_one_too(text):
    told = read_error(400, body(text))
    assert type(told) is ClientMistake
    assert told.message.startswith("This model's maximum context length is ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"llama3.1:8b" does not support thinking', "does not support thinking; disable thinking"),
        ("registry.ollama.ai/library/deepseek-r1:8b does not support tools", "does not support tools; use another"),
        ("registry.ollama.ai/library/deepseek-r1:8b does not support insert", "does not support insert; use another"),
        ('think value "max" is not supported for this model', "OLL003"),
    ],
)
def test_what_a_model_cannot_do_another_may(text, said):
    told = read_error(400, body(text))
    assert type(told) is NotSupported
    assert said in told.message


@pytest.mark.parametrize(
    ("status", "text", "error", "said"),
    [
        (404, "model 'secret' not found", BackendRefused, "does not have this model (HTTP 404)"),
        (400, "model is required", BackendRefused, "does not have this model (HTTP 400)"),
        (403, "ollama cloud is disabled: remote model is unavailable", BackendRefused, "cloud models are switched off"),
        (403, "", BackendRefused, "access is denied"),
        (401, "unauthorized", BackendRefused, "access is denied"),
        (503, "server busy, please try again.  maximum pending requests exceeded", BackendOverloaded, "HTTP 503"),
        (429, "secret", RateLimited, "rate"),
        (400, "invalid: secret", ClientMistake, "HTTP 400"),
        (500, "template: secret", BackendFailed, "HTTP 500"),
        (499, "request canceled", BackendRefused, "HTTP 499"),
    ],
)
def test_any_other_error_says_what_to_do_and_no_text_passes(status, text, error, said):
    told = read_error(status, body(text))
    assert type(told) is error
    assert said in told.message
    assert "secret" not in told.message


@pytest.mark.parametrize(
    "raw", [b"<html>", b"{}", b'{"error":7}', b'{"error":"{"}', b'{"error":{"message":null}}', b""]
)
def test_a_body_of_another_shape_is_read_by_its_status(raw):
    assert type(read_error(500, raw)) is BackendFailed
