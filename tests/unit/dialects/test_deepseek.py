"""The hosted API: only missing reasoning is filled in on the way there, its bytes come back as they are, and its own words
may be shown."""

from __future__ import annotations

import orjson
import pytest
from tests.support.samples import CALL, WEATHER, request, request_body

from tidegate.core.errors import BackendOverloaded, BackendRefused, ClientMistake, NoBalance, RateLimited
from tidegate.dialects.deepseek import DEEPSEEK


def hosted(message: str, kind: str = "invalid_request_error") -> bytes:
    return orjson.dumps({"error": {"message": message, "type": kind, "param": None, "code": "invalid_request_error"}})


FULL = {
    "stream": True,
    "stream_options": {"include_usage": False},
    "thinking": {"type": "enabled"},
    "reasoning_effort": "max",
    "max_tokens": 5,
    "temperature": 0.5,
    "top_p": 0.9,
    "stop": ["x"],
    "tools": [WEATHER],
    "tool_choice": "auto",
    "response_format": {"type": "text"},
    "logprobs": True,
    "top_logprobs": 2,
    "user_id": "u-1",
    "seed": 7,
    "n": 1,
    "frequency_penalty": 1,
    "presence_penalty": -1,
}


def test_a_request_goes_out_as_it_came_with_the_backends_model():
    encoded = DEEPSEEK.encode(request(**FULL), "deepseek-flash")
    assert orjson.loads(encoded.body) == orjson.loads(request_body(**FULL)) | {"model": "deepseek-flash"}
    assert encoded.quirks == ()


def test_an_unstreamed_request_stays_unstreamed():
    assert not DEEPSEEK.encode(request(), "deepseek-flash").streamed


def test_it_changes_no_answer_and_has_its_own_paths():
    assert DEEPSEEK.on_chunk == ()
    assert (DEEPSEEK.chat_path, DEEPSEEK.models_path) == ("/chat/completions", "/models")
    assert DEEPSEEK.transparent


USER = {"role": "user", "content": "Hi"}
SAID = {"role": "assistant", "content": "Hello"}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c0", "content": "mild"}
THOUGHT = {"reasoning_content": "I think"}


def reasonings(*messages, **asked):
    """What goes out as reasoning of each assistant turn (None: nothing does), and the quirks."""
    encoded = DEEPSEEK.encode(request(messages=list(messages), **asked), "deepseek-flash")
    turns = [turn for turn in orjson.loads(encoded.body)["messages"] if turn["role"] == "assistant"]
    return [turn.get("reasoning_content") for turn in turns], encoded.quirks


def test_with_tools_every_earlier_turn_without_reasoning_says_so():
    history = (USER, SAID, USER, CALLED, RESULT, SAID | THOUGHT, USER)
    assert reasonings(*history, tools=[WEATHER]) == (["", "", "I think"], ("DSK001",))


def test_what_the_client_sent_as_reasoning_goes_out_untouched():
    empty = SAID | {"reasoning_content": ""}
    assert reasonings(USER, empty, USER, CALLED | THOUGHT, RESULT, tools=[WEATHER]) == (["", "I think"], ())


def test_no_reasoning_is_sent_as_empty_even_where_content_is_null():
    encoded = DEEPSEEK.encode(request(messages=[USER, CALLED, RESULT], tools=[WEATHER]), "deepseek-flash")
    sent = orjson.loads(encoded.body)["messages"][1]
    assert (sent["content"], sent["reasoning_content"], sent["tool_calls"]) == ("", "", [CALL])


@pytest.mark.parametrize("off", [{"thinking": {"type": "disabled"}}, {"reasoning_effort": "none"}])
def test_without_thinking_nothing_is_added(off):
    assert reasonings(USER, CALLED, RESULT, SAID, USER, tools=[WEATHER], **off) == ([None, None], ())


def test_without_tools_only_turns_with_calls_say_so_and_they_do_for_ever():
    assert reasonings(USER, CALLED, RESULT, SAID) == (["", None], ("DSK001",))
    assert reasonings(USER, CALLED, RESULT, SAID, USER) == (["", None], ("DSK001",))
    assert reasonings(USER, SAID, USER) == ([None], ())


