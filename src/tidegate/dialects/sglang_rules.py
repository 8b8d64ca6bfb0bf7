"""SGLang's quirks: what its server does otherwise than the contract, and what is refused for that reason. None was run."""

from __future__ import annotations

from tidegate.core.rulebook import Rule, Rulebook

SGLANG_RULES = Rulebook("SGL", "SGLang")
_READ = "SGLang 0.5.23 source, not run, 2026-11-24"


def _rule(code: str, title: str, why: str) -> Rule:
    return SGLANG_RULES.rule(code, title, why=why, source=_READ, checked="2026-11-24")


THINKING = _rule(
    "SGL001",
    "thinking is switched by chat_template_kwargs, always explicitly; effort is named only while it is on",
    "For V4 the server's default is off, the contract's is on, and the field `thinking` is ignored. Templates know "
    "`thinking` or `enable_thinking`, so both are sent. An effort other than none would switch thinking on by itself.",
)
SAMPLING = _rule(
    "SGL002",
    "temperature and top_p are 1 unless asked otherwise, always in thinking mode; the contract has no other sampling",
    "The server takes what is not said, top_k and penalties too, from the model's generation_config.",
)
LENGTH = _rule(
    "SGL003",
    "a missing max_tokens becomes the contract's default where that is sure to fit beside the prompt; else it stays missing",
    "The server answers 400 when prompt and max_tokens together exceed its window, and the contract's default (8,192, in "
    "thinking mode 65,536 or 131,072) easily does. How long a prompt can be at most is told from its bytes. Where the "
    "default does not fit or the window is not known, the answer may fill the rest of the window.",
)
PREFIX = _rule(
    "SGL004",
    "a prefix is sent with continue_final_message, without its flag",
    "Otherwise the server makes a user's turn of it. V4 continues it as the contract says; other models' templates lose "
    "the reasoning that stands beside it.",
)
PARTED_PREFIX = _rule(
    "SGL005",
    "a prefix made of several content parts is refused",
    "The server continues text only; it would close this message and answer it.",
)
ANSWER = _rule(
    "SGL006",
    "an answer that arrived as reasoning although thinking was off is moved to the content",
    "A parser of a model that always thinks takes all before `</think>` for reasoning. With thinking off, reasoning is "
    "held back until content follows or the answer ends.",
)
INLINE = _rule(
    "SGL007",
    "reasoning inside the content is split off",
    "Without --reasoning-parser tags come as text. R1 and V4 do not write `<think>`, so their reasoning can be told in a "
    "stream only where the server is known to have no parser; else only what begins with the tag.",
)
LONE_CHOICE = _rule(
    "SGL008",
    "tool_choice without tools is not sent",
    "The contract ignores it; here it would reach the grammar.",
)
MODEL = _rule(
    "SGL009",
    "the server does not check the model's name",
    "It answers with the one model it runs and echoes whatever name was asked. `/v1/models` says what it is.",
)
CACHE = _rule(
    "SGL010",
    "cached tokens are unknown",
    "The server reports them only with --enable-cache-report. Unknown is null, not 0.",
)
ABORT = _rule(
    "SGL011",
    "an aborted answer ends with insufficient_system_resource",
    "The server's word `abort` is not in the contract.",
)
