"""transformers serve: each quirk with the bytes it changes, and its answers and errors as recorded on 2026-11-22."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from tests.support.samples import WEATHER, reader_of, request

from tidegate.codecs import sse
from tidegate.core.errors import BackendFailed, BackendRefused, BrokenContract, NotSupported
from tidegate.core.events import End, Finish, Start, Text, UsageReport
from tidegate.core.requests import FimRequest
from tidegate.core.usage import Usage
from tidegate.dialects.transformers_serve import TRANSFORMERS_SERVE

USER = {"role": "user", "content": "Hi"}


def sent(**asked: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    encoded = TRANSFORMERS_SERVE.encode(request(**asked), "m")
    return orjson.loads(encoded.body), encoded.quirks


def test_the_whole_of_a_plain_request():
    assert sent() == (
        {"model": "m", "messages": [USER], "max_tokens": 65536, "temperature": 1, "top_p": 1},
        ("TRS001", "TRS006", "TRS007"),
    )


@pytest.mark.parametrize("asked", [{"thinking": {"type": "disabled"}}, {"reasoning_effort": "low"}])
def test_a_switch_that_would_be_refused_with_422_is_not_sent_and_that_is_stated(asked):
    body, quirks = sent(**asked)
    assert not {"thinking", "reasoning_effort"} & body.keys()
    assert "TRS001" in quirks


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("prefix", {"messages": [USER, {"role": "assistant", "content": "The", "prefix": True}]}),
        ("response_format", {"response_format": {"type": "json_object"}}),
        ("tool_choice", {"tools": [WEATHER], "tool_choice": "required", "thinking": {"type": "disabled"}}),
        ("logprobs", {"logprobs": True}),
    ],
)
def test_what_it_accepts_without_effect_is_refused(field, asked):
    with pytest.raises(NotSupported, match=f"^{field} is not supported by this backend, see TRS003"):
        sent(**asked)


def test_fill_in_the_middle_is_refused():
    """Its own `suffix` is pasted behind the completion (run 2026-11-22)."""
    with pytest.raises(NotSupported, match="REQ006"):
        TRANSFORMERS_SERVE.encode(FimRequest(model="auto", prompt="a", suffix="b"), "m")


def test_tools_are_passed_on_and_said_to_be_uncertain():
    body, quirks = sent(tools=[WEATHER])
    assert body["tools"] == [WEATHER]
    assert "TRS004" in quirks
    assert "TRS004" not in sent()[1]


def test_the_clients_sampling_and_length_hold_without_thinking():
    body, quirks = sent(thinking={"type": "disabled"}, temperature=0.1, top_p=0.2, max_tokens=7)
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.1, 0.2, 7)
    assert "TRS006" not in quirks


# -- answers -----------------------------------------------------------------------------------------------------------

STOP_KEPT = (
    b'{"id":"d342c49d-858b-4417-a7d1-46e57dda0066","choices":[{"finish_reason":"stop","index":0,"message":{"content":'
    b'"def add(x, y):\\n    return x + y\\n```","role":"assistant"}}],"created":1795385352,"model":"models/smol-hf@main",'
    b'"object":"chat.completion","usage":{"completion_tokens":14,"prompt_tokens":51,"total_tokens":65}}'
)
LAST = b'{"choices":[{"delta":{"content":"a"},"index":0,"finish_reason":"stop"}],"model":"m"}'


def test_the_stop_string_of_a_recorded_answer_is_cut_off():
    reader = TRANSFORMERS_SERVE.reader(TRANSFORMERS_SERVE.encode(request(stop=["```"]), "m"), got_stream=False)
    reader.feed(STOP_KEPT)
    (frame,) = reader.close()
    assert frame.events[1:] == (
        Text("def add(x, y):\n    return x + y"),
        Text("\n"),
        Finish("stop"),
        UsageReport(Usage(prompt=51, output=14)),
        End(),
    )
    assert reader.quirks == ["TRS005", "REQ031"]


def test_without_a_stop_string_the_text_stays():
    reader = reader_of(TRANSFORMERS_SERVE, streamed=False)
    reader.feed(STOP_KEPT)
    (frame,) = reader.close()
    assert frame.events[1] == Text("def add(x, y):\n    return x + y\n```")
    assert reader.quirks == ["REQ031"]


@pytest.mark.parametrize("after", [b"", sse.encode(b"[DONE]")])
def test_a_stream_ends_with_its_finish_and_a_done_of_a_later_version_changes_nothing(after):
    reader = reader_of(TRANSFORMERS_SERVE, streamed=True)
    events = [event for frame in reader.feed(sse.encode(LAST) + after) for event in frame.events]
    assert events == [Start("m"), Text("a"), Finish("stop"), End()]
    assert reader.close() == []


def test_a_stream_without_its_finish_is_broken():
    reader = reader_of(TRANSFORMERS_SERVE, streamed=True)
    reader.feed(sse.encode(LAST.replace(b'"stop"', b"null")))
    with pytest.raises(BrokenContract, match="broke off"):
        reader.close()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b"{\"detail\":\"Server is pinned to 'models/smol-hf'; requested 'no-such-model'.\"}", BackendRefused),
        (422, b'{"detail":"Unexpected fields in the request: {\'thinking\'}"}', BackendRefused),
        (404, b'{"detail":"Not Found"}', BackendRefused),
        (500, b"Internal Server Error", BackendFailed),
    ],
)
def test_recorded_errors_mean_what_their_status_says_and_their_text_stays_away(status, body, error):
    told = TRANSFORMERS_SERVE.read_error(status, body)
    assert type(told) is error
    assert "no-such-model" not in told.message
    assert "thinking" not in told.message
