"""The chat surface: where the key stands, and that its bytes are the codec's."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tidegate.core.events import End, Finish, Start, Text
from tidegate.core.fold import fold
from tidegate.core.usage import Usage
from tidegate.simulator.chat import ChatSurface, bearer
from tidegate.simulator.surface import Identity

from .conftest import Caller, error

IDENTITY = Identity("id-1", "deepseek-flash", 1700000000)
EVENTS = (Start(), Text("Hi"), Finish("stop"), End())


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("Bearer sk-1", "sk-1"),
        ("bearer  sk-1 ", "sk-1"),
        ("Basic sk-1", None),
        ("sk-1", None),
        ("", None),
        ("Bearer ", ""),
    ],
)
def test_the_key_is_a_bearer_token(value: str, key: str | None):
    scope = {"headers": [(b"authorization", value.encode())]}
    assert bearer(scope) == ChatSurface().key(scope) == key
    assert bearer({"headers": []}) is None


async def test_bytes_are_the_codecs(simulator: Callable[..., Caller]):
    surface = ChatSurface()
    body = json.dumps({"model": "deepseek-flash", "messages": [{"role": "user", "content": "x"}]}).encode()
    request = surface.decode(body, simulator().parts.contract)
    encoder = surface.encoder(request, IDENTITY, Usage())
    stream = b"".join(encoder.encode(event) for event in EVENTS)
    assert stream.endswith(surface.last_words)
    assert stream.count(b'"system_fingerprint":"fp_tidegate_sim"') == 3
    whole = json.loads(surface.whole(fold(EVENTS), request, IDENTITY))
    assert (whole["id"], whole["created"], whole["model"]) == ("id-1", 1700000000, "deepseek-flash")


BEGUN = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "The sky", "prefix": True}]


async def test_a_prefix_needs_the_beta_base(simulator: Callable[..., Caller]):
    one = simulator()
    refused = await one.post(messages=BEGUN)
    assert (refused.status, error(refused)) == (
        400,
        'prefix is only available when using beta api (set base_url="https://api.deepseek.com/beta")',
    )
    assert (await one.post("/beta/chat/completions", messages=BEGUN)).status == 200


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"messages": []}, "Empty input messages"),
        ({"messages": ...}, "missing field `messages`"),
        ({"max_tokens": 0}, "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]"),
        ({"response_format": {"type": "json_object"}}, "Prompt must contain the word 'json' in some form"),
        ({"stream_options": {}}, "stream_options should be set along with stream = true"),
        (
            {"model": "deepseek-chat"},
            "The supported API model names are deepseek-flash, deepseek-v4-pro, but you passed",
        ),
    ],
)
async def test_the_contract_is_kept(simulator: Callable[..., Caller], fields, says):
    refused = await simulator().post(**fields)
    assert (refused.status, refused.headers["content-type"]) == (400, "application/octet-stream")
    assert says in error(refused)
