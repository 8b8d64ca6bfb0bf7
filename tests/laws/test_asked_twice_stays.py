"""Whatever the order, whoever is asked once more, and however many answer: nobody hears what its class forbids.

Generated policies run through the whole gateway over scripted backends that answer or fail; who may hear a request is
worked out here, independently of routing. With routing broken the law sees the leak.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, get_args
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.samples import request
from tests.support.world import World, fake

from tidegate.backends.fake import FakeBackend, default_script
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import Order
from tidegate.core.errors import BackendUnreachable, GatewayError
from tidegate.routing.policy import Alias, Ask, Policy

NAMES = ("cloud", "other", "home", "lab")
classes = st.sampled_from(DataClass)
worlds = st.fixed_dictionaries(
    {
        "default": classes,
        "alias_class": st.none() | classes,
        "order": st.sampled_from(get_args(Order)),
        "alias_order": st.sampled_from(get_args(Order)),
        "each": st.booleans(),
        "targets": st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True),
        "shadow": st.lists(st.sampled_from(NAMES), max_size=3, unique=True),
        "cloud_accepts": st.sampled_from([DataClass.PUBLIC, DataClass.INTERNAL]),
    }
)
asked = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["auto", "local", "mine", "cloud", "home"]),
        "client": st.none() | classes,
        "header": st.none() | classes,
        "failing": st.sets(st.sampled_from(NAMES)),
    }
)


@dataclass
class Seen:
    requests: int = 0
    shadows: int = 0
    several: int = 0
    outside: int = 0
    leaks: list[str] = field(default_factory=list)


def backends(drawn: dict[str, Any]) -> dict[str, FakeBackend]:
    external = Boundary.EXTERNAL
    return {
        "cloud": fake("cloud", boundary=external, accepts=drawn["cloud_accepts"]),
        "other": fake("other", boundary=external, accepts=DataClass.PUBLIC),
        "home": fake("home"),
        "lab": fake("lab", boundary=Boundary.PRIVATE),
    }


def may_hear(name: str, data_class: DataClass, drawn: dict[str, Any]) -> bool:
    """The test's own reading of the promise."""
    limits = {"cloud": drawn["cloud_accepts"], "other": DataClass.PUBLIC}
    return data_class.rank <= limits.get(name, DataClass.PRIVATE).rank


async def play(drawn: dict[str, Any], questions: list[dict[str, Any]], seen: Seen) -> None:
    there = backends(drawn)
    alias = Alias("mine", tuple(drawn["targets"]), drawn["alias_class"], drawn["alias_order"], each=drawn["each"])
    policy = Policy(drawn["default"], {"mine": alias}, order=drawn["order"])
    world = World(*there.values(), policy=policy, shadow=tuple(drawn["shadow"]))
    for number, question in enumerate(questions):
        for name, backend in there.items():
            backend._script = _script(name in question["failing"])
        before = {name: len(backend.heard) for name, backend in there.items()}
        said = [drawn["default"], question["client"], question["header"]]
        said += [drawn["alias_class"]] if question["model"] == "mine" else []
        data_class = max((one for one in said if one), key=lambda one: one.rank)
        with suppress(GatewayError):
            await world.ask(
                Ask(question["model"], question["client"], question["header"]), request(user_id=str(number))
            )
        await world.gateway.shadow.settled()
        seen.requests += 1
        for name, backend in there.items():
            if len(backend.heard) == before[name]:
                continue
            promised_home = question["model"] == "local" and name in ("cloud", "other")
            seen.outside += name in ("cloud", "other")
            if promised_home or not may_hear(name, data_class, drawn):
                seen.leaks.append(f"{name} heard {data_class}: {question} under {drawn}")
    seen.shadows += sum(entry.surface == "shadow" for entry in world.booked)
    seen.several += sum(entry.surface == "each" for entry in world.booked)
    assert all(entry.data_class == "public" for entry in world.booked if entry.surface == "shadow")


def _script(fails: bool) -> Any:
    return (lambda _request: [BackendUnreachable("")]) if fails else default_script


def run_law(examples: int) -> Seen:
    seen = Seen()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(worlds, st.lists(asked, min_size=3, max_size=8))
    def law(drawn: dict[str, Any], questions: list[dict[str, Any]]) -> None:
        asyncio.run(play(drawn, questions, seen))

    law()
    return seen


def test_nobody_hears_what_its_class_forbids() -> None:
    seen = run_law(300)
    assert seen.leaks == []
    assert min(seen.shadows, seen.several, seen.outside) > 100, "or this law proves nothing"


def test_with_routing_broken_the_law_sees_the_leak() -> None:
    with patch("tidegate.routing.decide.forbids", lambda view, data_class: None):
        assert len(run_law(40).leaks) > 20
