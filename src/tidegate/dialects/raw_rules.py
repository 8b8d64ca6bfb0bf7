"""What holds on every raw completion endpoint, whichever runtime it belongs to: the raw path of chats, and completions."""

from __future__ import annotations

from tidegate.core.rulebook import Rule, Rulebook

_RUN = "deepseek-recipe 0.2.0, run 2026-11-24"
RAW_RULES = Rulebook("RAW", "Raw completion endpoints")


def _rule(code: str, title: str, why: str, source: str = _RUN) -> Rule:
    return RAW_RULES.rule(code, title, why=why, source=source, checked="2026-11-24")


RAW = _rule(
    "RAW001",
    "the prompt was written and the answer parsed by deepseek-recipe, over the raw completion endpoint",
    "Templates and parsers of runtimes are where most bugs of V4 and V4.1 live. DeepSeek's own package does both as the "
    "hosted API does, so for a model of that encoding the chat endpoint is passed by where it is known to be wrong. It is "
    "sampled as the contract says, with nothing beside it, and always streamed. Needs the extra `tidegate[raw]`.",
)
MARKERS = _rule(
    "RAW002",
    "control tokens spelled inside messages and tools are broken up with a zero-width space",
    "A server that tokenises a written prompt cannot tell them from real ones: `<｜User｜>` in a text would forge a turn. "
    "The hosted API encodes such text as ordinary text.",
)
BEYOND = _rule(
    "RAW003",
    "images, files and logprobs are refused on the raw path",
    "An image has no place in a text prompt, and logprobs of raw tokens cannot be given to the parts that the parser makes "
    "of them.",
)
STRAY = _rule(
    "RAW004",
    "a tool call in an answer to a request without tools is left out",
    "Models write one now and then. It would reach the client as markup, or as a call that it did not offer.",
    f"vLLM 0.32.0 strips it too, run 2026-11-22; {_RUN}",
)
FORMAT = _rule(
    "RAW005",
    "in thinking mode JSON is asked for by the prompt and not enforced; a schema or regex is refused there",
    "A grammar on a raw endpoint holds from the first token, which is the thought's. Without thinking it is enforced where "
    "the endpoint can, and refused where a schema or regex cannot be.",
)
STOPS = _rule(
    "RAW006",
    "stop strings are found in the answer's text only, by the gateway",
    "Thoughts and tool calls may hold them, and a runtime would stop there. The answer ends where one is found; where the "
    "runtime does not tell counts on the way, its usage is then unknown.",
)
LENGTH = _rule(
    "RAW007",
    "a missing max_tokens becomes the contract's default, or what the window surely leaves",
    "Completion endpoints have defaults of their own, such as 16.",
    "vLLM 0.32.0, run 2026-11-24; SGLang source, read 2026-11-24; DeepSeek create-completion reference, 2026-08-02",
)
EOS = _rule(
    "RAW008",
    "an end-of-sentence token that arrives as text ends the answer",
    "It is not part of what the model said. A server that does not know it as an end goes on behind it.",
    "vLLM 0.32.0 with include_stop_str_in_output, run 2026-11-24",
)
NAMED = _rule(
    "RAW009",
    "the function that tool_choice names is opened in the prompt",
    "So the model can only go on with its arguments. `required` is opened by deepseek-recipe in the same way.",
)
STRICT = _rule(
    "RAW010",
    "strict tools are offered as plain tools: arguments may not follow their schema",
    "No raw endpoint constrains a call in DeepSeek's markup; check arguments before you rely on them.",
)
CACHE = _rule(
    "RAW011",
    "cached tokens are unknown",
    "The endpoint did not report them. Unknown is null, not 0.",
)
ECHO = _rule(
    "RAW012",
    "the prompt of `echo` is put before the text by the gateway; with logprobs it is refused",
    "Runtimes ignore `echo`, refuse it beside a suffix, or do not know it. They do not tell logprobs of a prompt.",
    "vLLM 0.32.0 and llama.cpp b11549, run 2026-11-22 and 2026-11-24; DeepSeek create-completion reference, 2026-08-02",
)
FILLED = _rule(
    "RAW013",
    "fill-in-the-middle is written with DeepSeek's own marks",
    "The model is of an encoding that has them, and nobody knows whether the server heeds a suffix. The order is begin, "
    "prompt, hole, suffix, end, with no begin of sentence before it.",
    "vLLM 0.32.0 (deepseek_v4 renderer), run 2026-11-24; the hosted rendering is not known",
)
STREAMED = _rule(
    "RAW014",
    "a completion is always asked for as a stream; an unstreamed answer is put together by the gateway",
    "Some servers keep generating for a client that left, if they were not asked for a stream.",
    "llama.cpp b11549, run 2026-11-22",
)
