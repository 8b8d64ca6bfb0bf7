"""The embedded demo model: llama.cpp with SmolLM2-135M-Instruct and a chat template of ours that knows `<think>`.

Built on `llamacpp`, the one dialect that another may import, because it is the same server.
"""

from __future__ import annotations

import re
from typing import Any

from tidegate.codecs.json_text import nested_too_deeply
from tidegate.core.jsonvalue import as_list, as_object
from tidegate.core.requests import ChatRequest
from tidegate.core.rulebook import Rulebook
from tidegate.dialects.base import NO_FIM, Dialect
from tidegate.dialects.declared import refused
from tidegate.dialects.llamacpp import CALLS_BY_SCHEMA, FOR_ANY_LLAMACPP, STAGES, declares
from tidegate.dialects.llamacpp_errors import read_error
from tidegate.dialects.readers import Fields
from tidegate.dialects.reminders import AS_SYSTEM
from tidegate.dialects.told_format import TOLD_FORMAT, tell_schema

_RUN = "SmolLM2-135M-Instruct Q4_1 in llama.cpp b11549, run 2026-11-22"
EMBEDDED_RULES = Rulebook("EMB", "Embedded demo model")

DEMO = EMBEDDED_RULES.rule(
    "EMB001",
    "the answer comes from the embedded demo model, not from DeepSeek",
    why="A model of 135 million parameters writes fluent English and wrong facts. It is there so that everything can be "
    "tried without a key or a GPU; point Tidegate to a real runtime or set DEEPSEEK_API_KEY for real work.",
    source=_RUN,
    checked="2026-11-22",
)

BUDGET = EMBEDDED_RULES.rule(
    "EMB002",
    "thinking is begun by half a sentence in the template and closed by a budget: 12, 16 or 32 tokens by effort",
    why="The model does not know `<think>`: it never closes it, and with a long budget it often ends its turn inside. "
    "With this opening, 0 of 12 answers were empty at 16 tokens, 2 of 12 at 32; without it 7 and 8 of 12. The budget is "
    "at most half of max_tokens.",
    source=_RUN.replace("11-22", "11-23"),
    checked="2026-11-23",
)

SAMPLING = EMBEDDED_RULES.rule(
    "EMB003",
    "without a temperature of the client's, and always in thinking mode, 0.3 is used",
    why="At the contract's default of 1 a model of this size babbles.",
    source=_RUN,
    checked="2026-11-22",
)

LENGTH = EMBEDDED_RULES.rule(
    "EMB004",
    "a missing max_tokens becomes 512",
    why="The contract's default is larger than this model's window of 4,096 tokens, and it may never stop by itself.",
    source=_RUN,
    checked="2026-11-22",
)

MARKERS = EMBEDDED_RULES.rule(
    "EMB005",
    "control markers of the chat template inside messages are broken up with a zero-width space",
    why="The server tokenises a rendered string, so `<|im_end|>` in a user's text would end the turn and could forge a "
    "system message. The hosted API encodes such text as ordinary text.",
    source=_RUN,
    checked="2026-11-22",
)

_BUDGETS = {"minimal": 12, "low": 12, "max": 32, "ultra": 32}
_DEFAULT_BUDGET = 16
_TEMPERATURE = 0.3
_MAX_TOKENS = 512
_MARKER = re.compile(
    r"<(?=\|(?:im_start|im_end|endoftext)\||(?:repo_name|reponame|file_sep|filename|gh_stars|empty_output"
    r"|issue_(?:start|comment|closed)|jupyter_(?:start|text|code|output|script))>)"
)


def announce(_request: ChatRequest, _fields: Fields) -> bool:
    return True


def bound_thinking(request: ChatRequest, fields: Fields) -> bool:
    if not request.thinks:
        return False
    budget = _BUDGETS.get(request.effort or "", _DEFAULT_BUDGET)
    fields["thinking_budget_tokens"] = max(1, min(budget, fields["max_tokens"] // 2))
    return True


def calm_sampling(request: ChatRequest, fields: Fields) -> bool:
    if request.temperature is not None and not request.thinks:
        return False
    fields["temperature"] = _TEMPERATURE
    return True


def short_length(request: ChatRequest, fields: Fields) -> bool:
    fields.setdefault("max_tokens", _MAX_TOKENS)
    return request.max_tokens is None


def break_markers(_request: ChatRequest, fields: Fields) -> bool:
    broken = False

    def mend(value: Any) -> Any:
        nonlocal broken
        if isinstance(value, str):
            mended = _MARKER.sub("<\u200b", value)
            broken = broken or mended != value
            return mended
        if (items := as_list(value)) is not None:
            return [mend(item) for item in items]
        if (members := as_object(value)) is not None:
            return {mend(name): mend(member) for name, member in members.items()}
        return value

    try:
        fields.update({name: mend(fields[name]) for name in ("messages", "tools") if name in fields})
    except RecursionError:
        raise nested_too_deeply() from None
    return broken


EMBEDDED = Dialect(
    name="embedded",
    title="embedded demo model, not DeepSeek",
    rules=EMBEDDED_RULES,
    read_error=read_error,
    on_meaning=(AS_SYSTEM, (TOLD_FORMAT, tell_schema), CALLS_BY_SCHEMA),
    on_request=(
        (DEMO, announce),
        (LENGTH, short_length),
        (BUDGET, bound_thinking),
        (SAMPLING, calm_sampling),
        (MARKERS, break_markers),
        *FOR_ANY_LLAMACPP,
    ),
    stages=STAGES,
    declares=declares(refused(NO_FIM)),
    always_streams=True,
)
