"""A conversation with tools that thinks moves between a local model and a strict hosted API, whatever its client keeps."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI, PermissionDeniedError
from tests.support.process import tidegate_up
from tests.support.recipe import PASS_BACK
from tests.support.samples import WEATHER
from tests.support.strict import Thinker
from tests.support.upstreams import served

Json = dict[str, Any]
HOME, CLOUD = "home/m", "cloud/deepseek-flash"

CLIENTS: dict[str, Callable[[int], bool]] = {
    "returns it faithfully": lambda _turn: True,
    "drops it": lambda _turn: False,
    "drops only some": lambda turn: turn % 2 == 0,
}
PATH = [(HOME, HOME), (CLOUD, CLOUD), (HOME, CLOUD), (CLOUD, HOME), (HOME, HOME), (CLOUD, CLOUD)]
"""Where each user message is answered: the call of a tool, then the answer after its result."""


class World:
    """A gateway between a local thinker and a strict hosted one, and a client that keeps what it keeps."""

    def __init__(self, home: Thinker, cloud: Thinker, client: OpenAI) -> None:
        self.home, self.cloud, self.client = home, cloud, client
        self.messages: list[Json] = []
        self.truth: list[str] = []
        self.quirks: list[tuple[str, set[str]]] = []

    def ask(self, model: str, *, stream: bool, keeps: Callable[[int], bool]) -> Json:
        raw = self.client.chat.completions.with_raw_response.create(
            model=model,
            messages=self.messages,  # pyright: ignore[reportArgumentType]
            tools=[WEATHER],  # pyright: ignore[reportArgumentType]
            stream=stream,
        )
        self.quirks.append((model, set(raw.headers["x-tidegate-quirks"].split(","))))
        turn = folded(list(raw.parse())) if stream else raw.parse().choices[0].message.model_dump(exclude_none=True)  # pyright: ignore
        self.truth.append(turn["reasoning_content"])
        if not keeps(len(self.truth)):
            del turn["reasoning_content"]
        self.messages.append(turn)
        return turn

    def talk(self, keeps: Callable[[int], bool]) -> None:
        for place, (first, second) in enumerate(PATH):
            self.messages.append({"role": "user", "content": f"Question {place}?"})
            turn = self.ask(first, stream=place % 2 == 0, keeps=keeps)
            for call in turn["tool_calls"]:
                self.messages.append({"role": "tool", "tool_call_id": call["id"], "content": "3 degrees"})
            self.ask(second, stream=place % 3 == 0, keeps=keeps)


def folded(parts: list[Any]) -> Json:
    """The turn that a client puts together from a stream."""
    turn: Json = {"role": "assistant", "content": "", "reasoning_content": ""}
    for delta in (part.choices[0].delta.model_dump(exclude_none=True) for part in parts):
        for name in ("content", "reasoning_content"):
            turn[name] += delta.get(name, "")
        for call in delta.get("tool_calls", ()):
            turn.setdefault("tool_calls", []).append(call)
    return turn


@contextmanager
def world(folder: Path, more: str = "") -> Generator[World]:
    home, cloud = Thinker("home", strict=False), Thinker("cloud", strict=True)
    with served(home), served(cloud):
        config = (
            f"{more}\n[probe]\nenabled = false\n[profiles]\nmeasure = false\n"
            f"[backends.home]\nkind = 'generic'\nbase_url = '{home.url}'\n"
            f"stays_home = true\nmodels = ['m']\n[backends.cloud]\nkind = 'deepseek'\nbase_url = '{cloud.url}'\n"
        )
        with (
            tidegate_up(folder, config, "--no-embedded", DEEPSEEK_API_KEY="k") as running,
            OpenAI(base_url=running.url, api_key="k", max_retries=0) as client,
        ):
            yield World(home, cloud, client)


def reasonings(asked: Json) -> list[str | None]:
    return [turn.get("reasoning_content") for turn in asked["messages"] if turn["role"] == "assistant"]


@pytest.mark.parametrize("client", CLIENTS)
def test_it_is_never_refused_and_the_true_reasoning_arrives(folder: Path, client: str) -> None:
    with world(folder) as found:
        found.talk(CLIENTS[client])
        assert found.cloud.refused == []
        assert len(found.truth) == 2 * len(PATH)
        for asked in (*found.home.heard, *found.cloud.heard):
            sent = reasonings(asked)
            assert sent == found.truth[: len(sent)], "each turn has what was really thought, in its place"
        put_back = [model for model, quirks in found.quirks if "REQ005" in quirks]
        empty = [model for model, quirks in found.quirks if "DSK001" in quirks]
        assert empty == []
        assert bool(put_back) is (client != "returns it faithfully")


def test_without_memory_it_is_not_refused_either_and_says_so(folder: Path) -> None:
    with world(folder, "[replay]\nmemory_bytes = 0") as found:
        found.talk(CLIENTS["drops it"])
        assert found.cloud.refused == []
        assert {reasoning for asked in found.cloud.heard for reasoning in reasonings(asked)} == {""}
        assert all(("DSK001" in quirks) is (model == CLOUD) for model, quirks in found.quirks)


def test_what_was_thought_in_private_stays_home(folder: Path) -> None:
    """Even where the conversation may leave: without stickiness only each request's own class counts."""
    with world(folder, "[privacy]\nsticky_s = 0") as found:
        found.messages.append({"role": "user", "content": "Question?"})
        found.client = found.client.with_options(default_headers={"x-tidegate-class": "private"})
        turn = found.ask(HOME, stream=True, keeps=CLIENTS["drops it"])
        found.messages.append({"role": "tool", "tool_call_id": turn["tool_calls"][0]["id"], "content": "3 degrees"})
        found.client = found.client.with_options(default_headers={"x-tidegate-class": "public"})
        found.ask(CLOUD, stream=True, keeps=CLIENTS["drops it"])
        assert reasonings(found.cloud.heard[0]) == [""]
        assert found.quirks[-1] == (CLOUD, {"DSK001"})
        found.ask(HOME, stream=False, keeps=CLIENTS["drops it"])
        assert reasonings(found.home.heard[-1]) == found.truth[:2]


def test_the_double_does_refuse(folder: Path) -> None:
    turn = {"role": "assistant", "content": "Yes."}
    body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "x"}, turn], "tools": [WEATHER]}
    body["messages"].append({"role": "user", "content": "y"})
    with served(Thinker("cloud", strict=True)) as cloud:
        connection = HTTPConnection("127.0.0.1", cloud.port)
        connection.request("POST", "/chat/completions", json.dumps(body))
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["error"]["message"]) == (400, PASS_BACK)
        connection.close()


def test_a_conversation_that_was_private_stays_home(folder: Path) -> None:
    with world(folder) as found:
        found.messages.append({"role": "user", "content": "Question?"})
        found.client = found.client.with_options(default_headers={"x-tidegate-class": "private"})
        turn = found.ask(HOME, stream=True, keeps=CLIENTS["drops it"])
        found.messages.append({"role": "tool", "tool_call_id": turn["tool_calls"][0]["id"], "content": "3 degrees"})
        found.client = found.client.with_options(default_headers={"x-tidegate-class": "public"})
        with pytest.raises(PermissionDeniedError) as refused:
            found.ask(CLOUD, stream=True, keeps=CLIENTS["drops it"])
        assert "CLS006" in refused.value.response.headers["x-tidegate-rules"]
        assert found.cloud.heard == []
        found.ask(HOME, stream=True, keeps=CLIENTS["drops it"])
