"""llama.cpp's quirks: what its server does otherwise than the contract. All of them were run."""

from __future__ import annotations

from tidegate.core.rulebook import Rulebook

_RUN = "llama.cpp b11549, run 2026-11-22"
LLAMACPP_RULES = Rulebook("LCP", "llama.cpp server")

STREAM = LLAMACPP_RULES.rule(
    "LCP001",
    "always asked for a stream; an unstreamed answer is put together by the gateway",
    why="An unstreamed request keeps generating after its client has left (still busy after 30 s); a streamed one stops "
    "within 0.05 s and frees its slot.",
    source=_RUN,
    checked="2026-11-22",
)

THINKING = LLAMACPP_RULES.rule(
    "LCP002",
    "thinking is switched by chat_template_kwargs.enable_thinking, always explicitly",
    why="`thinking` is accepted and ignored, and the template's own default may differ from the contract's (on). Effort "
    "names are mapped as the hosted API maps them, because unknown ones are ignored.",
    source=_RUN,
    checked="2026-11-22",
)

SAMPLING = LLAMACPP_RULES.rule(
    "LCP003",
    "top_k and min_p are switched off; temperature and top_p are 1 unless asked otherwise, always in thinking mode",
    why="The contract has neither top_k nor min_p and its temperature and top_p are 1, but the server's defaults are 40, "
    "0.05, 0.8 and 0.95. Thinking forces temperature 1 on the hosted API.",
    source=_RUN + "; DeepSeek thinking-mode guide, 2026-08-16",
    checked="2026-11-22",
)

LENGTH = LLAMACPP_RULES.rule(
    "LCP004",
    "a missing max_tokens becomes the contract's default",
    why="The server's default is unlimited; the contract's is 8,192, in thinking mode 65,536, at maximum effort 131,072.",
    source=_RUN + "; DeepSeek create-chat-completion reference, 2026-08-27",
    checked="2026-11-22",
)

PREFIX = LLAMACPP_RULES.rule(
    "LCP005",
    "a prefix is sent as a trailing assistant message without its flag",
    why="The server continues a trailing assistant message by itself and does not know `prefix`; streamed, it returns "
    "only the continuation, as the contract says.",
    source=_RUN,
    checked="2026-11-22",
)

TOOL_CHOICE = LLAMACPP_RULES.rule(
    "LCP006",
    "tool_choice `required` or a named function is asked for as JSON by schema, see REQ013",
    why="The server accepts such a choice and may still answer in prose; a JSON schema it does enforce.",
    source="https://github.com/ggml-org/llama.cpp/issues/27217, open on 2026-08-17; " + _RUN,
    checked="2026-11-24",
)

BUDGET = LLAMACPP_RULES.rule(
    "LCP010",
    "where JSON or a forced call is asked for in thinking mode, the thought may have half of max_tokens",
    why="The grammar begins behind the thought, which can take all of max_tokens: the answer is then empty.",
    source=_RUN,
    checked="2026-11-24",
)

MODEL = LLAMACPP_RULES.rule(
    "LCP007",
    "the server does not check the model's name",
    why="It answers with the one model it runs and echoes whatever name was asked. `/v1/models` says what it is.",
    source=_RUN,
    checked="2026-11-24",
)

INLINE = LLAMACPP_RULES.rule(
    "LCP008",
    "reasoning inside the content is split off",
    why="With --reasoning-format none tags come as text. What begins with `<think>` is told from the text; where the server "
    "is known to send reasoning as text, it begins without the tag too, as R1's and V4's does.",
    source=_RUN,
    checked="2026-11-24",
)

LOGPROBS = LLAMACPP_RULES.rule(
    "LCP009",
    "logprobs together with tools are refused",
    why="The server answers 400 to both in a stream, and it is always asked for one (LCP001).",
    source=_RUN,
    checked="2026-11-24",
)

FROM_START = LLAMACPP_RULES.rule(
    "LCP011",
    "where JSON or a forced call is asked for without thinking, the server is told not to look for reasoning",
    why="Its grammar begins behind a thought, so a model that opens one by itself escapes the grammar until `max_tokens`: "
    "2 of 100 answers of the demo model at temperature 0.2, none with `reasoning_format` none.",
    source="llama.cpp b11549, run 2026-11-24",
    checked="2026-11-24",
)
