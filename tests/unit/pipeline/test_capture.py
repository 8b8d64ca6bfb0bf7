"""What of an exchange may be kept, and what a kept one holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from tests.support.samples import WEATHER, request
from tests.support.world import World, external, fake

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import Decision
from tidegate.core.errors import BackendRefused
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall
from tidegate.core.exchange import Exchange, Send
from tidegate.core.fold import Answer, fold
from tidegate.core.requests import FimRequest
from tidegate.pipeline.capture import NO_CAPTURE, Capture, content_of, highest_class, may_keep
from tidegate.privacy.keeping.kept import Content
from tidegate.routing.policy import Ask, Policy
from tidegate.routing.rules import LOCAL

BOTH = frozenset({DataClass.PUBLIC, DataClass.INTERNAL})
PRIVATE, INTERNAL, PUBLIC = DataClass.PRIVATE, DataClass.INTERNAL, DataClass.PUBLIC
TOLD: tuple[Event, ...] = (Start("m"), Reasoning("hm"), Text("Hello"), Finish("stop"), End())


class Keeping:
    """A capture and all that it handed over."""

    def __init__(self, classes: frozenset[DataClass] = BOTH) -> None:
        self.kept: list[Content] = []
        self.capture = Capture(classes, self.kept.append)

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [orjson.loads(content.body()) for content in self.kept]


def world(keeping: Keeping, *backends: Any, policy: Policy | None = None) -> World:
    made = World(*backends, policy=policy)
    made.gateway._capture = keeping.capture  # pyright: ignore[reportPrivateUsage]
    return made


async def test_a_public_exchange_is_kept_as_it_was_sent_and_answered() -> None:
    keeping = Keeping()
    asked = request(model="auto", messages=[{"role": "user", "content": "CANARY"}], temperature=0.5)
    await world(keeping, fake("home", *TOLD)).ask(Ask("auto"), asked)
    (document,) = keeping.documents
    del document["request"]["model"]
    assert document["request"] == {
        "messages": [{"role": "user", "parts": [{"kind": "text", "text": "CANARY"}]}],
        "temperature": 0.5,
        "stream": False,
    }
    assert document["answer"] == {
        "model": "m",
        "text": "Hello",
        "reasoning": "hm",
        "tool_calls": [],
        "finish": "stop",
    }
    assert (document["class"], document["backend"]) == ("public", "home")
    assert document["exchange"] == keeping.kept[0].exchange_id
    assert keeping.kept[0].data_class is PUBLIC


@pytest.mark.parametrize("wished", [PRIVATE, INTERNAL])
async def test_a_class_that_was_not_asked_for_is_not_even_heard(
    wished: DataClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Capture, "_keep", lambda *_: pytest.fail("it was listened to"))
    keeping = Keeping(frozenset({PUBLIC}))
    await world(keeping, fake("home", *TOLD)).ask(Ask("auto", None, wished), request())
    assert keeping.kept == []


@pytest.mark.parametrize("model", ["local", "home"])
async def test_who_asks_for_local_is_never_kept(model: str) -> None:
    keeping = Keeping()
    await world(keeping, fake("home", *TOLD, models=("m",))).ask(Ask(model), request(model=model))
    assert len(keeping.kept) == (model != "local")


async def test_an_answer_that_broke_off_is_not_kept() -> None:
    keeping = Keeping()
    with pytest.raises(BackendRefused):
        await world(keeping, fake("home", *TOLD[:3], BackendRefused("no"))).ask()
    assert keeping.kept == []


async def test_what_is_kept_knows_the_class_of_all_that_was_sent() -> None:
    keeping = Keeping()
    made = world(keeping, external("cloud", *TOLD))
    await made.ask(Ask("auto", None, INTERNAL), request())
    assert [content.data_class for content in keeping.kept] == [INTERNAL]


def test_without_classes_nothing_is_listened_to() -> None:
    assert NO_CAPTURE.keeper(exchange(), request()) is None


def exchange(rules: tuple[str, ...] = (), **changes: Any) -> Exchange:
    decision = Decision("auto", PUBLIC, rules, (), (), None)
    return replace(Exchange("ex_1", "test", 0.0, data_class=PUBLIC, decision=decision), **changes)


def test_a_plain_public_exchange_may_be_kept() -> None:
    assert may_keep(exchange(), BOTH)
    assert may_keep(exchange(action="allow"), BOTH)


FORBIDDEN: dict[str, Exchange] = {
    "private": exchange(data_class=PRIVATE),
    "not classified": exchange(data_class=None),
    "sent as private": exchange(sent_class=PRIVATE),
    "wished private": exchange(wished_class=PRIVATE),
    "one sending private": exchange(sends=[Send("b", Boundary.DEVICE, PRIVATE, masked=False)]),
    "one sending masked": exchange(sends=[Send("b", Boundary.EXTERNAL, PUBLIC, masked=True)]),
    "a row masks": exchange(action="mask"),
    "a row holds": exchange(action="local"),
    "a row blocks": exchange(action="block"),
    "a shadow": exchange(shadow_of="ex_0"),
    "the model local": exchange((LOCAL.code,)),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_what_may_not_be_kept_whatever_is_configured(case: str) -> None:
    keeping = Keeping(frozenset(DataClass))
    assert not may_keep(FORBIDDEN[case], frozenset(DataClass))
    assert keeping.capture.keeper(FORBIDDEN[case], request()) is None


def test_a_class_raised_while_it_was_answered_counts() -> None:
    keeping = Keeping()
    record = exchange()
    listening = keeping.capture.keeper(record, request())
    assert listening is not None
    record.data_class = PRIVATE
    listening(record, fold(TOLD))
    assert keeping.kept == []


def test_the_model_is_the_one_the_client_named() -> None:
    keeping = Keeping()
    record = exchange(asked_model="auto")
    listening = keeping.capture.keeper(record, request(model="chosen"))
    assert listening is not None
    listening(record, fold(TOLD))
    assert keeping.documents[0]["request"]["model"] == "auto"


def test_the_highest_class_of_all_that_was_said() -> None:
    sends = [Send("b", Boundary.EXTERNAL, INTERNAL, masked=False)]
    assert highest_class(exchange(sends=sends)) is INTERNAL
    assert highest_class(exchange()) is PUBLIC


def test_every_kind_of_part_can_be_told_apart() -> None:
    asked = request(
        tools=[WEATHER],
        user_id="u",
        made_up={"deep": [1]},
        messages=[
            {
                "role": "user",
                "content": [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "data:"}}],
            },
            {
                "role": "assistant",
                "content": "",
                "reasoning_content": "think",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "result"},
        ],
    )
    answer = fold_of(Start("m"), ToolCall(0, "c", "f", "{}"), Finish("tool_calls"), End())
    document = orjson.loads(content_of({"exchange": "ex_1"}, asked, answer))
    turns = document["request"]["messages"]
    assert [[part["kind"] for part in turn["parts"]] for turn in turns] == [
        ["text", "other"],
        ["reasoning", "tool_call"],
        ["text"],
    ]
    assert turns[2]["call_id"] == "c"
    assert document["request"]["tools"][0]["name"] == "get_weather"
    assert document["request"]["extras"] == {"made_up": {"deep": [1]}}
    assert document["answer"]["tool_calls"] == [{"call_id": "c", "name": "f", "arguments": "{}"}]


def test_a_completion_has_prompt_and_suffix() -> None:
    document = orjson.loads(
        content_of({}, FimRequest(model="m", prompt="def f", suffix="return"), fold_of(*TOLD[:1], *TOLD[2:]))
    )
    assert (document["request"]["prompt"], document["request"]["suffix"]) == ("def f", "return")


def fold_of(*events: Event) -> Answer:
    return fold(events)
