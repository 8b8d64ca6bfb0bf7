"""The canonical requests: everything that the contract knows about, with None for "the client did not say".

Source of the fields: DeepSeek API reference, create-chat-completion, 2026-08-27, and create-completion, 2026-08-02.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from tidegate.core.messages import Message, TextPart

ChatCodec = Literal["openai_chat", "anthropic_messages"]
ThinkingSwitch = Literal["adaptive", "enabled", "disabled"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "ultra", "max"]
"""Both in the order in which the hosted API lists them."""


class ToolSpec(Struct, frozen=True, gc=False):
    """A function the model may call. `parameters` is its JSON Schema, untouched."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class NamedTool(Struct, frozen=True, gc=False):
    """`tool_choice` that names one function."""

    name: str


ToolChoice = Literal["none", "auto", "required"] | NamedTool


class ChatRequest(Struct, frozen=True, kw_only=True, gc=False):
    """One chat completion as asked for. `include_usage` is None when `stream_options` was not sent.

    `extras` holds fields outside the contract. They are kept so that nothing is lost in translation, and never sent to
    a backend: the hosted API ignores them, and elsewhere one of them could change where a prompt goes.

    `slips` are breaches of the contract that the other fields cannot show, such as an empty array where canonical form
    has nothing: the rule's name and the message's index (or -1). Only the codec's check reads them.

    `mistake` is what the codec found against the contract's rules while it read; its check raises it first. Such a
    request may have been read only in part.

    `codec` is the wire format it came in: a backend that speaks it too is asked in it, so that nothing is translated.
    """

    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    include_usage: bool | None = None
    thinking: ThinkingSwitch | None = None
    effort: Effort | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice | None = None
    response_format: dict[str, Any] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    user_id: str | None = None
    seed: int | None = None
    n: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    extras: dict[str, Any] = field(default_factory=dict[str, Any])
    slips: tuple[tuple[str, int], ...] = ()
    mistake: str = ""
    codec: ChatCodec = "openai_chat"

    @property
    def thinks(self) -> bool:
        """Whether the contract has the model think: on by default, off by switch or by effort `none`."""
        if self.thinking is not None:
            return self.thinking != "disabled"
        return self.effort != "none"

    @property
    def thought_before(self) -> bool:
        """It thinks, and continues an answer whose thought is over: its prefix has text already."""
        last = self.messages[-1] if self.messages else None
        return (
            self.thinks
            and last is not None
            and last.prefix
            and any(isinstance(p, TextPart) and p.text for p in last.parts)
        )


class FimRequest(Struct, frozen=True, kw_only=True, gc=False):
    """One fill-in-the-middle completion: the text between `prompt` and `suffix`. Never thinks.

    `logprobs` is a number of alternatives here, not a switch. `extras` as in `ChatRequest`.
    """

    model: str
    prompt: str
    suffix: str | None = None
    echo: bool | None = None
    stream: bool = False
    include_usage: bool | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    logprobs: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    extras: dict[str, Any] = field(default_factory=dict[str, Any])
    slips: tuple[tuple[str, int], ...] = ()


Request = ChatRequest | FimRequest
