"""What is written to LM Studio's completions. Declared: nothing of it was run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.samples import request

from tidegate.core.errors import BrokenContract, ClientMistake, NotSupported
from tidegate.core.profile import Traits
from tidegate.core.requests import FimRequest
from tidegate.dialects.lmstudio import LMSTUDIO
from tidegate.dialects.lmstudio_raw import write
from tidegate.dialects.raw import Ask

ASK = Ask(model="m", prompt="Hi", most=7)
V4 = LMSTUDIO.fitted(Traits(encoding="v4"))


def test_everything_that_can_be_asked():
    assert write(replace(ASK, seed=3, stop=("x", "y"))) == {
        **{"model": "m", "prompt": "Hi", "max_tokens": 7, "temperature": 1, "top_p": 1},
        **{"stream": True, "stream_options": {"include_usage": True}, "seed": 3, "stop": ["x", "y"]},
    }


def test_logprobs_are_refused():
    with pytest.raises(NotSupported, match="RAW003"):
        write(replace(ASK, logprobs=2))


@pytest.mark.parametrize("asked", [request(stream=True), FimRequest(model="auto", prompt="a", stream=True)])
def test_an_answer_of_another_model_is_refused_on_the_raw_path_too(asked):
    reader = V4.reader(V4.encode(asked, "deepseek-v4-flash"), got_stream=True)
    with pytest.raises(BrokenContract, match="LMS007"):
        reader.feed(b'data: {"model":"gpt-oss","choices":[{"text":"Hi","finish_reason":null}]}\n\n')


@pytest.mark.parametrize("asked", [request(stream=True), FimRequest(model="auto", prompt="a", stream=True)])
def test_an_overflow_is_told_in_the_contracts_words(asked):
    reader = V4.reader(V4.encode(asked, "m"), got_stream=True)
    text = b'{"error":{"message":"tokens to keep ... (n_keep: 13055>= n_ctx: 4096)"}}'
    with pytest.raises(ClientMistake, match="4096"):
        reader.feed(b"event: error\ndata: " + text + b"\n\n")