def test_a_prefix_with_tools_hears_what_is_wrong_with_it_and_not_that_reasoning_is_missing():
    assert reasonings(USER, SAID | {"prefix": True}, tools=[WEATHER]) == ([""], ("DSK001",))
    assert reasonings(USER, SAID | {"prefix": True}) == ([None], ())


@pytest.mark.parametrize(
    "message",
    [
        "Content Exists Risk",
        "Empty input messages",
        "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]",
        "Invalid assistant message: content or tool_calls must be set",
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        "(insufficient tool messages following tool_calls message)",
        "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'",
        "Tool names must be unique.",
        "Cannot use strict tool with non-strict tool in the same request",
        "Required properties must match all properties in the object",
        "An object with no properties is not allowed.",
        "additionalProperties should not be true",
        "The top level of the function parameters schema must be an object.",
        "Image in assistant message is not supported",
        "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'.",
        'prefix is only available when using beta api (set base_url="https://api.deepseek.com/beta")',
        "Function call should not be used with prefix",
        "response_format json_object should not be used with prefix",
        "stream_options should be set along with stream = true",
        "Thinking mode does not support this tool_choice",
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
        "The supported API model names are deepseek-flash, deepseek-v4-pro, but you passed X.",
        "This model's maximum context length is 1048576 tokens. However, you requested 1093216 tokens "
        "(700000 in the messages, 393216 in the completion). Please reduce the length of the messages or completion.",
    ],
)
def test_the_hosted_words_for_a_clients_mistake_reach_the_client(message):
    error = DEEPSEEK.read_error(400, hosted(message))
    assert type(error) is ClientMistake
    assert error.message == message


def test_the_hosted_words_for_a_limit_reach_the_client():
    crowded = (
        "Too many requests. Your current concurrency is 26, which exceeds your concurrency limit of 25 based on your "
        "remaining balance. Please top up your balance to restore your concurrency."
    )
    for message in (crowded, "Rate limit reached for requests per minute."):
        error = DEEPSEEK.read_error(429, hosted(message, "rate_limit_error"))
        assert (type(error), error.message) == (RateLimited, message)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("Too many requests. Your current concurrency is 26, which exceeds your concurrency limit of 25 based on", 25),
        ("Too many requests. Your current concurrency is 2501, which exceeds your concurrency limit of 2500.", 2500),
        ("Too many requests. Your current concurrency is 9, which exceeds your concurrency limit.", None),
        ("Too many requests. Your current concurrency, which exceeds your concurrency limit of 99999999999", None),
        ("Rate limit reached for requests per minute.", None),
        ("You asked for a concurrency limit of 3", None),
    ],
)
def test_the_number_in_a_refusal_is_read_where_the_text_is_known(text: str, limit: int | None):
    error = DEEPSEEK.read_error(429, hosted(text, "rate_limit_error"))
    assert isinstance(error, RateLimited)
    assert error.limit == limit
    assert not hasattr(DEEPSEEK.read_error(503, hosted(text)), "limit")


def test_the_hosted_words_for_overload_reach_the_client():
    message = "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers."
    error = DEEPSEEK.read_error(503, hosted(message, "service_unavailable_error"))
    assert (type(error), error.message) == (BackendOverloaded, message)


def test_an_empty_account_is_no_balance():
    error = DEEPSEEK.read_error(402, hosted("Insufficient Balance", "unknown_error"))
    assert (type(error), error.message) == (NoBalance, "Insufficient Balance")


@pytest.mark.parametrize(
    "body",
    [
        b"Authentication Fails (governor)",
        hosted("Authentication Fails, Your api key: ****0000 is invalid", "authentication_error"),
    ],
)
def test_a_refused_key_is_the_gateways_matter_and_shows_no_part_of_it(body):
    error = DEEPSEEK.read_error(401, body)
    assert type(error) is BackendRefused
    assert "0000" not in error.message
    assert "key_env" in error.message


@pytest.mark.parametrize(
    "message",
    [
        "nobody knows this text",
        "",
        "invalid in lower case",
        " Invalid after a blank",
        'Invalid tool parameters schema : field `description`: "a client\'s own words"',
    ],
)
def test_words_that_are_not_known_are_replaced(message):
    error = DEEPSEEK.read_error(400, hosted(message))
    assert type(error) is ClientMistake
    assert error.message == "the backend refused the request as malformed (HTTP 400)"
