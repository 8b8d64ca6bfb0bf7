"""The official `openai` SDK against a running simulator over a real socket: what it answers, and how each fault shows."""

from __future__ import annotations

import json
from collections.abc import Generator
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from openai import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    OpenAI,
    RateLimitError,
)
from tests.support.samples import WEATHER
from tests.support.simulated import KEY, Simulated, simulated

OFF = {"thinking": {"type": "disabled"}}
OK = [{"role": "user", "content": "Return exactly: OK"}]
PARIS = [{"role": "user", "content": "Call get_weather for Paris and answer as json"}]


@pytest.fixture(scope="module")
def running() -> Generator[Simulated]:
    with simulated(cache={"build_delay_s": 0}, time_scale=1000) as found:
        yield found


@pytest.fixture
def sim(running: Simulated) -> Simulated:
    running.clear()
    running.set_account("10.00")
    return running


@pytest.fixture(scope="module")
def client(running: Simulated) -> Generator[OpenAI]:
    with OpenAI(base_url=running.url, api_key=KEY, max_retries=0, timeout=20) as found:
        yield found


def ask(client: OpenAI, messages: Any = OK, fault: str = "", **fields: Any) -> Any:
    headers = {"x-sim-fault": fault} if fault else {}
    return client.chat.completions.create(
        **{"model": "deepseek-flash", "messages": messages, "extra_headers": headers, "extra_body": OFF, **fields}
    )


# -- answers -----------------------------------------------------------------------------------------------------------


def test_an_answer_and_its_exact_count(sim: Simulated, client: OpenAI):
    reply = ask(client)
    assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == ("OK", "stop")
    assert (reply.model, reply.usage.prompt_tokens, reply.usage.completion_tokens) == ("deepseek-flash", 8, 1)
    assert not reply.usage.completion_tokens_details


def test_thinking_is_on_by_default_and_counted_apart(sim: Simulated, client: OpenAI):
    reply = ask(client, extra_body={})
    assert reply.choices[0].message.reasoning_content.startswith("The user wrote: Return exactly: OK.")
    details = reply.usage.completion_tokens_details
    assert reply.usage.completion_tokens == details.reasoning_tokens + 2  # the mark that ends thinking, and the answer


def test_a_stream_says_the_same_in_pieces(sim: Simulated, client: OpenAI):
    whole = ask(client, extra_body={})
    chunks = list(ask(client, extra_body={}, stream=True))
    reasoning = "".join(getattr(chunk.choices[0].delta, "reasoning_content", None) or "" for chunk in chunks)
    content = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert (reasoning, content) == (whole.choices[0].message.reasoning_content, "OK")
    assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len({(chunk.id, chunk.created) for chunk in chunks}) == 1


def test_tools_are_called_and_their_results_answered(sim: Simulated, client: OpenAI):
    first = ask(client, PARIS, tools=[WEATHER]).choices[0]
    (call,) = first.message.tool_calls
    assert (first.finish_reason, call.function.name) == ("tool_calls", "get_weather")
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    result = {"role": "tool", "tool_call_id": call.id, "content": "18 degrees"}
    second = ask(client, [*PARIS, first.message.model_dump(exclude_none=True), result], tools=[WEATHER])
    assert second.choices[0].message.content == "The tools answered: 18 degrees."


def test_json_is_json(sim: Simulated, client: OpenAI):
    asked = [{"role": "user", "content": 'As json: {"city": "", "n": 0}'}]
    reply = ask(client, asked, response_format={"type": "json_object"})
    assert json.loads(reply.choices[0].message.content) == {"city": "", "n": 0}


def test_a_prefix_is_continued_on_the_beta_base_only(sim: Simulated, client: OpenAI):
    begun = [{"role": "user", "content": "Go on"}, {"role": "assistant", "content": "The sky", "prefix": True}]
    with pytest.raises(BadRequestError, match="only available when using beta api"):
        ask(client, begun)
    beta = client.with_options(base_url=f"{sim.url}/beta")
    assert ask(beta, begun).choices[0].message.content.startswith(" and this is how")


def test_a_gap_is_filled_on_the_beta_base_only(sim: Simulated, client: OpenAI):
    asked: Any = {"model": "deepseek-v4-pro", "prompt": "def f():\n    ", "suffix": "\n    return x"}
    with pytest.raises(BadRequestError, match="completions api is only available when using beta api"):
        client.completions.create(**asked)
    beta = client.with_options(base_url=f"{sim.url}/beta")
    whole = beta.completions.create(**asked)
    assert whole.choices[0].text == '# between "def f():" and "return x"\n'
    pieces = [chunk.choices[0].text for chunk in beta.completions.create(**asked, stream=True)]
    assert (len(pieces) > 5, "".join(pieces)) == (True, whole.choices[0].text)


def test_max_tokens_inside_the_reasoning_leaves_nothing_to_say(sim: Simulated, client: OpenAI):
    (choice,) = ask(client, extra_body={}, max_tokens=3).choices
    assert (choice.finish_reason, choice.message.content) == ("length", "")
    assert choice.message.reasoning_content == "The user wrote"


def test_logprobs_have_the_sdks_shape(sim: Simulated, client: OpenAI):
    (token,) = ask(client, logprobs=True, top_logprobs=2).choices[0].logprobs.content
    assert (token.token, token.bytes, len(token.top_logprobs)) == ("OK", [79, 75], 2)


def test_a_repeated_prompt_hits_the_cache_and_costs_less(sim: Simulated, client: OpenAI):
    long = [{"role": "user", "content": "x" + " tide" * 2000}]
    hits = [ask(client, long).usage.prompt_tokens_details.cached_tokens for _ in range(2)]
    assert hits == [0, 1920]
    first, second = (Decimal(seen["cost"]) for seen in sim.requests())
    assert second < first / 3


