"""A local server without a tool parser behind the gateway: its clients get tool calls, streamed and whole, and no DSML."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI
from tests.support.process import tidegate_up
from tests.support.samples import WEATHER
from tests.support.simulated import KEY, Simulated, simulated

CONFIG = """
[probe]
enabled = false
[backends.near]
kind = "generic"
base_url = "{near}"
key_env = "SIM_KEY"
models = ["deepseek-flash", "deepseek-v4-pro"]
"""
PARIS: Any = [{"role": "user", "content": "Call get_weather for Paris"}]


@pytest.fixture(scope="module")
def near() -> Generator[Simulated]:
    with simulated(time_scale=1000) as found:
        yield found


@pytest.fixture(scope="module")
def client(near: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Generator[OpenAI]:
    folder: Path = tmp_path_factory.mktemp("leaked")
    with (
        tidegate_up(folder, CONFIG.format(near=near.url), "--no-embedded", SIM_KEY=KEY) as running,
        OpenAI(base_url=running.url, api_key="any", max_retries=0, timeout=30) as found,
    ):
        yield found


def ask(client: OpenAI, model: str, **fields: Any) -> Any:
    return client.chat.completions.with_raw_response.create(model=f"near/{model}", messages=PARIS, **fields)


# V4.1 and V4.
each_model = pytest.mark.parametrize("model", ["deepseek-flash", "deepseek-v4-pro"])


@each_model
def test_a_whole_answer_holds_the_call(near: Simulated, client: OpenAI, model: str) -> None:
    near.arm("dsml")
    raw = ask(client, model, tools=[WEATHER])
    choice = raw.parse().choices[0]
    (call,) = choice.message.tool_calls
    assert (choice.finish_reason, call.function.name) == ("tool_calls", "get_weather")
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    assert "DSML" not in raw.text
    assert "REQ020" in raw.headers["x-tidegate-quirks"]


@each_model
def test_a_stream_holds_it_in_pieces(near: Simulated, client: OpenAI, model: str) -> None:
    near.arm("dsml")
    chunks = list(ask(client, model, tools=[WEATHER], stream=True).parse())
    pieces = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    assert [piece.function.name for piece in pieces if piece.function.name] == ["get_weather"]
    assert len({piece.id for piece in pieces if piece.id}) == 1
    assert json.loads("".join(piece.function.arguments or "" for piece in pieces)) == {"city": "Paris"}
    assert len(pieces) > 2, "arguments come as they are written"
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    assert "DSML" not in "".join(chunk.to_json() for chunk in chunks)


def test_the_conversation_goes_on(near: Simulated, client: OpenAI) -> None:
    near.arm("dsml")
    turn = ask(client, "deepseek-flash", tools=[WEATHER]).parse().choices[0].message
    result = {"role": "tool", "tool_call_id": turn.tool_calls[0].id, "content": "18 degrees"}
    messages: Any = [*PARIS, turn.model_dump(exclude_none=True), result]
    reply = client.chat.completions.create(model="near/deepseek-flash", messages=messages, tools=[WEATHER])
    assert reply.choices[0].message.content == "The tools answered: 18 degrees."


def test_without_the_fault_the_server_parses_itself(near: Simulated, client: OpenAI) -> None:
    raw = ask(client, "deepseek-flash", tools=[WEATHER])
    assert len(raw.parse().choices[0].message.tool_calls) == 1
    assert "REQ020" not in raw.headers["x-tidegate-quirks"]
