"""Sentence embeddings by all-MiniLM-L6-v2, in numpy: a text becomes a unit vector, and near vectors are like texts.

Runs in a worker process or in `tidegate policy calibrate`. The weights are files that `backends/model_file` has verified.
The forward pass is BERT's (six layers, twelve heads of 32), with the mean over all tokens at its end, as the model's own
configuration says (revision 1110a243, read 2026-11-24).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

LAYERS = 6
HEADS = 12
HIDDEN = 384
EPSILON = 1e-12
# The model was trained on sequences of 128 tokens; a window leaves room for the two marks around it.
WINDOW_TOKENS = 126
OVERLAP_TOKENS = 30

MISSING = "[[privacy.examples]] needs {package}: run `pip install 'tidegate[examples]'`"

# An array of numpy's; the package may be missing, so its types cannot stand here.
Array = Any


class Embedder:
    """Loads the model at once; raises ModuleNotFoundError where a package is missing."""

    def __init__(self, weights: Path, tokenizer: Path) -> None:
        # Before numpy is imported: on a busy machine its threads wait for each other by spinning, which made a window cost
        # fifty times as much (measured 2026-11-24).
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        self._np: Any = import_module("numpy")
        self._tokenizer: Any = import_module("tokenizers").Tokenizer.from_file(str(tokenizer))
        # The file asks for truncation and padding to 128; windows are cut here instead, so that nothing is left unread.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._w: dict[str, Array] = import_module("safetensors.numpy").load_file(str(weights))
        self._start: int = self._tokenizer.token_to_id("[CLS]")
        self._end: int = self._tokenizer.token_to_id("[SEP]")

    def windows(self, text: str) -> Iterator[tuple[int, int, Array]]:
        """(start, end, vector) of overlapping windows; none for a text without a token."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        ids, offsets = encoding.ids, encoding.offsets
        first = 0
        while first < len(ids):
            last = min(first + WINDOW_TOKENS, len(ids))
            yield offsets[first][0], offsets[last - 1][1], self.vector(ids[first:last])
            if last == len(ids):
                return
            # The last window is a whole one too: a short rest would be hard to judge.
            first = min(last - OVERLAP_TOKENS, len(ids) - WINDOW_TOKENS)

    def embed(self, text: str) -> Array:
        """The vector of a short text: of its first window."""
        return self.vector(self._tokenizer.encode(text, add_special_tokens=False).ids[:WINDOW_TOKENS])

    def vector(self, ids: list[int]) -> Array:
        np, w = self._np, self._w
        tokens = [self._start, *ids, self._end]
        x = (
            w["embeddings.word_embeddings.weight"][tokens]
            + w["embeddings.position_embeddings.weight"][: len(tokens)]
            + w["embeddings.token_type_embeddings.weight"][0]
        )
        x = self._norm(x, "embeddings.LayerNorm")
        for layer in range(LAYERS):
            x = self._layer(x, f"encoder.layer.{layer}.")
        mean = x.mean(axis=0)
        return mean / np.sqrt((mean * mean).sum())

    def _layer(self, x: Array, at: str) -> Array:
        x = self._norm(
            x + self._dense(self._attention(x, at + "attention.self."), at + "attention.output.dense"),
            at + "attention.output.LayerNorm",
        )
        wide = gelu(self._np, self._dense(x, at + "intermediate.dense"))
        return self._norm(x + self._dense(wide, at + "output.dense"), at + "output.LayerNorm")

    def _attention(self, x: Array, at: str) -> Array:
        np = self._np
        query, key, value = (
            self._dense(x, at + name).reshape(len(x), HEADS, HIDDEN // HEADS).swapaxes(0, 1)
            for name in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(1, 2) / np.float32((HIDDEN // HEADS) ** 0.5)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights = scores / scores.sum(axis=-1, keepdims=True)
        return (weights @ value).swapaxes(0, 1).reshape(len(x), HIDDEN)

    def _dense(self, x: Array, at: str) -> Array:
        return x @ self._w[at + ".weight"].T + self._w[at + ".bias"]

    def _norm(self, x: Array, at: str) -> Array:
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        return centred / self._np.sqrt(variance + EPSILON) * self._w[at + ".weight"] + self._w[at + ".bias"]


def gelu(np: Any, x: Array) -> Array:
    """x/2 * (1 + erf(x/sqrt 2)), exact as in the model, not its usual tanh approximation; numpy itself has no erf.

    erf by formula 7.1.26 of Abramowitz and Stegun, wrong by less than 1.5e-7: as much as float32 itself.
    """
    z = np.abs(x) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * z)
    terms = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
    series = np.zeros_like(t)
    for factor in reversed(terms):
        series = (series + np.float32(factor)) * t
    erf = np.sign(x) * (1 - series * np.exp(-z * z))
    return 0.5 * x * (1 + erf)
