"""Ollama's `/api/generate`: its `raw` mode, and its infilling. Read at source fb30760 (v0.33.0-rc2), 2026-08-21, not run."""

from __future__ import annotations

from dataclasses import replace

import orjson

from tidegate.codecs import ndjson
from tidegate.codecs.ollama_chat.generate import GenerateDecoder, answer_milestones, decode_answer
from tidegate.core.profile import Traits
from tidegate.core.requests import ChatRequest
from tidegate.dialects.ollama_home import plain_name
from tidegate.dialects.ollama_rules import LOCAL
from tidegate.dialects.raw import Ask, TextEndpoint
from tidegate.dialects.readers import Fields, Wire

LINES = Wire("ollama_generate", GenerateDecoder, decode_answer, answer_milestones, framing=ndjson.Decoder)
_PLAIN = {"top_k": 0, "min_p": 0, "repeat_penalty": 1, "frequency_penalty": 0, "presence_penalty": 0}
_SEEDS = 2**31


def write(ask: Ask) -> Fields:
    """`think` is said: otherwise a model that can think gets its `<think>` taken out, raw or not."""
    options: Fields = {**_PLAIN, "num_predict": ask.most, "temperature": ask.temperature, "top_p": ask.top_p}
    if ask.seed is not None:
        options["seed"] = ask.seed % _SEEDS
    if ask.stop:
        options["stop"] = list(ask.stop)
    fields: Fields = {
        "model": ask.model,
        "prompt": ask.prompt,
        "raw": ask.suffix is None,
        "think": False,
        "stream": True,
        "truncate": False,
        "shift": False,
        "options": options,
    }
    if ask.suffix is not None:
        fields["suffix"] = ask.suffix
    if ask.logprobs is not None:
        fields |= {"logprobs": True, "top_logprobs": ask.logprobs}
    if ask.constraint is not None:
        fields["format"] = orjson.loads(ask.constraint.pattern) if ask.constraint.pattern else "json"
    return fields


_INFILLS = TextEndpoint(path="/api/generate", wire=LINES, write=write)
GENERATE = replace(
    _INFILLS,
    infill=_INFILLS,
    formats=frozenset({"json"}),
    on_chunk=((LOCAL, plain_name),),
)


def chat_is_wrong(_request: ChatRequest, _traits: Traits) -> bool:
    """Its template of an imported V4 knows no effort, its parser no V4 call, and nothing forces a tool."""
    return True
