"""The messages of a Messages request to canonical ones, and the rules about which block may stand where.

One message of blocks may become several: each tool result is a `tool` message of its own, in front of what the user
says beside it. The rules are checked message by message and block by block, because that is the order in which the
oracle complains when several are broken. Knows blocks and messages; the request around them is `request`'s.
Source: `deepseek-recipe` 0.2.0, run 2026-11-24.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from heapq import nsmallest
from itertools import dropwhile
from typing import Literal, NamedTuple, NoReturn, assert_never

import orjson

from tidegate.catalog.contracts import Contract
from tidegate.codecs.anthropic_messages.blocks import (
    Block,
    DocumentBlock,
    ImageBlock,
    ServerToolBlock,
    TextBlock,
    ThinkingBlock,
    ToolAdditionBlock,
    ToolReferenceBlock,
    ToolResultBlock,
    ToolUseBlock,
)
from tidegate.codecs.anthropic_messages.images import check_image, image_part
from tidegate.codecs.shapes import said
from tidegate.core.messages import Message, Part, ReasoningPart, TextPart, ToolCallPart

Speaker = Literal["user", "assistant", "system"]
_MOST_IDS = 20
"""How many ids of calls an error lists."""


class Turn(NamedTuple):
    """One message of the wire."""

    role: Speaker
    content: str | tuple[Block, ...]


@dataclass(slots=True)
class Conversation:
    """Takes turns in their order; afterwards `messages` is what they mean and `named` the tools that they name."""

    contract: Contract
    tools: frozenset[str]
    sees: bool = True
    """Whether the model takes images. One that does not reads a text in their place; nobody looks at them then."""
    quoting: bool = False
    messages: list[Message] = field(default_factory=list[Message])
    named: set[str] = field(default_factory=set[str])
    _calls: set[str] = field(default_factory=set[str])
    """Ids that the turn before called and this one must answer."""

    def add(self, index: int, turn: Turn) -> None:
        if self._calls and turn.role != "user":
            self._unanswered("messages_results_missing", self._calls, place=index)
        match turn.role:
            case "user":
                self._user(index, turn.content)
            case "assistant":
                self._assistant(index, turn.content)
            case "system":
                self._system(index, turn.content)
            case _:
                assert_never(turn.role)

    def close(self, count: int) -> None:
        """After the last of `count` turns."""
        if self._calls:
            self._unanswered("messages_results_missing_after", self._calls, place=count - 1)

    def _user(self, index: int, content: str | tuple[Block, ...]) -> None:
        called, self._calls = self._calls, set()
        if isinstance(content, str):
            if called:
                self._unanswered("messages_results_missing", called, place=index)
            self.messages.append(Message("user", _spoken(content)))
            return
        self._check_filled(index, content)
        answered: set[str] = set()
        parts: list[Part] = []
        for position, block in enumerate(content):
            match block:
                case ToolResultBlock():
                    self._check_result(index, position, block.call_id, called, answered)
                    answered.add(block.call_id)
                    self.messages.append(self._result(index, position, block))
                case TextBlock() | ImageBlock() | DocumentBlock():
                    if len(answered) < len(called):
                        self._unanswered("messages_results_missing", called - answered, place=index)
                    parts.append(self._part(block, f"messages.{index}.content[{position}]"))
                case ThinkingBlock() | ToolUseBlock() | ServerToolBlock() | ToolAdditionBlock():
                    self._misplaced(index, block)
                case _:
                    assert_never(block)
        if len(answered) < len(called):
            self._unanswered("messages_results_missing_after", called - answered, place=index - 1)
        if parts:
            self.messages.append(Message("user", _canonical(parts)))

    def _check_result(self, index: int, position: int, call_id: str, called: set[str], answered: set[str]) -> None:
        """So only what was called is ever answered."""
        shown = said(call_id, self.quoting)
        if call_id not in called:
            raise self.contract.mistake("messages_result_orphaned", index=index, block=position, id=shown)
        if call_id in answered:
            raise self.contract.mistake("messages_result_repeated", index=index, block=position, id=shown)

    def _result(self, index: int, position: int, result: ToolResultBlock) -> Message:
        for block in result.content:
            # The tools that a result names are looked up before its images are looked at.
            if isinstance(block, ToolReferenceBlock):
                self._name_tool("messages_reference_unknown", block.name, index=index, block=position)
        parts: list[Part] = []
        for inner, block in enumerate(result.content):
            if isinstance(block, ToolReferenceBlock):
                parts.append(TextPart(block.name))
            else:
                parts.append(self._part(block, f"messages.{index}.content.{position}.tool_result.content[{inner}]"))
        return Message("tool", _canonical(parts), call_id=result.call_id)

    def _name_tool(self, rule: str, name: str, *, index: int, block: int) -> None:
        if name not in self.tools:
            raise self.contract.mistake(rule, index=index, block=block, tool=said(name, self.quoting))
        self.named.add(name)

    def _assistant(self, index: int, content: str | tuple[Block, ...]) -> None:
        if isinstance(content, str):
            self.messages.append(Message("assistant", _spoken(content)))
            return
        self._check_filled(index, content)
        thoughts: list[str] = []
        parts: list[Part] = []
        calls: list[ToolCallPart] = []
        for position, block in enumerate(content):
            match block:
                case ThinkingBlock(thinking):
                    thoughts.append(thinking)
                case ToolUseBlock(call_id, name, given):
                    if call_id in self._calls:
                        raise self.contract.mistake("messages_call_ids_repeat", index=index, block=position)
                    self._calls.add(call_id)
                    calls.append(ToolCallPart(call_id, name, orjson.dumps(given).decode()))
                case TextBlock() | ImageBlock() | DocumentBlock():
                    if self._calls:
                        self._unanswered("messages_results_missing", self._calls, place=f"{index}.{position}")
                    parts.append(self._part(block, f"messages.{index}.content[{position}]"))
                    if isinstance(block, ImageBlock) and self.sees:
                        raise self.contract.mistake("messages_image_in_assistant")
                case ToolResultBlock() | ServerToolBlock() | ToolAdditionBlock():
                    self._misplaced(index, block, assistant=True)
                case _:
                    assert_never(block)
        thought = [ReasoningPart("\n\n".join(thoughts))] if thoughts else []
        # An empty text in front is nothing, and leaves no blank line in the prompt.
        spoken = dropwhile(lambda part: part == TextPart(""), parts)
        self.messages.append(Message("assistant", (*thought, *spoken, *calls)))

    def _system(self, index: int, content: str | tuple[Block, ...]) -> None:
        if isinstance(content, str):
            self.messages.append(Message("system", _spoken(content)))
            return
        parts: list[Part] = []
        for position, block in enumerate(content):
            match block:
                case TextBlock() | ImageBlock() | DocumentBlock():
                    parts.append(self._part(block, f"messages.{index}.content[{position}]"))
                case ToolAdditionBlock(name):
                    self._name_tool("messages_addition_unknown", name, index=index, block=position)
                case ThinkingBlock() | ToolUseBlock() | ToolResultBlock() | ServerToolBlock():
                    self._misplaced(index, block)
                case _:
                    assert_never(block)
        self.messages.append(Message("system", _canonical(parts)))

    def _check_filled(self, index: int, content: tuple[Block, ...]) -> None:
        if not content:
            raise self.contract.mistake("messages_content_empty", index=index)

    def _misplaced(self, index: int, block: Block, *, assistant: bool = False) -> NoReturn:
        match block:
            case ThinkingBlock():
                raise self.contract.mistake("messages_thinking_misplaced", index=index)
            case ServerToolBlock() if assistant:
                raise self.contract.mistake("messages_server_block")
            case ServerToolBlock(kind):
                raise self.contract.mistake("messages_block_misplaced", index=index, block=kind, role="assistant")
            case ToolUseBlock():
                raise self.contract.mistake("messages_block_misplaced", index=index, block="tool_use", role="assistant")
            case ToolResultBlock():
                raise self.contract.mistake("messages_block_misplaced", index=index, block="tool_result", role="user")
            case _:
                raise self.contract.mistake(
                    "messages_block_misplaced", index=index, block="tool_addition", role="system"
                )

    def _unanswered(self, rule: str, calls: Collection[str], *, place: int | str) -> NoReturn:
        shown = [said(call, self.quoting) for call in nsmallest(_MOST_IDS, calls)]
        if len(calls) > _MOST_IDS:
            shown.append("...")
        raise self.contract.mistake(rule, place=place, ids=", ".join(shown))

    def _part(self, block: TextBlock | ImageBlock | DocumentBlock, place: str) -> Part:
        match block:
            case TextBlock(text):
                return TextPart(text)
            case DocumentBlock(media_type):
                return TextPart(f"[Unsupported document type: {media_type or 'unknown'}]")
            case ImageBlock():
                if self.sees:
                    check_image(block, place, self.contract, quoting=self.quoting)
                return image_part(block)
            case _:
                assert_never(block)


def system_messages(content: str | tuple[TextBlock, ...] | None) -> tuple[Message, ...]:
    """The request's `system`, which stands in front of all messages."""
    match content:
        case None:
            return ()
        case str():
            return (Message("system", _spoken(content)),)
        case _:
            return (Message("system", _canonical([TextPart(block.text) for block in content])),)


def _spoken(text: str) -> tuple[Part, ...]:
    return (TextPart(text),) if text else ()


def _canonical(parts: list[Part]) -> tuple[Part, ...]:
    """A lone empty text is no part (`core/messages.py`)."""
    return () if parts == [TextPart("")] else tuple(parts)
