"""A conversation for `/api/chat`: each kind of part where it belongs, and what has no place refused."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.samples import request

from tidegate.codecs.ollama_chat.messages import encode_messages, read_arguments
from tidegate.core.errors import NotSupported

PIXEL = "iVBORw0KGgo="


def encoded(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    return encode_messages(request(messages=list(messages)).messages)


def call(arguments: str, call_id: str = "c1") -> dict[str, Any]:
    function = {"name": "get_weather", "arguments": arguments}
    return {"role": "assistant", "tool_calls": [{"id": call_id, "type": "function", "function": function}]}


def image(url: str, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url, **more}}]}


def test_a_turn_is_its_role_and_one_text():
    assert encoded({"role": "user", "content": "Hi", "name": "Ann"}) == [{"role": "user", "content": "Hi"}]


def test_several_texts_are_joined_as_deepseek_joins_them():
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert encoded({"role": "user", "content": parts})[0]["content"] == "a\n\nb"


@pytest.mark.parametrize("thought", ["Hm.", ""])
def test_reasoning_goes_back_as_thinking(thought):
    (message,) = encoded({"role": "assistant", "content": "A", "reasoning_content": thought})
    assert message == {"role": "assistant", "content": "A", "thinking": thought}


def test_arguments_of_a_call_are_an_object_and_its_answer_names_the_tool():
    said, answered = encoded(call('{"city":"Rome"}'), {"role": "tool", "tool_call_id": "c1", "content": "12"})
    function = {"name": "get_weather", "arguments": {"city": "Rome"}}
    assert said == {"role": "assistant", "content": "", "tool_calls": [{"id": "c1", "function": function}]}
    assert answered == {"role": "tool", "content": "12", "tool_call_id": "c1", "tool_name": "get_weather"}


def test_an_answer_to_no_known_call_names_no_tool():
    assert "tool_name" not in encoded({"role": "tool", "tool_call_id": "c9", "content": "12"})[0]


def test_no_arguments_are_an_empty_object():
    assert read_arguments("") == {}


@pytest.mark.parametrize("arguments", ['{"city":', "[]", '"Rome"', "null"])
def test_arguments_that_are_no_object_are_refused_and_not_quoted(arguments):
    with pytest.raises(NotSupported, match=r"not a JSON object \(messages\[\]\.tool_calls\)"):
        encoded(call(arguments))


@pytest.mark.parametrize("more", [{}, {"detail": "auto"}])
def test_an_image_is_its_bare_data(more):
    (message,) = encoded(image(f"data:image/png;base64,{PIXEL}", **more))
    assert message == {"role": "user", "content": "", "images": [PIXEL]}


@pytest.mark.parametrize(
    "url", ["https://example.com/a.png", "data:image/png,raw", "data:image/png;base64,***", "file:///etc/passwd"]
)
def test_an_image_without_its_data_is_refused_and_never_fetched(url):
    with pytest.raises(NotSupported, match="only as base64 data URLs"):
        encoded(image(url))


@pytest.mark.parametrize(
    ("message", "what"),
    [
        (image(f"data:image/png;base64,{PIXEL}", detail="high"), "image detail"),
        ({"role": "user", "content": [{"type": "file", "file_id": "f"}]}, "content of type file"),
    ],
)
def test_what_has_no_place_is_refused(message, what):
    with pytest.raises(NotSupported, match=what):
        encoded(message)
