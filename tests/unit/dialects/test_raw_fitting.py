"""Dialects fitted to traits: what is known opens the raw path, prefixes and suffixes; what is unknown leaves them shut."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from tests.support.samples import WEATHER, request

from tidegate.core.errors import ClientMistake, NotSupported
from tidegate.core.events import End, Finish, Reasoning, Start, Text, UsageReport
from tidegate.core.profile import Traits
from tidegate.core.requests import FimRequest
from tidegate.core.usage import Usage
from tidegate.dialects import DIALECTS, dialect_named

OFF = {"thinking": {"type": "disabled"}}
PREFIX = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "The sky", "prefix": True}]}
FORCED = {"tools": [WEATHER], "tool_choice": "required", **OFF}
TOOLS = {"tools": [WEATHER]}
V4, V41 = Traits(encoding="v4"), Traits(encoding="v4.1")
NO_CALLS = Traits(encoding="v4", parses_calls=False)
NO_REASONING = Traits(encoding="v4", splits_reasoning=False)


def path(name: str, traits: Traits, **asked: Any) -> str:
    return dialect_named(name).fitted(traits).encode(request(**asked), "m").path


@pytest.mark.parametrize(
    ("name", "traits", "asked"),
    [
        ("vllm", V4, PREFIX),
        ("vllm", NO_CALLS, TOOLS),
        ("vllm", NO_REASONING, {}),
        ("sglang", NO_CALLS, TOOLS),
        ("sglang", NO_REASONING, {}),
        ("llamacpp", V41, {}),
        ("llamacpp", NO_CALLS, TOOLS),
        ("llamacpp", NO_REASONING, {}),
        ("ollama", V4, {}),
        ("ollama", V41, FORCED),
        ("lmstudio", V4, PREFIX),
        ("lmstudio", V41, {}),
    ],
)
def test_what_the_chat_endpoint_answers_wrongly_goes_past_it(name: str, traits: Traits, asked: dict[str, Any]):
    encoded = dialect_named(name).fitted(traits).encode(request(**asked), "m")
    assert encoded.path in ("/v1/completions", "/completion", "/api/generate")
    assert encoded.quirks[0] == "RAW001"


@pytest.mark.parametrize(
    ("name", "traits", "asked"),
    [
        ("vllm", V4, {}),
        ("vllm", V4, TOOLS),
        ("vllm", V4, FORCED),
        ("vllm", NO_CALLS, {}),
        ("vllm", NO_REASONING, OFF),
        ("vllm", Traits(parses_calls=False), TOOLS),
        ("sglang", V4, PREFIX),
        ("sglang", V41, TOOLS),
        ("llamacpp", V4, {}),
        ("llamacpp", V4, PREFIX),
        ("llamacpp", V4, TOOLS),
        ("llamacpp", V4, FORCED),
        ("ollama", Traits(), {}),
        ("lmstudio", Traits(), {}),
    ],
)
def test_what_it_answers_rightly_or_what_nobody_can_render_stays_there(
    name: str, traits: Traits, asked: dict[str, Any]
):
    assert "chat" in path(name, traits, **asked)


@pytest.mark.parametrize(
    ("name", "code", "continued", "switches"),
    [
        ("vllm", "VLL005", "VLL015", {"continue_final_message": True, "add_generation_prompt": False}),
        ("ollama", "OLL007", "OLL012", {}),
        ("generic", "GEN003", "GEN005", {}),
    ],
)
def test_a_prefix_is_refused_until_it_is_known_to_be_continued(
    name: str, code: str, continued: str, switches: dict[str, Any]
):
    for traits in (Traits(), Traits(continues=False)):
        with pytest.raises(NotSupported, match=code):
            path(name, traits, **PREFIX)
    encoded = dialect_named(name).fitted(Traits(continues=True)).encode(request(**PREFIX), "m")
    assert continued in encoded.quirks
    assert b'"prefix"' not in encoded.body
    assert all(f'"{switch}":{str(value).lower()}'.encode() in encoded.body for switch, value in switches.items())


@pytest.mark.parametrize(("name", "code"), [("lmstudio", "LMS005"), ("transformers_serve", "TRS003")])
def test_a_prefix_stays_refused_where_nothing_continues_it(name: str, code: str):
    with pytest.raises(NotSupported, match=code):
        path(name, Traits(continues=True), **PREFIX)


FILL = FimRequest(model="auto", prompt="a", suffix="b", stream=True, max_tokens=5)
REFUSED = "refused"


@pytest.mark.parametrize(
    ("name", "unknown", "infills", "no_infill", "encoding"),
    [
        ("vllm", "/v1/completions", "/v1/completions", REFUSED, "/v1/completions RAW013"),
        ("sglang", REFUSED, "/v1/completions", REFUSED, "/v1/completions RAW013"),
        ("llamacpp", "/infill", "/infill", REFUSED, "/completion RAW013"),
        ("ollama", "/api/generate", "/api/generate", REFUSED, "/api/generate RAW013"),
        ("lmstudio", REFUSED, REFUSED, REFUSED, "/v1/completions RAW013"),
        ("generic", REFUSED, REFUSED, REFUSED, REFUSED),
        ("transformers_serve", REFUSED, REFUSED, REFUSED, REFUSED),
        ("embedded", REFUSED, REFUSED, REFUSED, REFUSED),
    ],
)
def test_where_a_suffix_goes(name: str, unknown: str, infills: str, no_infill: str, encoding: str):
    def gone(traits: Traits) -> str:
        try:
            encoded = dialect_named(name).fitted(traits).encode(FILL, "m")
        except NotSupported as refused:
            assert "REQ006" in refused.message
            return REFUSED
        return " ".join((encoded.path, *encoded.quirks))

    found = gone(Traits()), gone(Traits(infills=True)), gone(Traits(infills=False)), gone(Traits(encoding="v4"))
    assert found == (unknown, infills, no_infill, encoding)


@pytest.mark.parametrize("name", ["vllm", "sglang", "llamacpp", "ollama", "lmstudio"])
def test_a_completion_without_a_suffix_needs_nothing_known(name: str):
    encoded = dialect_named(name).encode(FimRequest(model="auto", prompt="a", max_tokens=5, stream=True), "m")
    assert encoded.path in ("/v1/completions", "/completion", "/api/generate")
    assert encoded.quirks == ()


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
def test_a_dialect_fitted_to_nothing_speaks_as_before(dialect: Any):
    for asked in (request(), request(stream=True, **TOOLS)):
        before, after = dialect.encode(asked, "m"), dialect.fitted(Traits()).encode(asked, "m")
        assert (before.path, before.body, before.quirks) == (after.path, after.body, after.quirks)


def test_a_server_that_answers_raw_requests_whole_is_read_too():
    fitted = dialect_named("vllm").fitted(NO_REASONING)
    reader = fitted.reader(fitted.encode(request(stream=True), "m"), got_stream=False)
    choice = {"index": 0, "text": "I add.</think>2.<｜end▁of▁sentence｜>", "finish_reason": "stop"}
    usage = {"prompt_tokens": 9, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 0}}
    reader.feed(orjson.dumps({"id": "c", "model": "m", "choices": [choice], "usage": usage}))
    (frame,) = reader.close()
    assert [event for event in frame.events if not isinstance(event, Start)] == [
        Reasoning("I add."),
        Text("2."),
        Finish("stop"),
        UsageReport(Usage(prompt=9, output=7, cache_hit=0)),
        End(),
    ]


@pytest.mark.parametrize("name", ["ollama", "lmstudio"])
@pytest.mark.parametrize("encoding", [None, "v4"])
def test_what_cannot_fit_is_not_sent_where_it_might_be_cut(name, encoding):
    fitted = dialect_named(name).fitted(Traits(window_tokens=20, encoding=encoding))
    long = [{"role": "user", "content": "word " * 30}]
    fitted.encode(request(), "m")
    with pytest.raises(ClientMistake, match="maximum context length is 20 tokens"):
        fitted.encode(request(messages=long), "m")
    dialect_named(name).encode(request(messages=long), "m")


def test_elsewhere_the_server_itself_refuses_it():
    fitted = dialect_named("vllm").fitted(Traits(window_tokens=20))
    fitted.encode(request(messages=[{"role": "user", "content": "word " * 30}]), "m")
