"""vLLM's quirks: what its server does otherwise than the contract, and what is refused for that reason. Each says whether
it was run or read.
"""

from __future__ import annotations

from tidegate.core.rulebook import Rule, Rulebook

VLLM_RULES = Rulebook("VLL", "vLLM")
_RUN = "vLLM 0.32.0, run 2026-11-22"
_READ = "vLLM 0.32.0 source, 2026-11-24"


def _rule(code: str, title: str, why: str, source: str = _RUN) -> Rule:
    return VLLM_RULES.rule(code, title, why=why, source=source, checked=source[-10:])


STREAM = _rule(
    "VLL001",
    "always asked for a stream; an unstreamed answer is put together by the gateway",
    "A call that max_tokens cut comes back unstreamed as `{}` with tool_calls, ready to be executed; only the stream says "
    "`length`. A whole answer with an empty call, from something between us and the server, is refused.",
)
THINKING = _rule(
    "VLL002",
    "thinking is switched by chat_template_kwargs, always explicitly; effort is named only while it is on",
    "The field `thinking` is ignored. Templates know `thinking` or `enable_thinking`, so both are sent. Effort max keeps "
    "thinking on whatever the switch says, and medium means less than in the contract, so efforts are mapped.",
)
SAMPLING = _rule(
    "VLL003",
    "temperature and top_p are 1 unless asked otherwise, always in thinking mode; the contract has no other sampling",
    "The server takes what is not said, top_k and penalties too, from the model's generation_config.",
    _READ,
)
LENGTH = _rule(
    "VLL004",
    "a missing max_tokens becomes the contract's default or the context window, whichever is less; without a known window "
    "it stays missing",
    "The server answers 400 to max_tokens beyond its window, and the contract's default (8,192, in thinking mode 65,536 or "
    "131,072) may be. Prompt and max_tokens together may exceed it: the answer is then cut at the window.",
)
PREFIX = _rule(
    "VLL005",
    "Chat Prefix Completion is refused while nothing is known of the model",
    "In DeepSeek's tokenizer modes the text is closed and answered again, with or without continue_final_message: a wrong "
    "answer that looks right. A model of a known encoding goes the raw path (RAW001), one that was seen to be continued is "
    "told so (VLL015).",
    f"https://github.com/vllm-project/vllm/issues/46256; {_RUN}",
)
REASONING = _rule(
    "VLL006",
    "reasoning arrives as `reasoning` and is renamed to `reasoning_content`",
    "vLLM removed the contract's name from its output in early 2026; on input it still knows it.",
)
ANSWER = _rule(
    "VLL007",
    "an answer that arrived as reasoning although thinking was off is moved to the content",
    "The R1 parser takes all before `</think>` for reasoning, also when the prompt has closed it and none comes. With "
    "thinking off, reasoning is held back until content follows or the answer ends.",
)
INLINE = _rule(
    "VLL008",
    "reasoning inside the content is split off",
    "Without --reasoning-parser tags come as text. R1 and V4 do not write `<think>`, so their reasoning can be told in a "
    "stream only where the server is known to have no parser; else only what begins with the tag.",
)
TOOLS = _rule(
    "VLL009",
    "tools are refused by a server without a tool parser",
    "It needs --enable-auto-tool-choice and --tool-call-parser; another candidate may have them.",
    _READ,
)
NAMED = _rule(
    "VLL010",
    "a call of the function that tool_choice names ends with tool_calls",
    "The server ends it with `stop`; the contract ends any call with tool_calls.",
)
LONE_CHOICE = _rule(
    "VLL011", "tool_choice without tools is not sent", "The contract ignores it, the server answers 400.", _READ
)
JSON = _rule(
    "VLL012",
    "JSON mode holds by grammar only: the model is not told of it",
    "The V4 prompt does not mention response_format, and the grammar allows whitespace without end.",
)
CACHE = _rule(
    "VLL013",
    "cached tokens are unknown",
    "The server counts them only with --enable-prompt-tokens-details. Unknown is null, not 0.",
)
STRICT_CALLS = _rule(
    "VLL014",
    "forced tools are sent with `strict`",
    "A forced call is always made, but without `function.strict` its arguments are any JSON object, schema or not.",
    "vLLM 0.32.0, run 2026-11-24",
)

CONTINUED = _rule(
    "VLL015",
    "a prefix is sent with continue_final_message, where the model was seen to be continued; not one with reasoning",
    "Templates of other models than DeepSeek's newest are cut off behind the text. They lose the reasoning beside it.",
)

CUT = _rule(
    "VLL016",
    "a call that max_tokens cut stays open",
    "DeepSeek's V4 parser closes the arguments in the stream's last chunk, and sends `{}` for a call cut before its first "
    "one. The closing brace is taken back, so that nothing parses what the model did not finish.",
    "vLLM 0.32.0, run 2026-11-24",
)
