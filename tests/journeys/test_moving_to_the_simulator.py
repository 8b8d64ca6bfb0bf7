"""A thinking conversation with tools: gateway -> a real local engine -> the simulated hosted API in its refusing mode."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from openai import BadRequestError, OpenAI
from tests.support.process import tidegate_up
from tests.support.scenarios import TOOLS
from tests.support.scenarios_messages import TOOLS as MESSAGE_TOOLS
from tests.support.scenarios_messages import message_clients_at
from tests.support.simulated import KEY, Simulated, simulated

CONFIG = """
[probe]
enabled = false
[backends.near]
kind = "generic"
base_url = "{near}"
key_env = "SIM_KEY"
models = ["deepseek-flash"]
[backends.cloud]
kind = "deepseek"
base_url = "{cloud}"
key_env = "SIM_KEY"
"""
ENGINE, NEAR, CLOUD = "embedded", "near/deepseek-flash", "cloud/deepseek-flash"
WAYS = [(ENGINE, CLOUD), (NEAR, CLOUD), (CLOUD, NEAR), (CLOUD, CLOUD), (NEAR, NEAR), (CLOUD, ENGINE), (ENGINE, CLOUD)]


class Road:
    """The gateway's address, and the hosted API at the end of it."""

    def __init__(self, url: str, cloud: Simulated) -> None:
        self.url = url
        self.cloud = cloud

    def refusals(self) -> list[Any]:
        return [one for one in self.cloud.requests() if one["status"] != 200]


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Generator[Road]:
    folder: Path = tmp_path_factory.mktemp("moving")
    # A local runtime does not know the rule; the hosted API refuses what breaks it.
    with (
        simulated(passback=False) as near,
        simulated(passback=True) as cloud,
        tidegate_up(folder, CONFIG.format(near=near.url, cloud=cloud.url), "--no-ask", SIM_KEY=KEY) as running,
    ):
        yield Road(running.url, cloud)


def turn_of(answer: Any, *, keeps: bool) -> dict[str, Any]:
    turn = answer.choices[0].message.model_dump(exclude_none=True)
    if not keeps:
        turn.pop("reasoning_content", None)
    return turn


@pytest.mark.parametrize("keeps", ["all", "nothing", "every other turn"])
def test_a_chat_client_is_never_refused(road: Road, keeps: str) -> None:
    road.cloud.clear()
    messages: list[Any] = []
    thoughts: list[str] = []
    with OpenAI(base_url=road.url, api_key="k", max_retries=0, timeout=60) as client:
        for place, way in enumerate(WAYS):
            messages.append({"role": "user", "content": f"Question {place}: call get_tide for Brest."})
            for wanted in way:
                # The real engine reads slowly here; it takes part where it matters most.
                model = wanted if keeps == "nothing" or wanted != ENGINE else NEAR
                limit = 16 if model == ENGINE else 200
                answer: Any = client.chat.completions.create(
                    model=model, messages=messages, tools=TOOLS, max_tokens=limit
                )
                thoughts.append(answer.choices[0].message.reasoning_content)
                turn = turn_of(answer, keeps=keeps == "all" or (keeps == "every other turn" and len(thoughts) % 2 == 0))
                messages.append(turn)
                messages += [
                    {"role": "tool", "tool_call_id": call["id"], "content": "3 m"}
                    for call in turn.get("tool_calls", ())
                ]
    assert road.refusals() == []
    for seen in road.cloud.requests():
        sent = [one["reasoning_content"] for one in seen["body"]["messages"] if one["role"] == "assistant"]
        assert sent == [thought or "" for thought in thoughts[: len(sent)]], "true reasoning, each in its place"


@pytest.mark.parametrize("keeps", [True, False])
def test_a_messages_client_is_never_refused(road: Road, keeps: bool) -> None:
    road.cloud.clear()
    client = message_clients_at(road.url, "k").by_header
    messages: list[Any] = []
    for place, way in enumerate(WAYS[1:4]):
        messages.append({"role": "user", "content": f"Question {place}: call get_tide for Brest."})
        for model in way:
            answer = client.messages.create(model=model, messages=messages, tools=MESSAGE_TOOLS, max_tokens=400)
            said = [block.model_dump(exclude_unset=True) for block in answer.content]
            messages.append(
                {"role": "assistant", "content": [one for one in said if keeps or one["type"] != "thinking"]}
            )
            results = [
                {"type": "tool_result", "tool_use_id": one["id"], "content": "3 m"}
                for one in said
                if one["type"] == "tool_use"
            ]
            if results:
                messages.append({"role": "user", "content": results})
    assert road.refusals() == []
    assert len(road.cloud.requests()) == 4


def test_the_simulator_does_refuse_who_comes_without_the_gateway(road: Road) -> None:
    road.cloud.clear()
    ask: list[Any] = [{"role": "user", "content": "Call get_tide for Brest."}]
    with OpenAI(base_url=road.cloud.url, api_key=KEY, max_retries=0) as client:
        answer = client.chat.completions.create(model="deepseek-flash", messages=ask, tools=TOOLS)
        turn = turn_of(answer, keeps=False)
        result = {"role": "tool", "tool_call_id": turn["tool_calls"][0]["id"], "content": "3 m"}
        with pytest.raises(BadRequestError, match="must be passed back to the API"):
            client.chat.completions.create(model="deepseek-flash", messages=[*ask, turn, result], tools=TOOLS)
    assert len(road.refusals()) == 1
