"""LM Studio's quirks: what its server does otherwise than the contract, and what is refused for that reason.

It is closed source and was not run: each is declared from its documentation or its bug tracker.
"""

from __future__ import annotations

from tidegate.core.rulebook import Rulebook

_BUGS = "lmstudio-ai/lmstudio-bug-tracker"
LMSTUDIO_RULES = Rulebook("LMS", "LM Studio server")

THINKING = LMSTUDIO_RULES.rule(
    "LMS001",
    "thinking is told by reasoning_effort `none`, `low` or `high`; a model without that switch does as it was loaded",
    why="`thinking` and `chat_template_kwargs` are ignored. The effort is heeded since 0.4.17, by models whose template "
    "has a switch; others think or do not think as set in the application. There is no `max`: it is told as `high`.",
    source=f"{_BUGS}#2057 (answer of 2026-06-18), #988, #632; yoy123/lmstudio-copilot-provider#35, 2026-07-14",
    checked="2026-11-24",
)

REASONING = LMSTUDIO_RULES.rule(
    "LMS002",
    "reasoning arrives as `reasoning` or inside `<think>` and becomes `reasoning_content`",
    why="gpt-oss models answer with `reasoning`, others with `reasoning_content` if the developer settings say so, else "
    "inline. In a stream, reasoning whose `<think>` stood in the prompt cannot be told from text: set it in LM Studio.",
    source="LM Studio documentation (0.3.9 and 0.3.23 changes), 2026-04-29",
    checked="2026-11-24",
)

DEFAULTS = LMSTUDIO_RULES.rule(
    "LMS003",
    "max_tokens, temperature and top_p are sent as the contract has them by default; top_k and min_p stay as set there",
    why="The server's default length is unlimited and its sampling is the application's. The contract has no word for "
    "top_k and min_p, and which value switches them off is not documented.",
    source="LM Studio documentation (chat completions), 2026-04-29; DeepSeek create-chat-completion reference, 2026-08-27",
    checked="2026-11-24",
)

JSON = LMSTUDIO_RULES.rule(
    "LMS004",
    "json_object is sent as the JSON schema of any object; a model asked for JSON does not think",
    why="The server takes `json_schema` and `text` only, and constrains the answer from its first token.",
    source=f"{_BUGS}#189, #575",
    checked="2026-11-24",
)

REFUSED = LMSTUDIO_RULES.rule(
    "LMS005",
    "Chat Prefix Completion, logprobs and a regex as response format are refused",
    why="A trailing assistant message is not documented to be continued, the chat endpoint answers logprobs with null, "
    "and there is no such format. A model of a known encoding has its prefix continued on the raw path (RAW001).",
    source=f"LM Studio documentation, 2026-04-29; {_BUGS}#619, #189",
    checked="2026-11-24",
)

TOOL_CHOICE = LMSTUDIO_RULES.rule(
    "LMS006",
    "tool_choice `required` or a named function is asked for as JSON by schema, see REQ013",
    why="The server takes `required` and enforces it for GGUF models only, and answers 400 to a named function. A JSON "
    "schema holds for GGUF and MLX models.",
    source=f"{_BUGS}#670; LM Studio documentation (tool use), 2026-04-29",
    checked="2026-11-24",
)

MODEL = LMSTUDIO_RULES.rule(
    "LMS007",
    "an answer of another model than the one asked for is refused",
    why="With one model loaded the server answers any name with it; the answer's `model` says which one spoke.",
    source=f"{_BUGS}#619, #366; NousResearch/hermes-agent#64742 (0.4.19), 2026-07-15",
    checked="2026-11-24",
)

OVERFLOW = LMSTUDIO_RULES.rule(
    "LMS008",
    "a prompt beyond the window is told in the contract's words, although the server answers it with 200",
    why="The error stands inside the stream, as `event: error`.",
    source=f"{_BUGS}#2322 (0.4.21), 2026-08-25; texts: #1806, #546, #2339",
    checked="2026-11-24",
)
