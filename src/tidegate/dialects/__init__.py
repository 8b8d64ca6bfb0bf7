"""One file per runtime: how its speech differs from the contract, as numbered quirks. Pure: no socket, no clock."""

from __future__ import annotations

from tidegate.core.rulebook import Rulebook
from tidegate.dialects.base import COMMON, Dialect
from tidegate.dialects.deepseek import DEEPSEEK
from tidegate.dialects.embedded import EMBEDDED
from tidegate.dialects.generic import GENERIC
from tidegate.dialects.llamacpp import LLAMACPP
from tidegate.dialects.lmstudio import LMSTUDIO
from tidegate.dialects.ollama import OLLAMA
from tidegate.dialects.raw_rules import RAW_RULES
from tidegate.dialects.sglang import SGLANG
from tidegate.dialects.transformers_serve import TRANSFORMERS_SERVE
from tidegate.dialects.vllm import VLLM

DIALECTS: tuple[Dialect, ...] = (
    DEEPSEEK, LLAMACPP, OLLAMA, VLLM, SGLANG, LMSTUDIO, TRANSFORMERS_SERVE, EMBEDDED, GENERIC,
)  # fmt: skip
RULEBOOKS: tuple[Rulebook, ...] = (COMMON, RAW_RULES, *(dialect.rules for dialect in DIALECTS))


def dialect_named(name: str) -> Dialect:
    return next(dialect for dialect in DIALECTS if dialect.name == name)
