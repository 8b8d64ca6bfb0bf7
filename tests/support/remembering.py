"""What a client asks and a model answers once more: conversations for the memory of reasoning."""

from __future__ import annotations

from typing import Any

from tests.support.samples import WEATHER, request

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView
from tidegate.core.messages import Message, ReasoningPart
from tidegate.core.requests import ChatRequest
from tidegate.pipeline.replay import ReasoningMemory

PUBLIC, INTERNAL, PRIVATE = DataClass
USER = {"role": "user", "content": "Is it cold in Paris?"}
UNIQUE = "call_00_8GkX2aPq7Rt5VwYz1BcDfGhJ"
HOME = BackendView("home", Boundary.DEVICE, PRIVATE, "up", ("m",))
CLOUD = BackendView("cloud", Boundary.EXTERNAL, PUBLIC, "up", ("m",))


def asked(*messages: dict[str, Any], **more: Any) -> ChatRequest:
    return request(messages=list(messages), **{"tools": [WEATHER], **more})


def called(call_id: str = UNIQUE, arguments: str = '{"city":"Paris"}', **more: Any) -> dict[str, Any]:
    function = {"name": "get_weather", "arguments": arguments}
    calls = [{"id": call_id, "type": "function", "function": function}]
    return {"role": "assistant", "content": "", "tool_calls": calls, **more}


def result(call_id: str = UNIQUE) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": "3 degrees"}


def memory_of(
    reasoning: str,
    turn: dict[str, Any],
    *before: dict[str, Any],
    client: str | None = None,
    data_class: DataClass = PUBLIC,
    **more: Any,
) -> ReasoningMemory:
    memory = ReasoningMemory(100_000, key=b"key")
    said = asked(turn, *(result(call["id"]) for call in turn.get("tool_calls", ())))
    parts = (ReasoningPart(reasoning), *said.messages[0].parts)
    memory.keep(client, asked(*(before or (USER,)), **more), Message("assistant", parts), data_class)
    return memory


def recalled(memory: ReasoningMemory, later: ChatRequest, client: str | None = None, view: BackendView = HOME) -> Any:
    """The reasoning of each assistant turn as it would go to this backend."""
    told, _ = memory.put_back(client, later, view)
    assert [message.role for message in told.messages] == [message.role for message in later.messages]
    turns = [message.parts for message in told.messages if message.role == "assistant"]
    return [next((part.text for part in parts if isinstance(part, ReasoningPart)), None) for parts in turns]
