"""The sentence model's forward pass, against two others: PyTorch's (recorded) and plain loops in double precision."""

from __future__ import annotations

import itertools
import math
from operator import mul
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tidegate.privacy.slow.embedding import OVERLAP_TOKENS, WINDOW_TOKENS, Embedder, gelu

# The first values of what transformers 5.24.0 (BertModel in double precision, PyTorch 2.13.0 on a CPU) gives for the same
# weights and tokenizer, mean over all tokens, length 1; made on 2026-11-24.
RECORDED = {
    "My social security number is on this form": (-0.0979397, 0.0395140, -0.0285274, -0.0144539, -0.0258259, 0.0752586),
    "Here are my tax identification details": (0.0031259, 0.0056393, 0.0468948, -0.0017043, -0.0033339, 0.0135476),
    "What is the best pasta recipe?": (-0.1230848, -0.0249610, -0.0128394, 0.0513057, -0.0376366, 0.0166914),
    "甲方将房屋出租给乙方": (-0.0818795, 0.0981232, 0.0480101, -0.0179179, -0.0126827, 0.0474334),
    "The tenant shall pay the rent on the first working day of each month, and the landlord shall keep the roof tight. "
    * 5: (-0.0375635, 0.0807006, -0.0028550, 0.0215616, -0.0419782, -0.0311387),
}


@pytest.fixture(scope="module")
def embedder(sentence_model: tuple[Path, Path]) -> Embedder:
    return Embedder(*sentence_model)


@pytest.mark.parametrize("text", RECORDED, ids=range(len(RECORDED)))
def test_the_same_vector_as_pytorch(embedder: Embedder, text: str) -> None:
    assert embedder.embed(text)[:6] == pytest.approx(RECORDED[text], abs=2e-6)


def test_related_texts_are_near_and_others_are_not(embedder: Embedder) -> None:
    number, tax, pasta = (embedder.embed(text) for text in list(RECORDED)[:3])
    assert float(number @ tax) == pytest.approx(0.40, abs=0.005)
    assert float(number @ pasta) == pytest.approx(0.07, abs=0.005)


def test_vectors_have_length_one_and_do_not_change(embedder: Embedder) -> None:
    for text in ("a", "Tides", "潮汐", "x" * 50):
        vector = embedder.embed(text)
        assert vector.shape == (384,) and vector.dtype == np.float32
        assert float(vector @ vector) == pytest.approx(1.0, abs=1e-5)
        assert (embedder.embed(text) == vector).all()


def test_case_does_not_matter_and_order_does(embedder: Embedder) -> None:
    assert (embedder.embed("The Tenant Pays") == embedder.embed("the tenant pays")).all()
    assert float(embedder.embed("dog bites man") @ embedder.embed("man bites dog")) < 0.999


def test_windows_cover_the_text_and_overlap(embedder: Embedder) -> None:
    words = [f"word{number}" for number in range(500)]
    text = "  " + " ".join(words) + "  "
    windows = [(start, end) for start, end, _ in embedder.windows(text)]
    assert windows[0][0] == 2 and windows[-1][1] == len(text) - 2
    assert all(later[0] < earlier[1] for earlier, later in itertools.pairwise(windows))
    assert all(text[start:end].strip() == text[start:end] for start, end in windows)
    assert 0 < OVERLAP_TOKENS < WINDOW_TOKENS


def test_a_short_text_is_one_window_and_none_is_none(embedder: Embedder) -> None:
    ((start, end, vector),) = embedder.windows(" 潮汐 ebb ")
    assert (start, end) == (1, 7)
    assert (vector == embedder.embed("潮汐 ebb")).all()
    assert list(embedder.windows(" \n ")) == []


def test_gelu_is_the_exact_one() -> None:
    xs = np.linspace(-8, 8, 4001, dtype=np.float32)
    exact = [x / 2 * (1 + math.erf(x / math.sqrt(2))) for x in xs.tolist()]
    assert np.abs(gelu(np, xs) - exact).max() < 1e-6


# -- plain loops -------------------------------------------------------------------------------------------------------


def dot(a: list[float], b: list[float]) -> float:
    return sum(map(mul, a, b))


class Loops:
    """The same model written down once more, token by token, without a matrix library."""

    def __init__(self, weights: dict[str, Any]) -> None:
        self.w = weights

    def get(self, name: str) -> Any:
        return self.w[name].tolist()

    def dense(self, rows: list[list[float]], name: str) -> list[list[float]]:
        matrix, bias = self.get(name + ".weight"), self.get(name + ".bias")
        return [[dot(line, row) + offset for line, offset in zip(matrix, bias, strict=True)] for row in rows]

    def norm(self, rows: list[list[float]], name: str) -> list[list[float]]:
        scale, shift = self.get(name + ".weight"), self.get(name + ".bias")
        normed = []
        for row in rows:
            mean = sum(row) / len(row)
            deviation = math.sqrt(sum((x - mean) ** 2 for x in row) / len(row) + 1e-12)
            normed.append([(x - mean) / deviation * a + b for x, a, b in zip(row, scale, shift, strict=True)])
        return normed

    def add(self, a: list[list[float]], b: list[list[float]]) -> list[list[float]]:
        return [[x + y for x, y in zip(one, other, strict=True)] for one, other in zip(a, b, strict=True)]

    def attend(self, rows: list[list[float]], name: str) -> list[list[float]]:
        query, key, value = (self.dense(rows, f"{name}.{part}") for part in ("query", "key", "value"))
        mixed: list[list[float]] = [[] for _ in rows]
        for head in range(12):
            part = slice(32 * head, 32 * head + 32)
            for place, asking in enumerate(query):
                powers = [math.exp(dot(asking[part], asked[part]) / math.sqrt(32)) for asked in key]
                shares = [power / sum(powers) for power in powers]
                mixed[place] += [dot(shares, list(column)) for column in zip(*(v[part] for v in value), strict=True)]
        return mixed

    def vector(self, ids: list[int]) -> list[float]:
        word, place = self.w["embeddings.word_embeddings.weight"], self.get("embeddings.position_embeddings.weight")
        kind = self.get("embeddings.token_type_embeddings.weight")[0]
        rows = [
            [x + y + z for x, y, z in zip(word[token].tolist(), place[at], kind, strict=True)]
            for at, token in enumerate(ids)
        ]
        rows = self.norm(rows, "embeddings.LayerNorm")
        for layer in range(6):
            at = f"encoder.layer.{layer}"
            attended = self.dense(self.attend(rows, f"{at}.attention.self"), f"{at}.attention.output.dense")
            rows = self.norm(self.add(rows, attended), f"{at}.attention.output.LayerNorm")
            wide = self.dense(rows, f"{at}.intermediate.dense")
            wide = [[x / 2 * (1 + math.erf(x / math.sqrt(2))) for x in row] for row in wide]
            rows = self.norm(self.add(rows, self.dense(wide, f"{at}.output.dense")), f"{at}.output.LayerNorm")
        mean = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        length = math.sqrt(dot(mean, mean))
        return [x / length for x in mean]


def test_the_same_vector_as_plain_loops(embedder: Embedder) -> None:
    ids = embedder._tokenizer.encode("tides", add_special_tokens=False).ids
    loops = Loops(embedder._w).vector([101, *ids, 102])
    assert np.abs(embedder.embed("tides") - np.array(loops)).max() < 2e-6
