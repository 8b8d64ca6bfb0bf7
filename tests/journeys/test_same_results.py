"""The official SDKs see the same against the hosted API (simulated) and against the gateway in front of it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from tests.support import scenarios, scenarios_messages
from tests.support.process import tidegate_up
from tests.support.scenarios import Clients, clients_at
from tests.support.scenarios_messages import MessageClients, message_clients_at
from tests.support.simulated import Simulated, simulated

DIRECT, BEHIND, CLIENT = "sk-direct-0001", "sk-behind-0002", "sk-client-0003"
CONFIG = """
[probe]
enabled = false
[[clients]]
name = "sdk"
key_env = "SDK_KEY"
[retry]
attempts = 1  # each fault is to be seen
[backends.deepseek]
kind = "deepseek"
base_url = "{url}"
"""
OTHER_WORDS = {
    "refused: a key that nobody gave out": "the gateway says whose key it wants, not the hosted text",
    "refused_path": "the hosted API answers with an empty body, the gateway says where things are",
    "refused_model_by_name": "the hosted API answers with an empty body, the gateway says where the list is",
}


@dataclass(frozen=True, slots=True)
class Both:
    """The same hosted API twice: straight, and behind a gateway with an account of its own."""

    simulator: Simulated
    chat: tuple[Clients, Clients]
    messages: tuple[MessageClients, MessageClients]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Generator[Both]:
    folder = tmp_path_factory.mktemp("same")
    accounts = {DIRECT: Decimal(1000), BEHIND: Decimal(1000)}
    with (
        simulated(keys=accounts, time_scale=1000.0) as sim,
        tidegate_up(
            folder, CONFIG.format(url=sim.url), "--no-embedded", DEEPSEEK_API_KEY=BEHIND, SDK_KEY=CLIENT
        ) as gateway,
    ):
        yield Both(
            sim,
            (clients_at(sim.url, DIRECT), clients_at(gateway.url, CLIENT)),
            (message_clients_at(sim.url, DIRECT), message_clients_at(gateway.url, CLIENT)),
        )


def alike(name: str, straight: Any, behind: Any) -> None:
    if name in OTHER_WORDS:
        straight, behind = ({**seen, "text": "..."} for seen in (straight, behind))
    assert straight == behind


@pytest.mark.parametrize("name", scenarios.ROWS)
def test_the_openai_sdk_sees_the_same(both: Both, name: str) -> None:
    straight, behind = (scenarios.outcome(scenarios.ROWS[name], clients) for clients in both.chat)
    assert ("error" in straight) is name.startswith("refused")
    alike(name, straight, behind)


@pytest.mark.parametrize("name", scenarios_messages.ROWS)
def test_the_anthropic_sdk_sees_the_same(both: Both, name: str) -> None:
    straight, behind = (scenarios_messages.outcome(scenarios_messages.ROWS[name], clients) for clients in both.messages)
    assert ("error" in straight) is name.startswith("refused")
    alike(name, straight, behind)


@pytest.mark.parametrize("fault", ["402", "422", "429", "500", "503", "moderation"])
@pytest.mark.parametrize("streamed", [False, True])
def test_every_class_of_error_is_the_same(both: Both, fault: str, streamed: bool) -> None:
    seen: list[Any] = []
    for chat, messages in zip(both.chat, both.messages, strict=True):
        both.simulator.arm(fault, times=2)
        seen.append(
            (
                scenarios.outcome(lambda at: scenarios.chat(at.plain, scenarios.PLAIN, stream=streamed), chat),
                scenarios_messages.outcome(
                    lambda at: scenarios_messages.ask(at.by_header, scenarios_messages.PLAIN, stream=streamed), messages
                ),
            )
        )
    both.simulator.disarm()
    straight, behind = seen
    assert [one["error"] for one in straight] == [one["error"] for one in behind]
    if fault in ("402", "429", "503", "moderation"):
        assert straight == behind  # statuses and hosted texts too


def test_a_difference_would_be_seen(both: Both) -> None:
    """The fault test of this file: a hosted API that answers otherwise makes the comparison fail."""
    name = "thinking_off"
    straight = scenarios.outcome(scenarios.ROWS[name], both.chat[0])
    both.simulator.arm("empty")
    with pytest.raises(AssertionError):
        alike(name, straight, scenarios.outcome(scenarios.ROWS[name], both.chat[1]))
