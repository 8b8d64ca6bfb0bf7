"""What a dialect does once more is known of its server: windows, reasoning as text, DeepSeek's own prompts."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.samples import WEATHER, request

from tidegate.core.events import Event, Finish, Reasoning, Text
from tidegate.core.profile import UNKNOWN_TRAITS, Traits
from tidegate.dialects import DIALECTS, dialect_named
from tidegate.dialects.base import Dialect
from tidegate.dialects.fitting import most_prompt_tokens

OFF = {"thinking": {"type": "disabled"}}
DEFAULTS = [(OFF, 8192), ({}, 65536), ({"reasoning_effort": "max"}, 131072)]
AS_TEXT = Traits(splits_reasoning=False)
IMAGE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}]}]
INLINE = {"vllm": "VLL008", "sglang": "SGL007", "llamacpp": "LCP008", "generic": "GEN004"}


def sent(name: str, window: int | None, **asked: Any) -> tuple[int | None, bool]:
    """`max_tokens` on the wire, and whether a quirk of its own says so."""
    dialect = dialect_named(name).fitted(Traits(window_tokens=window))
    encoded = dialect.encode(request(**asked), "m")
    return orjson.loads(encoded.body).get("max_tokens"), bool({"VLL004", "SGL003"} & set(encoded.quirks))


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
def test_what_is_unknown_changes_nothing(dialect):
    assert dialect.fitted(UNKNOWN_TRAITS) == dialect


@pytest.mark.parametrize(("asked", "default"), DEFAULTS)
@pytest.mark.parametrize("window", [2048, 32768, 65536, 1_000_000])
def test_vllm_is_sent_the_default_or_its_window(asked, default, window):
    assert sent("vllm", window, **asked) == (min(default, window), True)


@pytest.mark.parametrize(("asked", "default"), DEFAULTS)
def test_sglang_is_sent_the_default_only_where_it_is_sure_to_fit(asked, default):
    assert sent("sglang", 1_000_000, **asked) == (default, True)
    assert sent("sglang", default + 4096, **asked) == (None, True)
    assert sent("sglang", 2048, **asked) == (None, True)


def test_a_long_prompt_leaves_no_room_for_the_default():
    long = [{"role": "user", "content": "word " * 30_000}]
    assert sent("sglang", 131_072, messages=long) == (None, True)
    assert sent("sglang", 1_000_000, messages=long) == (65536, True)


def test_what_an_image_weighs_is_not_known():
    assert sent("sglang", 1_000_000, messages=IMAGE) == (None, True)


@pytest.mark.parametrize("name", ["vllm", "sglang"])
@pytest.mark.parametrize("window", [None, 2048, 1_000_000])
def test_the_clients_own_length_holds(name, window):
    assert sent(name, window, max_tokens=5000) == (5000, False)


@given(st.lists(st.text(max_size=200), min_size=1, max_size=5))
def test_no_prompt_has_more_tokens_than_is_reckoned(texts):
    messages = [{"role": "user", "content": text} for text in texts]
    asked = request(messages=messages, tools=[WEATHER])
    fields = {"messages": messages, "tools": [WEATHER]}
    written = sum(len(text.encode()) for text in texts) + len(orjson.dumps(WEATHER, option=orjson.OPT_INDENT_2))
    assert most_prompt_tokens(asked, fields) > written


# Reasoning that comes as text.


def answered(dialect: Dialect, *pieces: str, **asked: Any) -> tuple[str, str, list[str]]:
    encoded = dialect.encode(request(stream=True, **asked), "m")
    events: list[Event] = [*map(Text, pieces), Finish("stop")]
    for stage in encoded.stages:
        events = [one for event in events for one in stage.take(event)]
    thought = "".join(event.text for event in events if isinstance(event, Reasoning))
    quirks = [code for stage in encoded.stages for code in stage.quirks]
    return thought, "".join(event.text for event in events if isinstance(event, Text)), quirks


@pytest.mark.parametrize(("name", "code"), INLINE.items())
def test_a_server_that_is_known_not_to_split_is_read_from_inside(name, code):
    dialect = dialect_named(name)
    pieces = ("Let me", " think.</th", "ink>\n\nHi")
    assert answered(dialect, *pieces) == ("", "Let me think.</think>\n\nHi", [])
    assert answered(dialect.fitted(AS_TEXT), *pieces) == ("Let me think.", "Hi", [code])


@pytest.mark.parametrize(("name", "code"), INLINE.items())
@pytest.mark.parametrize("traits", [UNKNOWN_TRAITS, AS_TEXT])
def test_a_model_that_writes_its_tag_is_split_either_way(name, code, traits):
    assert answered(dialect_named(name).fitted(traits), "<think>a", "</think>b") == ("a", "b", [code])


@pytest.mark.parametrize("name", INLINE)
def test_with_thinking_off_the_answer_begins_outside(name):
    assert answered(dialect_named(name).fitted(AS_TEXT), "Hi", **OFF) == ("", "Hi", [])


@pytest.mark.parametrize("name", ["sglang", "llamacpp"])
def test_a_continued_text_is_no_thought(name):
    prefix = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "The", "prefix": True}]
    assert answered(dialect_named(name).fitted(AS_TEXT), " sky", messages=prefix) == ("", " sky", [])


@pytest.mark.parametrize("name", INLINE)
@pytest.mark.parametrize("splits", [None, True])
def test_a_server_that_may_split_keeps_its_usual_stages(name, splits):
    dialect = dialect_named(name)
    assert dialect.fitted(Traits(splits_reasoning=splits)).stages == dialect.stages
