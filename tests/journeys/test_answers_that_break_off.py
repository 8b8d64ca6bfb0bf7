"""Answers that break off, read with the official SDKs: two simulators of the hosted API behind one gateway, the first of
which fails half-way."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import anthropic
import openai
import pytest
from tests.support.process import Running, tidegate_up
from tests.support.simulated import KEY, Simulated, simulated

CONFIG = """
[probe]
enabled = false
[timeouts]
first_byte_s = 2.0
idle_s = 1.0
[streams]
on_break = "continue"
[breaker]
failures = 1000
[backends.first]
kind = "deepseek"
base_url = "{first}"
[backends.second]
kind = "deepseek"
base_url = "{second}"
[aliases.strict]
targets = ["first", "second"]
on_break = "fail"
"""
ANSWER = "The moon pulls at the sea, and the sea follows it around the world, twice a day. " * 3
ASKED = [{"role": "user", "content": f"Return exactly: {ANSWER}"}]


@pytest.fixture(scope="module")
def first() -> Generator[Simulated]:
    with simulated() as running:
        yield running


@pytest.fixture(scope="module")
def second() -> Generator[Simulated]:
    with simulated() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(first: Simulated, second: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    config = CONFIG.format(first=first.url, second=second.url)
    with tidegate_up(tmp_path_factory.mktemp("breaks"), config, "--no-embedded", DEEPSEEK_API_KEY=KEY) as running:
        yield running


@pytest.fixture(autouse=True)
def healthy(first: Simulated, second: Simulated) -> None:
    first.clear()
    second.clear()


def chat(gateway: Running, model: str = "deepseek-flash", *, thinks: bool) -> tuple[str, str, str]:
    """Reasoning, text and exchange, as the SDK reads them; the stream is one answer."""
    switch: dict[str, Any] = {"thinking": {"type": "enabled" if thinks else "disabled"}}
    reasoning, text, names, finishes = "", "", set[str](), list[str]()
    with openai.OpenAI(base_url=gateway.url, api_key="unused", max_retries=0, timeout=60) as client:
        asked: Any = ASKED
        response = client.chat.completions.with_raw_response.create(
            model=model, messages=asked, stream=True, extra_body=switch
        )
        for chunk in response.parse():
            choice = chunk.choices[0]
            reasoning += getattr(choice.delta, "reasoning_content", None) or ""
            text += choice.delta.content or ""
            names.add(f"{chunk.id} {chunk.created} {chunk.model}")
            finishes += filter(None, [choice.finish_reason])
    assert (len(names), finishes) == (1, ["stop"])
    return reasoning, text, response.headers["x-tidegate-exchange"]


def messages(gateway: Running, model: str = "deepseek-flash", *, thinks: bool) -> tuple[str, str, str]:
    switch: Any = {"type": "enabled", "budget_tokens": 2048} if thinks else {"type": "disabled"}
    asked: Any = ASKED
    with (
        anthropic.Anthropic(base_url=gateway.url + "/anthropic", api_key="unused", max_retries=0, timeout=60) as client,
        client.messages.stream(model=model, messages=asked, max_tokens=4096, thinking=switch) as stream,
    ):
        found = stream.get_final_message()
        exchange = stream.response.headers["x-tidegate-exchange"]
    assert found.stop_reason == "end_turn"
    said = {"thinking": "", "text": ""}
    for block in found.content:
        said[block.type] += block.thinking if block.type == "thinking" else getattr(block, "text", "")
    return said["thinking"], said["text"], exchange


ASK = {"chat": chat, "messages": messages}


def booked(gateway: Running, exchange: str) -> dict[str, Any]:
    status, entry = gateway.get(f"/-/exchanges/{exchange}")
    assert status == 200
    return entry


@pytest.mark.parametrize("surface", ASK)
@pytest.mark.parametrize("thinks", [True, False])
@pytest.mark.parametrize("fault", ["stall=6", "stall=60", "cut=3000", "cut=6000"])
def test_it_is_gone_on_with_and_read_as_one_answer(
    gateway: Running, first: Simulated, second: Simulated, surface: str, thinks: bool, fault: str
) -> None:
    thought, text, _ = ASK[surface](gateway, thinks=thinks)
    assert (text, bool(thought)) == (ANSWER, thinks)
    first.clear()
    first.arm(fault)
    *said, exchange = ASK[surface](gateway, thinks=thinks)
    assert said == [thought, text]
    entry = booked(gateway, exchange)
    assert entry["status"] == 200
    assert "RES010" in entry["rules"]
    assert [one["backend"] for one in entry["sends"]] == ["first", "second"]
    assert entry["attempts"][0] in ("first:BackendTimedOut", "first:BrokenContract")
    assert entry["attempts"][1:] == ["second:ok"]
    assert entry["cost_usd"] is None, "what the first part used was never reported"
    assert len(second.requests()) == 1


@pytest.mark.parametrize("surface", ASK)
@pytest.mark.parametrize("fault", ["cut=20", "503", "stall=0"])
def test_before_its_first_word_it_is_asked_for_anew(
    gateway: Running, first: Simulated, surface: str, fault: str
) -> None:
    first.arm(fault)
    _, text, exchange = ASK[surface](gateway, thinks=False)
    entry = booked(gateway, exchange)
    assert (text, entry["backend"]) == (ANSWER, "second")
    assert "RTE030" in entry["rules"]
    assert "RES010" not in entry["rules"]
    assert entry["cost_usd"] is not None


@pytest.mark.parametrize("surface", ASK)
@pytest.mark.parametrize(
    ("model", "fault", "code"), [("strict", "cut=3000", ""), ("deepseek-flash", "no_done", "RES011")]
)
def test_what_is_not_gone_on_with_is_an_error_that_the_sdk_raises(
    gateway: Running, first: Simulated, second: Simulated, surface: str, model: str, fault: str, code: str
) -> None:
    first.arm(fault)
    with pytest.raises((openai.APIError, anthropic.APIError)) as raised:
        ASK[surface](gateway, model, thinks=False)
    assert code in str(raised.value)
    assert second.requests() == []
