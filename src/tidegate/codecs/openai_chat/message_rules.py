"""The contract's rules about messages: calls and their answers, prefix, images, reasoning to be passed back, the json word."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.catalog.contracts import Contract
from tidegate.codecs.openai_chat.image_rules import check_images, sees_images
from tidegate.codecs.shapes import said
from tidegate.core.messages import Message, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest


def check_messages(request: ChatRequest, contract: Contract, *, passback: bool, quoting: bool) -> None:
    messages = request.messages
    if not messages:
        raise contract.mistake("no_messages")
    if not request.slips and all(map(_is_plain, messages)):
        return
    _check_turns(request, contract, quoting=quoting)
    if passback and "reasoning_not_passed_back" in contract.rules and _lacks_reasoning(request):
        raise contract.mistake("reasoning_not_passed_back")
    if any(message.prefix for message in messages[:-1]):
        raise contract.mistake("prefix_misplaced")


def _is_plain(message: Message) -> bool:
    """Nothing but text that a user or the system said: no rule is about it."""
    parts = message.parts
    return message.role in _PLAIN and (not parts or (len(parts) == 1 and type(parts[0]) is TextPart))


_PLAIN = frozenset({"user", "system", "latest_reminder"})


def _check_turns(request: ChatRequest, contract: Contract, *, quoting: bool) -> None:
    slips = {index: rule for rule, index in request.slips}
    answers = _Answers(contract, quoting=quoting)
    images = sees_images(request.model, contract)
    for index, message in enumerate(request.messages):
        if message.role == "tool":
            answers.add(message, index)
        elif answers.open:
            raise contract.mistake("tool_calls_unanswered")
        if images:
            check_images(message, index, contract)
        if index in slips:
            raise contract.mistake(slips[index], index=index)
        if message.role == "assistant":
            answers.expect(message, index)
    if answers.open:
        raise contract.mistake("tool_calls_unanswered")


def check_prefix(request: ChatRequest, contract: Contract) -> None:
    """A continued text goes with no function calls, offered or past."""
    if request.messages[-1].prefix and (request.tools or any(map(_calls, request.messages))):
        raise contract.mistake("prefix_with_tools")


class _Answers:
    """The calls of the latest assistant turn, and which of them have been answered."""

    def __init__(self, contract: Contract, *, quoting: bool) -> None:
        self._contract = contract
        self._quoting = quoting
        self._asked: set[str] = set()
        self._given: set[str] = set()

    @property
    def open(self) -> bool:
        return len(self._given) < len(self._asked)

    def expect(self, message: Message, index: int) -> None:
        self._asked, self._given = set(), set()
        for call_id in (part.call_id for part in message.parts if isinstance(part, ToolCallPart)):
            if call_id in self._asked:
                raise self._contract.mistake("tool_call_id_repeats", call_id=self._shown(call_id), index=index)
            self._asked.add(call_id)

    def _shown(self, call_id: str) -> str:
        return said(call_id, self._quoting)

    def add(self, message: Message, index: int) -> None:
        call_id = message.call_id or ""
        if not self.open:
            raise self._contract.mistake("tool_message_orphaned")
        if call_id not in self._asked:
            raise self._contract.mistake("tool_call_id_unknown", call_id=self._shown(call_id))
        if call_id in self._given:
            raise self._contract.mistake("tool_call_id_repeats", call_id=self._shown(call_id), index=index)
        self._given.add(call_id)


def _lacks_reasoning(request: ChatRequest) -> bool:
    """Whether a turn after the last user message came back without its thoughts; without tools only turns that call."""
    if not request.thinks:
        return False
    for message in reversed(request.messages):
        if message.role == "user":
            return False
        if message.role != "assistant" or any(isinstance(part, ReasoningPart) for part in message.parts):
            continue
        if request.tools or _calls(message):
            return True
    return False


def _calls(message: Message) -> bool:
    return any(isinstance(part, ToolCallPart) for part in message.parts)


def texts(request: ChatRequest) -> Iterator[str]:
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, TextPart):
                yield part.text


def says_json(request: ChatRequest) -> bool:
    return any("json" in text.lower() for text in texts(request))
