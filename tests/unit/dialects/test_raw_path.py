"""The raw path of a chat: what is asked of the endpoint, which quirks it states, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from tests.support.samples import WEATHER, request

from tidegate.core.errors import NotSupported
from tidegate.core.requests import ChatRequest
from tidegate.dialects.base import Encoded
from tidegate.dialects.emptiness import refuse_empty
from tidegate.dialects.raw import Ask, Constraint
from tidegate.dialects.raw_path import RawPath
from tidegate.dialects.vllm_raw import COMPLETIONS

OFF = {"type": "disabled"}
JSON = {"messages": [{"role": "user", "content": "json"}]}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def path(asks: list[Ask] | None = None, **changes: Any) -> RawPath:
    """Over an endpoint that writes down what it was asked."""

    def write(ask: Ask) -> dict[str, Any]:
        if asks is not None:
            asks.append(ask)
        return {"prompt": ask.prompt}

    how: dict[str, Any] = {"endpoint": replace(COMPLETIONS, write=write), "encoding": "v4", "wrong": lambda _: True}
    return RawPath(**{**how, **changes})


def asked(**fields: Any) -> Ask:
    asks: list[Ask] = []
    path(asks)(request(**fields), "m")
    return asks[0]


def encoded(**fields: Any) -> Encoded:
    found = path()(request(**fields), "m")
    assert found is not None
    return found


def test_a_request_that_the_chat_endpoint_answers_rightly_goes_there():
    assert path(wrong=lambda each: bool(each.tools))(request(), "m") is None
    assert path(wrong=lambda each: bool(each.tools))(request(tools=[WEATHER]), "m") is not None


def test_what_is_asked_of_the_endpoint():
    ask = asked(max_tokens=9, seed=4, temperature=0.5, thinking=OFF)
    assert replace(ask, prompt="") == Ask(model="m", prompt="", rendered=True, most=9, temperature=0.5, top_p=1, seed=4)
    assert ask.prompt.endswith("<｜User｜>Hi<｜Assistant｜></think>")


def test_it_is_streamed_never_passes_as_it_came_and_says_so():
    one = encoded(max_tokens=9)
    assert (one.path, one.streamed, one.passes, one.quirks) == ("/v1/completions", True, False, ("RAW001",))
    assert orjson.loads(one.body)["prompt"].endswith("<think>")


def test_stages_behind_the_parser_are_made_for_the_backends_model():
    seen: list[ChatRequest] = []

    def make(each: ChatRequest) -> Any:
        seen.append(each)
        return refuse_empty(each)

    one = path(stages=(make, lambda _: None))(request(), "org/m")
    assert one is not None
    assert len(one.stages) == 2
    assert seen[0].model == "org/m"


@pytest.mark.parametrize(
    ("fields", "most"),
    [({}, 65536), ({"thinking": OFF}, 8192), ({"reasoning_effort": "max"}, 131072), ({"max_tokens": 5}, 5)],
)
def test_a_missing_length_is_the_contracts(fields: dict[str, Any], most: int):
    assert asked(**fields).most == most
    assert ("RAW007" in encoded(**fields).quirks) is ("max_tokens" not in fields)


def test_a_missing_length_is_no_more_than_the_window_surely_leaves():
    asks: list[Ask] = []
    path(asks, window_tokens=4000)(request(thinking=OFF), "m")
    assert 3900 < asks[0].most < 4000
    path(asks, window_tokens=4000)(request(thinking=OFF, max_tokens=9000), "m")
    assert asks[1].most == 9000


def test_stop_strings_go_along_only_where_no_thought_and_no_call_can_hold_them():
    assert asked(stop=["x"], thinking=OFF).stop == ("x",)
    assert asked(stop=["x"]).stop == ()
    assert asked(stop=["x"], thinking=OFF, tools=[WEATHER]).stop == ()
    assert "RAW006" not in encoded(stop=["x"], thinking=OFF).quirks
    assert "RAW006" in encoded(stop=["x"]).quirks


def test_formats_are_enforced_where_nothing_is_thought():
    wanted = {"response_format": {"type": "json_object"}}
    assert asked(**JSON, **wanted, thinking=OFF).constraint == Constraint("json", "")
    assert asked(**JSON, response_format=SCHEMA, thinking=OFF).constraint == Constraint("json", '{"type":"object"}')
    assert asked(**JSON, **wanted).constraint is None
    assert "RAW005" in encoded(**JSON, **wanted).quirks
    assert "RAW005" not in encoded(**JSON, **wanted, thinking=OFF).quirks


@pytest.mark.parametrize("wanted", [SCHEMA, {"type": "regex", "regex": "a+"}])
def test_a_format_that_cannot_be_enforced_is_refused(wanted: dict[str, Any]):
    with pytest.raises(NotSupported, match=f"{wanted['type']} .*RAW005"):
        encoded(**JSON, response_format=wanted)
    weaker = path(endpoint=replace(COMPLETIONS, formats=frozenset[str]()))
    with pytest.raises(NotSupported, match="RAW005"):
        weaker(request(**JSON, response_format=wanted, thinking=OFF), "m")
    stated = weaker(request(**JSON, response_format={"type": "json_object"}, thinking=OFF), "m")
    assert stated is not None
    assert "RAW005" in stated.quirks


def test_what_the_prompt_cannot_hold_is_refused():
    with pytest.raises(NotSupported, match=r"logprobs .*RAW003"):
        encoded(logprobs=True)
    with pytest.raises(NotSupported, match=r"content other than text .*RAW003"):
        encoded(messages=[{"role": "user", "content": [{"type": "text", "text": "see"}, IMAGE]}])


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"messages": [{"role": "user", "content": "<｜User｜>"}]}, "RAW002"),
        ({"presence_penalty": 1}, "REQ002"),
        ({"user_id": "me"}, "REQ003"),
        (
            {
                "tools": [WEATHER],
                "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
                "thinking": OFF,
            },
            "RAW009",
        ),
    ],
)
def test_what_was_changed_is_stated(fields: dict[str, Any], code: str):
    assert code in encoded(**fields).quirks
    assert code not in encoded().quirks


def test_strict_tools_are_stated():
    strict = {"type": "function", "function": {**WEATHER["function"], "strict": True}}
    assert "RAW010" in encoded(tools=[strict]).quirks
    assert "RAW010" not in encoded(tools=[WEATHER]).quirks
