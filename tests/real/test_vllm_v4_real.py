"""A real vLLM in DeepSeek V4's mode: its tokenizer, renderer and parsers, over a model that says what the test wrote."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.real.runtimes.gateway import Gateway, Json, found_at, gateway_over, says

from tidegate.core.profile import Traits

pytestmark = pytest.mark.timeout(600)

THINKING = {"type": "enabled"}
WAYS = pytest.mark.parametrize("stream", [True, False])


def function(name: str, **parameters: Json) -> Json:
    schema = {"type": "object", "properties": parameters, "required": [*parameters][:1]}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


TOOLS = [
    function("tide_at", place={"type": "string"}, days={"type": "integer"}),
    function("time_in", zone={"type": "string"}),
]
FIRST = {"place": "Brest " * 12, "days": 2}
CALLS = (
    "<｜DSML｜tool_calls>\n"
    '<｜DSML｜invoke name="tide_at">\n'
    f'<｜DSML｜parameter name="place" string="true">{FIRST["place"]}</｜DSML｜parameter>\n'
    '<｜DSML｜parameter name="days" string="false">2</｜DSML｜parameter>\n'
    "</｜DSML｜invoke>\n"
    '<｜DSML｜invoke name="time_in">\n'
    '<｜DSML｜parameter name="zone" string="true">CET</｜DSML｜parameter>\n'
    "</｜DSML｜invoke>\n"
    "</｜DSML｜tool_calls>"
)


@pytest.fixture
async def gateway(vllm_v4: str, tmp_path: Path) -> AsyncGenerator[Gateway]:
    async with gateway_over("vllm", vllm_v4, tmp_path) as gateway:
        yield gateway


async def test_it_is_found_by_its_fingerprint_and_by_no_other(vllm_v4: str) -> None:
    assert await found_at(vllm_v4) == ["vllm"]


@WAYS
@pytest.mark.parametrize("effort", [None, "max"])
async def test_thinking_off_is_off(gateway: Gateway, stream: bool, effort: str | None) -> None:
    said = "Spring tides are higher: 潮汐 🌊 é."
    wish = {"reasoning_effort": effort} if effort else {}
    answer = await gateway.ask(messages=says(said), stream=stream, **wish)
    # A prompt that had left the reasoning open would have made it all reasoning.
    assert (answer.content, answer.reasoning, answer.finishes) == (said, "", ["stop"])
    assert b"reasoning_content" not in answer.reply.body or b'"reasoning_content":null' in answer.reply.body


@WAYS
@pytest.mark.parametrize("effort", ["high", "max"])
async def test_thinking_on_gives_reasoning_content(gateway: Gateway, stream: bool, effort: str) -> None:
    raw = "1+1: 🌊 that is 2.</think>The answer is 2."
    answer = await gateway.ask(messages=says(raw), stream=stream, thinking=THINKING, reasoning_effort=effort)
    assert (answer.reasoning, answer.content, answer.finishes) == ("1+1: 🌊 that is 2.", "The answer is 2.", ["stop"])
    assert b'"reasoning":' not in answer.reply.body and b"think>" not in answer.reply.body
    assert answer.usage["completion_tokens_details"]["reasoning_tokens"] > 0


@WAYS
async def test_reasoning_that_max_tokens_cut_stays_reasoning(gateway: Gateway, stream: bool) -> None:
    raw = "A long thought about the moon and the sea.</think>Yes."
    answer = await gateway.ask(messages=says(raw), stream=stream, thinking=THINKING, max_tokens=5)
    assert (answer.content, answer.finishes) == ("", ["length"])
    assert answer.reasoning and raw.startswith(answer.reasoning)


@WAYS
@pytest.mark.parametrize("thinks", [True, False])
async def test_two_calls_in_one_answer(gateway: Gateway, stream: bool, thinks: bool) -> None:
    raw, thinking = (f"I look.</think>\n\n{CALLS}", THINKING) if thinks else (f"\n\n{CALLS}", {"type": "disabled"})
    answer = await gateway.ask(messages=says(raw), stream=stream, tools=TOOLS, thinking=thinking)
    assert [call["name"] for call in answer.calls] == ["tide_at", "time_in"]
    assert [json.loads(call["arguments"]) for call in answer.calls] == [FIRST, {"zone": "CET"}]
    assert len({call["id"] for call in answer.calls}) == 2
    assert (answer.reasoning, answer.content.strip(), answer.finishes) == (
        "I look." if thinks else "",
        "",
        ["tool_calls"],
    )


@WAYS
async def test_a_call_cut_anywhere_is_never_ready_to_run(gateway: Gateway, stream: bool) -> None:
    whole = await gateway.ask(messages=says(CALLS), stream=stream, tools=TOOLS)
    cuts = range(1, whole.usage["completion_tokens"], 3)
    ask = [gateway.ask(messages=says(CALLS), stream=stream, tools=TOOLS, max_tokens=cut) for cut in cuts]
    answers = await asyncio.gather(*ask)
    for answer in answers:
        assert answer.finishes == ["length"]
        assert "DSML" not in answer.content, "the parser lets go of a marker that was cut"
        for got, meant in zip(answer.calls, whole.calls, strict=False):
            # A beginning of one JSON object is no JSON; `{}` would be.
            assert meant["name"].startswith(got["name"]) and meant["arguments"].startswith(got["arguments"])
    partial = [
        answer
        for answer in answers
        if answer.calls and answer.calls[0]["arguments"] not in ("", whole.calls[0]["arguments"])
    ]
    assert partial, "no cut fell inside the arguments"


@WAYS
@pytest.mark.parametrize("wish", [{}, {"tools": TOOLS, "tool_choice": "none"}], ids=["no tools", "none"])
async def test_markup_of_calls_that_nobody_offered_never_arrives(gateway: Gateway, stream: bool, wish: Json) -> None:
    reply = await gateway.post(messages=says(f"Here.\n\n{CALLS}"), stream=stream, **wish)
    assert reply.status in (200, 502), reply.body
    text = reply.body.decode()
    assert "DSML" not in text and "invoke" not in text
    assert '"tool_calls":[' not in text


@WAYS
async def test_what_the_server_cached_shows(gateway: Gateway, stream: bool) -> None:
    long = f"{'stream ' if stream else 'whole '}{'tide ' * 500}"
    first = await gateway.ask(messages=says("Yes.", long), stream=stream)
    again = await gateway.ask(messages=says("Yes.", long), stream=stream)
    assert first.usage["prompt_cache_hit_tokens"] == 0
    assert again.usage["prompt_cache_hit_tokens"] >= 384, "blocks of 128 tokens"
    for usage in (first.usage, again.usage):
        assert usage["prompt_cache_hit_tokens"] + usage["prompt_cache_miss_tokens"] == usage["prompt_tokens"]


async def test_what_does_not_fit_is_a_mistake_of_the_request(gateway: Gateway) -> None:
    status, text = await gateway.refusal(messages=says("Yes.", "tide " * 5000))
    assert status == 400 and "maximum context length is 4096 tokens" in text
    status, text = await gateway.refusal(messages=says("Yes."), max_tokens=100_000)
    assert status == 400 and "maximum context length is 4096 tokens" in text and "100000" in text


async def test_a_model_that_nobody_serves_is_not_answered(gateway: Gateway, vllm_v4: str, tmp_path: Path) -> None:
    status, _ = await gateway.refusal(messages=says("Yes."), model="box/nope")
    assert status == 404
    async with gateway_over("vllm", vllm_v4, tmp_path / "other", models=["nope"]) as mistaken:
        status, text = await mistaken.refusal(messages=says("Yes."), model="box/nope")
    assert status == 502 and "check `models`" in text, "the configuration is wrong, not the request"


@WAYS
async def test_a_prefix_is_continued_over_the_raw_path(vllm_v4: str, tmp_path: Path, stream: bool) -> None:
    messages = [*says(" the Loire."), {"role": "assistant", "content": "The river is", "prefix": True}]
    async with gateway_over("vllm", vllm_v4, tmp_path, encoding="v4") as gateway:
        answer = await gateway.ask(path="/beta/chat/completions", messages=messages, stream=stream)
    assert (answer.content, answer.reasoning, answer.finishes) == (" the Loire.", "", ["stop"])
    assert "RAW001" in answer.quirks


async def test_a_gap_is_filled(vllm_v4: str, tmp_path: Path) -> None:
    prompt = f"# {says('    return a + b')[0]['content']}\ndef add(a, b):\n"
    asked = {"prompt": prompt, "suffix": "\n\nprint(add(1, 2))", "max_tokens": 16}
    async with gateway_over("vllm", vllm_v4, tmp_path, encoding="v4") as gateway:
        reply = await gateway.post(path="/beta/completions", **asked)
    assert reply.status == 200, reply.body
    assert json.loads(reply.body)["choices"][0]["text"] == "    return a + b"


async def test_what_it_can_do_is_measured_and_then_used(vllm_v4: str, tmp_path: Path) -> None:
    async with gateway_over("vllm", vllm_v4, tmp_path, measure=True) as gateway:
        profile = await gateway.profile()
        prefix = {"role": "assistant", "content": "The river is", "prefix": True}
        answer = await gateway.ask(path="/beta/chat/completions", messages=[*says(" the Loire."), prefix])
    assert profile.traits == Traits(
        version="0.32.0",
        window_tokens=4096,
        encoding="v4",
        splits_reasoning=True,
        continues=False,
        opens_inside=True,
    )
    facts = {fact.feature: (fact.way, fact.code, fact.basis) for fact in profile.facts}
    assert facts["prefix"] == ("emulated", "RAW001", "measured")
    assert facts["thinking_off"] == ("native", "VLL002", "measured")
    assert facts["forced_tools"][0::2] == ("native", "measured")
    assert facts["json"][0::2] == ("native", "measured")
    assert facts["fim"][0::2] == ("emulated", "measured")
    assert (answer.content, "RAW001" in answer.quirks) == (" the Loire.", True)
