"""vLLM's error bodies in the contract's words.

Bodies of 0.32.0, recorded 2026-11-22; the last two overflows and the tool texts from its source.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tidegate.core.errors import BackendFailed, BackendOverloaded, BackendRefused, ClientMistake, NotSupported
from tidegate.dialects.vllm_errors import read_error


def told(status: int, message: str, kind: str = "BadRequestError", param: str | None = None) -> Any:
    error = {"message": message, "type": kind, "param": param, "code": status}
    return read_error(status, orjson.dumps({"error": error}))


BEGIN = "This model's maximum context length is 2048 tokens. However, you"


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (
            "This model's maximum context length is 2048 tokens. However, your prompt contains at least 2049 input tokens, "
            "which exceeds this limit even without any output tokens. Please reduce the length of the input prompt. "
            "(parameter=input_tokens, value=2049)",
            f"{BEGIN} requested at least 2049 tokens in the messages. Please reduce the length of the messages.",
        ),
        (
            "This model's maximum context length is 2048 tokens. However, your prompt contains 90000 characters (more than "
            "81920 characters, which is the upper bound for 2048 input tokens). Please reduce the length of the input "
            "prompt. (parameter=input_text, value=90000)",
            f"{BEGIN} requested more than 2048 tokens in the messages. Please reduce the length of the messages.",
        ),
        (
            "max_tokens=100000 cannot be greater than max_model_len=2048. Please request fewer output tokens. "
            "(parameter=max_tokens, value=100000)",
            f"{BEGIN} requested 100000 tokens in the completion. Please reduce the length of the completion.",
        ),
    ],
)
def test_an_overflow_is_told_in_the_contracts_words(message, says):
    error = told(400, message)
    assert (type(error), error.message) == (ClientMistake, says)


@pytest.mark.parametrize(
    "message",
    [
        '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        'tool_choice="required" requires --tool-call-parser to be set',
        'tool_choice=function "get_weather" requires --tool-call-parser to be set',
    ],
)
def test_tools_without_a_parser_are_not_supported_and_another_candidate_may_have_one(message):
    error = told(400, message)
    assert type(error) is NotSupported
    assert "VLL009" in error.message
    assert "get_weather" not in error.message


def test_a_suffix_that_the_model_does_not_know_is_not_supported():
    error = told(400, "suffix is only supported for models with FIM completion rendering")
    assert type(error) is NotSupported
    assert "REQ006" in error.message


def test_an_unknown_model_is_a_fault_of_the_configuration():
    error = told(404, "The model `nope` does not exist. Valid aliases: tiny.", "NotFoundError", "model")
    assert type(error) is BackendRefused
    assert "`models`" in error.message
    assert "nope" not in error.message


def test_a_text_about_a_number_is_shown():
    assert told(400, "temperature must be in [0, 2], got 3.0. (parameter=temperature, value=3.0)").message.startswith(
        "temperature must be in [0, 2], got 3.0"
    )


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (400, "1 validation error:\n  {'type': 'missing', 'loc': 'body.messages', 'input': 'secret'}", ClientMistake),
        (400, "Cannot apply chat template to an empty conversation. Provide at least one message.", ClientMistake),
        (500, "Internal server error", BackendFailed),
        (503, "The engine is currently busy and cannot accept new requests.", BackendOverloaded),
    ],
)
def test_any_other_error_means_what_its_status_says_and_its_text_stays_away(status, message, error):
    found = told(status, message)
    assert type(found) is error
    assert message not in found.message


@pytest.mark.parametrize(
    ("status", "body"), [(401, b'{"error":"Unauthorized"}'), (404, b'{"detail":"Not Found"}'), (418, b"<html>")]
)
def test_bodies_of_other_shapes_are_read_by_their_status(status, body):
    assert type(read_error(status, body)) is BackendRefused