def test_models_and_balance(sim: Simulated, client: OpenAI):
    assert [model.id for model in client.models.list()] == ["deepseek-flash", "deepseek-v4-pro"]
    assert client.models.retrieve("deepseek-flash").owned_by == "deepseek"
    status, _, body = sim.get("/user/balance")
    assert (status, json.loads(body)["balance_infos"][0]["total_balance"]) == (200, "10.00")


def test_peak_hours_cost_twice(sim: Simulated, client: OpenAI):
    costs = []
    for at in ("2026-11-24T02:30:00Z", "2026-11-24T12:00:00Z", "2026-11-28T02:30:00Z"):
        sim.set_clock(at)
        ask(client)
        costs.append(Decimal(sim.requests()[-1]["cost"]))
    assert costs[0] == 2 * costs[1] == 2 * costs[2]


# -- errors ------------------------------------------------------------------------------------------------------------


def test_the_keys_that_are_not_let_in(sim: Simulated, client: OpenAI):
    with pytest.raises(AuthenticationError, match=r"Your api key: \*\*\*\*6789 is invalid \(request_id: "):
        ask(client.with_options(api_key="pk-123456789"))
    assert sim.post({}, key=None)[2] == b"Authentication Fails (governor)"


def test_an_empty_account_is_a_402(sim: Simulated, client: OpenAI):
    sim.set_account("0")
    with pytest.raises(APIError) as refused:
        ask(client)
    assert refused.value.status_code == 402  # type: ignore[attr-defined]
    assert "Insufficient Balance" in refused.value.message


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        ("401", AuthenticationError, 401),
        ("429", RateLimitError, 429),
        ("500=empty", InternalServerError, 500),
        ("502", InternalServerError, 502),
        ("503", InternalServerError, 503),
        ("moderation", BadRequestError, 400),
        ("422", APIError, 422),
        ("404", APIError, 404),
        ("405", APIError, 405),
        ("415", APIError, 415),
    ],
)
def test_a_status_is_the_sdks_exception(sim: Simulated, client: OpenAI, fault: str, error: type[APIError], status: int):
    with pytest.raises(error) as refused:
        ask(client, fault=fault)
    assert refused.value.status_code == status  # type: ignore[attr-defined]


def test_an_armed_503_is_gone_after_the_sdks_retry(sim: Simulated, client: OpenAI):
    sim.arm("503")
    assert ask(client.with_options(max_retries=1)).choices[0].message.content == "OK"
    assert [seen["status"] for seen in sim.requests()] == [503, 200]


def test_a_stall_ends_in_the_clients_own_timeout_and_frees_the_simulator(sim: Simulated, client: OpenAI):
    hasty = client.with_options(timeout=httpx2.Timeout(5.0, read=0.3))
    with pytest.raises((APITimeoutError, httpx2.ReadTimeout)):
        list(ask(hasty, fault="stall=1", stream=True))
    with pytest.raises(APITimeoutError):
        ask(hasty, fault="stall")
    # The next answer comes after both have been noticed to be gone or have been closed.
    assert ask(client).choices[0].message.content == "OK"


@pytest.mark.parametrize("stream", [False, True])
def test_a_cut_connection_is_an_error(sim: Simulated, client: OpenAI, stream: bool):
    with pytest.raises((APIConnectionError, httpx2.RemoteProtocolError)):
        reply = ask(client, fault="cut=300", stream=stream)
        list(reply)


def test_a_stream_without_done_is_not_noticed_by_the_sdk(sim: Simulated, client: OpenAI):
    """Why Tidegate looks for it."""
    chunks = list(ask(client, fault="no_done", stream=True))
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_keep_alives_are_swallowed_and_the_answer_comes(sim: Simulated, client: OpenAI):
    assert ask(client, fault="queue=50").choices[0].message.content == "OK"
    chunks = list(ask(client, fault="queue=50", stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "OK"
    assert ask(client, fault="slow=50").choices[0].message.content == "OK"


@pytest.mark.parametrize(
    ("fault", "fields", "finish"),
    [
        ("empty", {"response_format": {"type": "json_object"}}, "stop"),
        ("content_filter", {}, "content_filter"),
        ("insufficient_system_resource", {}, "insufficient_system_resource"),
        ("truncated_arguments", {"tools": [WEATHER]}, "tool_calls"),
        ("dsml", {"tools": [WEATHER]}, "stop"),
    ],
)
def test_spoiled_answers_reach_the_client(sim: Simulated, client: OpenAI, fault: str, fields: Any, finish: str):
    (choice,) = ask(client, PARIS, fault=fault, **fields).choices
    assert choice.finish_reason == finish
    assert ("｜DSML｜" in (choice.message.content or "")) == (fault == "dsml")


def test_another_model_and_wrong_usage(sim: Simulated, client: OpenAI):
    reply = ask(client, fault="remap=deepseek-v4-flash, wrong_usage")
    assert (reply.model, reply.usage.prompt_tokens) == ("deepseek-v4-flash", 80)


def test_a_client_that_leaves_stops_the_answer(sim: Simulated, client: OpenAI):
    words = [{"role": "user", "content": "about 100000 words"}]
    with ask(client, words, stream=True, max_tokens=300_000) as stream:
        next(iter(stream))
    for _ in range(500):  # later answers, until the leaving has been seen: the server looks after a moment
        ask(client)
        first = sim.parts.seen[0]
        if first.outcome != "open":
            break
    assert first.outcome == "left"
    assert first.usage is not None and 0 < (first.usage["output"] or 0) < 90_000
