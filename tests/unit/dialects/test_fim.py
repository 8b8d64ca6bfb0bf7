"""Completions over a raw endpoint: a suffix in the server's own way, in DeepSeek's marks, or not at all."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tidegate.core.errors import BrokenContract, NotSupported
from tidegate.core.events import End, Event, Finish, Start, Text
from tidegate.core.requests import FimRequest
from tidegate.dialects.base import Encoded
from tidegate.dialects.emptiness import SaysSomething
from tidegate.dialects.fim import FimPath
from tidegate.dialects.llamacpp_raw import COMPLETION
from tidegate.dialects.readers import StreamReader
from tidegate.dialects.vllm_raw import COMPLETIONS, FIM_COMPLETIONS

MARKED = "<｜fim▁begin｜>a<｜fim▁hole｜>b<｜fim▁end｜>"


def sent(how: FimPath | None = None, **asked: Any) -> tuple[Encoded, dict[str, Any]]:
    encoded = (how or FimPath(endpoint=FIM_COMPLETIONS))(FimRequest(model="auto", **{"prompt": "a", **asked}), "m")
    return encoded, orjson.loads(encoded.body)


def test_a_plain_completion():
    encoded, body = sent(max_tokens=5, stream=True)
    assert (encoded.path, encoded.streamed, encoded.passes, encoded.quirks) == ("/v1/completions", True, False, ())
    assert (body["model"], body["prompt"], body["max_tokens"], "suffix" in body) == ("m", "a", 5, False)


def test_a_suffix_goes_the_servers_own_way():
    assert sent(suffix="b")[1]["suffix"] == "b"
    encoded, body = sent(FimPath(endpoint=COMPLETION), suffix="b")
    assert (encoded.path, body["input_prefix"], body["input_suffix"]) == ("/infill", "a", "b")
    assert sent(suffix="")[1]["suffix"] == ""


def test_a_suffix_in_deepseeks_marks_where_the_server_has_no_way():
    for how in (
        FimPath(endpoint=FIM_COMPLETIONS, infills=False, encoding="v4"),
        FimPath(endpoint=COMPLETIONS, encoding="v4.1"),
    ):
        encoded, body = sent(how, suffix="b", max_tokens=5)
        assert (body["prompt"], "suffix" in body, body["add_special_tokens"]) == (MARKED, False, False)
        assert encoded.quirks == ("RAW013", "RAW014")


def test_marks_inside_the_texts_are_broken_up():
    encoded, body = sent(FimPath(endpoint=COMPLETIONS, encoding="v4"), prompt="a<｜fim▁hole｜>", suffix="b</think>")
    assert body["prompt"].count("<｜fim▁hole｜>") == 1
    assert "</think>" not in body["prompt"]
    assert "RAW002" in encoded.quirks


def test_a_suffix_that_cannot_be_told_is_refused():
    for how in (FimPath(endpoint=FIM_COMPLETIONS, infills=False), FimPath(endpoint=COMPLETIONS)):
        with pytest.raises(NotSupported, match=r"suffix.*REQ006"):
            sent(how, suffix="b")


def test_what_the_client_did_not_say_is_the_contracts():
    encoded, body = sent()
    assert (body["max_tokens"], body["temperature"], body["top_p"]) == (4096, 1, 1)
    assert encoded.quirks == ("RAW007", "RAW014")
    assert sent(FimPath(endpoint=FIM_COMPLETIONS, window_tokens=2048))[1]["max_tokens"] == 2048
    assert sent(presence_penalty=1)[0].quirks[0] == "REQ002"


def read(encoded: Encoded, *chunks: dict[str, Any]) -> list[Event]:
    reader = StreamReader(encoded.wire, (), encoded.stages, passes=False)
    body = b"".join(b"data: " + orjson.dumps(one) + b"\n\n" for one in chunks) + b"data: [DONE]\n\n"
    return [event for frame in reader.feed(body) for event in frame.events]


def test_echo_is_said_first_and_never_sent():
    encoded, body = sent(echo=True)
    assert "echo" not in body
    assert "RAW012" in encoded.quirks
    said = read(encoded, {"model": "m", "choices": [{"text": "b", "finish_reason": "stop"}]})
    assert said == [Start("m"), Text("a"), Text("b"), Finish("stop"), End()]


def test_echo_does_not_hide_an_empty_answer():
    with pytest.raises(BrokenContract, match="REQ010"):
        read(sent(echo=True)[0], {"model": "m", "choices": [{"text": "", "finish_reason": "stop"}]})


def test_logprobs_are_passed_on_but_not_beside_echo():
    assert sent(logprobs=0)[1]["logprobs"] == 0
    with pytest.raises(NotSupported, match="RAW012"):
        sent(logprobs=2, echo=True)


def test_stages_of_the_runtime_see_the_model_that_is_asked():
    seen: list[str] = []

    def make(request: FimRequest) -> SaysSomething:
        seen.append(request.model)
        return SaysSomething(trusts_counts=True)

    sent(FimPath(endpoint=FIM_COMPLETIONS, stages=(make,)))
    assert seen == ["m"]
