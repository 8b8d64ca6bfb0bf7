"""A logits processor that makes vLLM say exactly what the prompt holds between `[say:` and `]`, in base64.

Loaded by vLLM in its own environment. So a test decides the model's raw output, byte for byte, through any gateway: a
foreign request field would not survive one, the prompt must. Base64, because a parser that finds `</think>` in the
prompt takes the reasoning for closed. Prompts without it stay with the random weights.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import torch
from transformers import AutoTokenizer
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor, MoveDirectionality

if TYPE_CHECKING:
    from vllm.config import VllmConfig

_SCRIPT = re.compile(r"\[say:([A-Za-z0-9+/=]*)\]")


class Scripted(LogitsProcessor):
    """Per slot of the batch: the ids to say, and vLLM's own growing list of those said."""

    def __init__(self, vllm_config: VllmConfig, device: torch.device, is_pin_memory: bool) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(vllm_config.model_config.tokenizer)
        self._slots: dict[int, tuple[list[int], list[int]]] = {}

    def is_argmax_invariant(self) -> bool:
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        if batch_update is None:
            return
        for slot in batch_update.removed:
            self._slots.pop(slot, None)
        for slot, _, prompt, said in batch_update.added:
            self._put(slot, self._script(prompt or [], said))
        for source, target, direction in batch_update.moved:
            moved, replaced = self._slots.pop(source, None), self._slots.pop(target, None)
            self._put(target, moved)
            if direction == MoveDirectionality.SWAP:
                self._put(source, replaced)

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        for slot, (script, said) in self._slots.items():
            wanted = script[min(len(said), len(script) - 1)]
            logits[slot] = float("-inf")
            logits[slot, wanted] = 0.0
        return logits

    def _put(self, slot: int, script: tuple[list[int], list[int]] | None) -> None:
        self._slots.pop(slot, None)
        if script is not None:
            self._slots[slot] = script

    def _script(self, prompt: list[int], said: list[int]) -> tuple[list[int], list[int]] | None:
        found = _SCRIPT.findall(self._tokenizer.decode(prompt))
        if not found:
            return None
        text = base64.b64decode(found[-1]).decode()
        return [*self._tokenizer.encode(text, add_special_tokens=False), self._tokenizer.eos_token_id], said
