"""Error bodies of any shape: the status decides, and only texts with a known beginning are handed on."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.strategies import MODERATE, json_values

from tidegate.core.errors import (
    BackendFailed,
    BackendOverloaded,
    BackendRefused,
    BackendTimedOut,
    BackendUnreachable,
    ClientMistake,
    GatewayError,
    NoBalance,
    RateLimited,
    Unprocessable,
)
from tidegate.dialects import DIALECTS
from tidegate.dialects.errors import by_status, error_object, known_message, window_exceeded


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"error":{"message":"m","type":"t"}}', {"message": "m", "type": "t"}),
        (b'{"error":"m"}', {"message": "m"}),
        (b'{"message":"m","code":400}', {"message": "m", "code": 400}),
        (b'{"error":null}', {}),
        (b'{"error":[1]}', {}),
        (b"{}", {}),
        (b"[]", {}),
        (b'"m"', {}),
        (b"null", {}),
        (b"", {}),
        (b"Authentication Fails (governor)", {}),
        (b"\xff\xfe", {}),
        (b"[" * 20_000, {}),
    ],
)
def test_the_error_is_found_whatever_the_body(body, error):
    assert error_object(body) == error


def test_only_a_text_with_a_known_beginning_is_known():
    beginnings = ("Content Exists Risk", "Rate limit")
    assert known_message({"message": "Rate limit reached"}, beginnings) == "Rate limit reached"
    assert known_message({"message": "your prompt was: Rate limit"}, beginnings) is None
    assert known_message({"message": ["Rate limit"]}, beginnings) is None
    assert known_message({}, beginnings) is None


def test_a_known_text_is_cut_to_a_length_for_reading():
    assert known_message({"message": "Rate limit " + "x" * 1000}, ("Rate limit",)) == "Rate limit " + "x" * 489


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ClientMistake),
        (413, ClientMistake),
        (422, Unprocessable),
        (401, BackendRefused),
        (403, BackendRefused),
        (402, NoBalance),
        (404, BackendRefused),
        (405, BackendRefused),
        (429, RateLimited),
        (408, BackendTimedOut),
        (504, BackendTimedOut),
        (502, BackendUnreachable),
        (503, BackendOverloaded),
        (301, BackendRefused),
        (307, BackendRefused),
        (500, BackendFailed),
        (501, BackendFailed),
        (418, BackendRefused),
    ],
)
def test_a_status_means_one_error(status, kind):
    assert type(by_status(status, None)) is kind


@pytest.mark.parametrize("status", [400, 422, 429, 503])
def test_a_text_that_may_be_shown_is_shown_where_it_helps(status):
    assert by_status(status, "Rate limit reached").message == "Rate limit reached"


@pytest.mark.parametrize("status", [401, 402, 403, 404, 500, 307])
def test_elsewhere_the_gateways_own_words_stand(status):
    assert "Rate limit" not in by_status(status, "Rate limit reached").message


def test_the_words_name_what_to_change():
    assert "key_env" in by_status(401, None).message
    assert "key" not in by_status(403, None).message
    assert "base_url" in by_status(404, None).message
    assert by_status(402, None).message == "Insufficient Balance"
    assert "never followed" in by_status(302, None).message


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
@given(status=st.integers(300, 599), body=st.binary(max_size=50) | json_values().map(orjson.dumps))
@MODERATE
def test_no_body_makes_a_dialect_raise_anything_of_its_own(dialect, status, body):
    assert isinstance(dialect.read_error(status, body), GatewayError)


def test_an_overflow_says_which_side_is_too_long():
    told = window_exceeded(1024, "at least 1025", "completion")
    assert (type(told), told.message) == (
        ClientMistake,
        "This model's maximum context length is 1024 tokens. However, you requested at least 1025 tokens in the "
        "completion. Please reduce the length of the completion.",
    )


CANARY = "the patient said CANARY-7f3a"


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
@pytest.mark.parametrize(
    "error",
    [
        {"message": CANARY},
        {"message": CANARY, "type": "invalid_request_error"},
        {"message": f"Failed to parse input at pos 0: {CANARY}", "type": "server_error"},
        {"message": "x", "type": "exceed_context_size_error", "n_ctx": CANARY, "n_prompt_tokens": CANARY},
        {"message": "x", "type": "unavailable_error", "detail": CANARY},
        {"message": "x", "type": CANARY, "code": CANARY, "param": CANARY},
        {"message": f"tool_choice={CANARY} requires --tool-call-parser to be set", "param": "tool_choice"},
        {"message": f"The model `{CANARY}` does not exist.", "param": "model"},
        {"message": f"The input ({CANARY} tokens) is longer than the model's context length ({CANARY} tokens)."},
        {"message": f"max_tokens={'9' * 9999} cannot be greater than max_model_len={CANARY}."},
        CANARY,
    ],
)
def test_a_prompt_quoted_in_an_upstreams_error_never_reaches_the_client(dialect, error):
    for body in (orjson.dumps({"error": error}), orjson.dumps(error), CANARY.encode()):
        for status in (302, 400, 401, 402, 404, 408, 413, 422, 429, 500, 502, 503, 504):
            assert "CANARY" not in dialect.read_error(status, body).message
