"""The fill-in-the-middle surface: on the beta base only, counted like everything else, echo and logprobs in their form."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Caller, error

Build = Callable[..., Caller]
GAP = {
    "messages": ...,
    "thinking": ...,
    "model": "deepseek-v4-pro",
    "prompt": "def f():\n    ",
    "suffix": "\n    return x",
}
FILLING = '# between "def f():" and "return x"\n'


async def fill(one: Caller, path: str = "/beta/completions", **fields: Any) -> Any:
    reply = await one.post(path, **{**GAP, **fields})
    assert reply.status == 200, reply.body
    return json.loads(reply.body)


async def test_a_gap_is_filled_and_counted(simulator: Build):
    one = simulator()
    found = await fill(one)
    assert (found["object"], found["model"]) == ("text_completion", "deepseek-v4-pro")
    (choice,) = found["choices"]
    assert (choice["text"], choice["finish_reason"], choice["logprobs"]) == (FILLING, "stop", None)
    usage = found["usage"]
    assert usage["prompt_tokens"] == usage["prompt_cache_miss_tokens"] > 8
    assert "completion_tokens_details" not in usage
    assert one.parts.seen[-1].cost


@pytest.mark.parametrize("path", ["/completions", "/v1/completions"])
async def test_off_the_beta_base_it_is_refused(simulator: Build, path: str):
    reply = await simulator().post(path, **GAP)
    assert (reply.status, error(reply)) == (
        400,
        'completions api is only available when using beta api (set base_url="https://api.deepseek.com/beta")',
    )


@pytest.mark.parametrize(("fields", "says"), [
    ({"max_tokens": 5000}, "the valid range of max_tokens is [1, 4096]"),
    ({"prompt": ...}, "missing field `prompt`"),
    ({"model": "deepseek-coder"}, "The supported API model names are"),
])  # fmt: skip
async def test_the_contract_is_kept(simulator: Build, fields: dict[str, Any], says: str):
    reply = await simulator().post("/beta/completions", **{**GAP, **fields})
    assert (reply.status, says in error(reply)) == (400, True), reply.body


async def test_echo_puts_the_prompt_in_front_and_is_not_paid(simulator: Build):
    one = simulator()
    plain, echoed = await fill(one), await fill(one, echo=True)
    assert echoed["choices"][0]["text"] == GAP["prompt"] + plain["choices"][0]["text"]
    assert echoed["usage"]["completion_tokens"] == plain["usage"]["completion_tokens"]


async def test_logprobs_are_four_arrays(simulator: Build):
    found = (await fill(simulator(), logprobs=2))["choices"][0]["logprobs"]
    assert list(found) == ["text_offset", "token_logprobs", "tokens", "top_logprobs"]
    assert "".join(found["tokens"]) == FILLING
    assert [FILLING[begin:] for begin in found["text_offset"]][1].startswith(found["tokens"][1])
    assert all(len(others) == 2 and all(value < 0 for value in others.values()) for others in found["top_logprobs"])


async def test_a_stream_says_the_same_in_pieces(simulator: Build):
    reply = await simulator().post("/beta/completions", **GAP, stream=True, echo=True, logprobs=1)
    *events, done, rest = reply.body.decode().split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == GAP["prompt"] + FILLING
    offsets = [offset for chunk in chunks for offset in (chunk["choices"][0]["logprobs"] or {}).get("text_offset", ())]
    assert offsets == sorted(offsets) and offsets[0] == len(str(GAP["prompt"]))
    assert [bool(chunk.get("usage")) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]


async def test_a_stop_string_and_a_limit(simulator: Build):
    one = simulator()
    assert (await fill(one, stop=" and"))["choices"][0]["text"] == '# between "def f():"'
    short = (await fill(one, max_tokens=2))["choices"][0]
    assert (short["text"], short["finish_reason"]) == ("# between", "length")
