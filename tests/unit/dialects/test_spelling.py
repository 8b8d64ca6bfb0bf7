from __future__ import annotations

import pytest

from tidegate.dialects.spelling import plain_spelling


@pytest.mark.parametrize(
    ("model", "plain"),
    [
        ("qwen3", "qwen3:latest"),
        ("qwen3:latest", "qwen3:latest"),
        ("Qwen3:8B", "qwen3:8b"),
        ("qwen3:8b:local", "qwen3:8b"),
        ("qwen3:local", "qwen3:latest"),
        ("registry.ollama.ai/library/qwen3", "qwen3:latest"),
        ("library/qwen3", "qwen3:latest"),
        ("host:5000/me/mine", "host:5000/me/mine:latest"),
        (" me/mine:x ", "me/mine:x"),
    ],
)
def test_two_spellings_of_one_model_are_one(model, plain):
    assert plain_spelling(model) == plain
