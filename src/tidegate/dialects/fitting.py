"""Steps by which a dialect is fitted to what is known of a server. Each changes one thing and leaves the rest. Pure."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

from tidegate.codecs.json_text import dump_fields
from tidegate.core.messages import OpaquePart
from tidegate.core.profile import Traits
from tidegate.core.requests import ChatRequest
from tidegate.core.rulebook import Rule
from tidegate.dialects.base import Dialect
from tidegate.dialects.defaults import contract_length
from tidegate.dialects.readers import Fields, Stage
from tidegate.dialects.reminders import AS_SYSTEM
from tidegate.dialects.thinking import ThinkSplitter

Fit = Callable[[Dialect, Traits], Dialect]
MakeStage = Callable[[ChatRequest], Stage | None]


_TEMPLATE_TOKENS = 4096
"""More than a chat template writes around messages and tools: DeepSeek's own texts are 2,000 bytes at most."""
_MESSAGE_TOKENS = 64


def in_turn(*steps: Fit) -> Fit:
    def fit(dialect: Dialect, traits: Traits) -> Dialect:
        for step in steps:
            dialect = step(dialect, traits)
        return dialect

    return fit


def keeps_reminders(dialect: Dialect, traits: Traits) -> Dialect:
    """A model of DeepSeek's encodings knows the role `latest_reminder`."""
    if traits.encoding is None:
        return dialect
    return replace(dialect, on_meaning=tuple(quirk for quirk in dialect.on_meaning if quirk is not AS_SYSTEM))


def splits_from_inside(rule: Rule, usual: MakeStage) -> Fit:
    """Where reasoning is known to come as text, it begins inside: the prompts of R1, V4 and V4.1 end in `<think>`.

    Models that write the tag themselves are read the same way. `usual` is the stage for servers that do not tell.
    """

    def inside(request: ChatRequest) -> Stage | None:
        begins_inside = request.thinks and not request.thought_before
        return ThinkSplitter(rule.code, "inside") if begins_inside else usual(request)

    def fit(dialect: Dialect, traits: Traits) -> Dialect:
        if traits.splits_reasoning is not False:
            return dialect
        return replace(dialect, stages=tuple(inside if stage is usual else stage for stage in dialect.stages))

    return fit


def fills_window(rule: Rule, *, prompt_counts: bool) -> Fit:
    """A missing `max_tokens` becomes the contract's default where the window is known to have room for it.

    `prompt_counts`: the server refuses prompt and `max_tokens` that exceed the window together. There the default is
    sent only if it fits beside the longest prompt that these bytes can make; else the answer may fill what is left.
    """

    def fit(dialect: Dialect, traits: Traits) -> Dialect:
        window = traits.window_tokens
        if window is None:
            return dialect

        def length(request: ChatRequest, fields: Fields) -> bool:
            if not contract_length(request, fields):
                return False
            if not prompt_counts:
                fields["max_tokens"] = min(fields["max_tokens"], window)
            elif fields["max_tokens"] + most_prompt_tokens(request, fields) >= window:
                del fields["max_tokens"]
            return True

        quirks = tuple((rule, length) if quirk[0] is rule else quirk for quirk in dialect.on_request)
        return replace(dialect, on_request=quirks)

    return fit


def most_prompt_tokens(request: ChatRequest, fields: Fields) -> int:
    """No prompt of these messages and tools is longer: a token is a byte at least. Twice, as templates lay out JSON anew.

    What an image weighs, its bytes do not say; with one, no length is too long.
    """
    if any(isinstance(part, OpaquePart) for message in request.messages for part in message.parts):
        return sys.maxsize
    written = len(dump_fields({name: fields.get(name) for name in ("messages", "tools", "response_format")}))
    return 2 * written + _MESSAGE_TOKENS * len(request.messages) + _TEMPLATE_TOKENS
