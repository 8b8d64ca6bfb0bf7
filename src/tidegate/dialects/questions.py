"""Which questions each runtime answers about itself and its models; how the answers are read stands in `metadata`. Pure.

Sources: vLLM 0.32.0 and llama.cpp b11549, run 2026-11-22 and 2026-11-24; SGLang 0.5.23 and Ollama fb30760 sources and LM
Studio's documentation of 2026-04-29, read and not run.
"""

from __future__ import annotations

from typing import Any

from tidegate.dialects.metadata import (
    CANARY,
    MARKER,
    SYSTEM,
    Body,
    Question,
    architecture,
    continues,
    entry,
    insert_capability,
    opens_inside,
    parsers,
    v4_tokens,
    v41_tokens,
    version,
    window,
)
from tidegate.dialects.spelling import plain_spelling

_CONTINUED = "The river is"
_ASKED: list[dict[str, Any]] = [{"role": "user", "content": CANARY}]
_HALF: list[dict[str, Any]] = [*_ASKED, {"role": "assistant", "content": _CONTINUED}]
_THINKING = {"thinking": True, "enable_thinking": True}


def _tokens_of(text: str) -> Body:
    return lambda model: {"model": model, "prompt": text, "add_special_tokens": False}


def _pieces_of(text: str) -> Body:
    return lambda _model: {"content": text, "parse_special": True, "add_special": False}


VLLM = (
    Question("/version", version("version")),
    Question("/v1/models", entry("data", ("id",), window("max_model_len"))),
    Question("/tokenize", v4_tokens, _tokens_of(MARKER)),
    Question("/tokenize", v41_tokens, _tokens_of(SYSTEM)),
    Question(
        "/tokenize",
        opens_inside("token_strs"),
        lambda model: {
            "model": model,
            "messages": _ASKED,
            "chat_template_kwargs": _THINKING,
            "return_token_strs": True,
        },
    ),
    Question(
        "/tokenize",
        continues(_CONTINUED, "token_strs"),
        lambda model: {
            "model": model,
            "messages": _HALF,
            "continue_final_message": True,
            "add_generation_prompt": False,
            "chat_template_kwargs": {"thinking": False, "enable_thinking": False},
            "return_token_strs": True,
        },
    ),
)

SGLANG = (
    Question("/server_info", version("version")),
    Question("/v1/models", entry("data", ("id",), window("max_model_len"))),
    Question("/model_info", parsers("reasoning_parser", "tool_call_parser")),
    Question("/tokenize", v4_tokens, _tokens_of(MARKER)),
    Question("/tokenize", v41_tokens, _tokens_of(SYSTEM)),
)

LLAMACPP = (
    Question("/props", version("build_info")),
    Question("/props", window("default_generation_settings", "n_ctx")),
    Question("/tokenize", v4_tokens, _pieces_of(MARKER)),
    Question("/tokenize", v41_tokens, _pieces_of(SYSTEM)),
    Question(
        "/apply-template",
        opens_inside("prompt"),
        lambda _model: {"messages": _ASKED, "chat_template_kwargs": {"enable_thinking": True}},
    ),
)

OLLAMA = (
    Question("/api/version", version("version")),
    Question("/api/show", insert_capability, lambda model: {"model": model}),
    Question("/api/show", architecture("model_info", "general.architecture"), lambda model: {"model": model}),
    Question("/api/ps", entry("models", ("name", "model"), window("context_length"), plain_spelling)),
)

LMSTUDIO = (
    Question("/api/v0/models", entry("data", ("id",), window("loaded_context_length"))),
    Question("/api/v0/models", entry("data", ("id",), architecture("arch"))),
)
