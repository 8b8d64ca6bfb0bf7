"""The law: whatever a client kept or lost, the hosted API never has to say that reasoning must be passed back.

The judge is DeepSeek's own package with the check switched on, and the documentation's wider rule beside it.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.recipe import FLASH, PASS_BACK, PRO, refusal
from tests.support.talks import Json, talks, tools, turns

from tidegate.codecs.openai_chat.request import decode_request
from tidegate.dialects.base import Dialect
from tidegate.dialects.deepseek import DEEPSEEK

MANY = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

switches = st.sampled_from(
    [
        {},
        {"thinking": {"type": "enabled"}},
        {"thinking": {"type": "adaptive"}},
        {"thinking": {"type": "disabled"}},
        {"reasoning_effort": "max"},
        {"reasoning_effort": "none"},
        {"reasoning_effort": "none", "thinking": {"type": "enabled"}},
    ]
)
calling = st.builds(lambda talk, turn: [*talk, *turn], talks(), turns().filter(lambda found: len(found) > 1))
requests = st.builds(
    lambda model, messages, offered, switch: {"model": model, "messages": messages, **offered, **switch},
    st.sampled_from([FLASH, PRO]),
    talks() | calling,
    st.just({}) | tools().map(lambda offered: {"tools": offered}),
    switches,
)


def judged(dialect: Dialect, request: Json) -> tuple[dict[str, Any] | None, Json]:
    """What the package says of what this dialect sends, and what that is."""
    sent = dialect.encode(decode_request(json.dumps(request).encode()), request["model"]).body
    return refusal(sent), orjson.loads(sent)


@given(requests)
@MANY
def test_nothing_we_send_is_refused_for_missing_reasoning(request: Json) -> None:
    refused, sent = judged(DEEPSEEK, request)
    assert refused is None
    turns = [message for message in sent["messages"] if message["role"] == "assistant"]
    if decode_request(json.dumps(request).encode()).thinks and "tools" in request:
        assert all("reasoning_content" in turn for turn in turns)
    kept = [turn.get("reasoning_content") for turn in request["messages"] if turn["role"] == "assistant"]
    now = [turn.get("reasoning_content") for turn in turns]
    assert [new if old is None else old for old, new in zip(kept, now, strict=True)] == now, (
        "what was kept is untouched"
    )
    assert {new for old, new in zip(kept, now, strict=True) if old is None} <= {None, ""}, "nothing is invented"


@pytest.mark.parametrize("model", [FLASH, PRO])
def test_without_the_quirk_the_package_refuses(model: str) -> None:
    careless, refusals = dataclasses.replace(DEEPSEEK, on_meaning=()), 0

    @given(requests)
    @MANY
    def count(request: Json) -> None:
        nonlocal refusals
        refused, _ = judged(careless, {**request, "model": model})
        assert refused is None or refused["error"]["message"] == PASS_BACK
        refusals += refused is not None

    count()
    assert refusals > 15, "if nothing is refused without it, this law could not fail"
