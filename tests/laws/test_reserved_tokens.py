"""The law behind reservations: no prompt has more tokens than the bound that is made of the request's bytes.

Counted by the hosted API's own templates and tokenizer, in both encodings and with every effort.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from contextlib import suppress

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.strategies import chat_requests, fim_requests

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs.openai_chat.request import decode_request, encode_request
from tidegate.codecs.openai_completions.request import encode_request as encode_fim
from tidegate.core.errors import ClientMistake
from tidegate.core.requests import ChatRequest, FimRequest
from tidegate.pipeline.charging import bounds_of
from tidegate.simulator.prompt import renderer

CONTRACT = contract_named(DEFAULT_PROFILE)
LAW = settings(max_examples=300, deadline=None)


def tokens(request: ChatRequest) -> Iterator[int]:
    for encoding in ("v4", "v4.1"):
        with suppress(ClientMistake):
            yield len(renderer().chat_tokens(request, encoding, CONTRACT.applied_effort(request), passback=False))


@LAW
@given(request=chat_requests())
def test_a_prompt_has_no_more_tokens_than_are_reserved(request: ChatRequest) -> None:
    size = len(encode_request(request))
    assert all(count <= bounds_of(request, size, CONTRACT).prompt for count in tokens(request))


@LAW
@given(request=fim_requests())
def test_nor_has_one_of_text_and_suffix(request: FimRequest) -> None:
    size = len(encode_fim(request))
    assert len(renderer().fim_tokens(request)) <= bounds_of(request, size, CONTRACT).prompt


@LAW
@given(text=st.text(st.characters(codec="utf-8"), max_size=400))
def test_a_token_is_at_least_one_byte(text: str) -> None:
    assert len(renderer().split(text)) <= len(text.encode())


@pytest.mark.parametrize("effort", ["none", "low", "high", "max"])
@pytest.mark.parametrize("tools", [0, 1, 128])
@pytest.mark.parametrize("turns", [1, 400])
def test_what_stands_around_messages_and_tools_fits(effort: str, tools: int, turns: int) -> None:
    """The worst case is much around little: one letter per message, and the longest preambles."""
    said = [{"role": ("user", "assistant")[n % 2], "content": string.ascii_letters[n % 50]} for n in range(turns)]
    offered = [{"type": "function", "function": {"name": f"f{number}"}} for number in range(tools)]
    if turns % 2 == 0:
        said.append({"role": "user", "content": "a"})
    body = orjson.dumps({"model": "deepseek-flash", "messages": said, "tools": offered, "reasoning_effort": effort})
    request = decode_request(body)
    most = bounds_of(request, len(body), CONTRACT).prompt
    found = list(tokens(request))
    assert found
    assert max(found) <= most
