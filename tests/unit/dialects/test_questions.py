"""What each runtime is asked about itself, and the traits that its answers make: recorded ones where it ran."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.core.profile import UNKNOWN_TRAITS, Traits
from tidegate.dialects import DIALECTS, questions
from tidegate.dialects.metadata import CANARY, Question

V4_RENDERED = ["<｜begin▁of▁sentence｜>", "<｜User｜>", "Say", "Ġhi", ".", "<｜Assistant｜>"]
"""vLLM 0.32.0 with DeepSeek's tokenizer mode and tokenizer, run 2026-11-24."""
VLLM_V4: list[tuple[str, Any]] = [
    ("/version", {"version": "0.32.0"}),
    ("/v1/models", {"data": [{"id": "m", "root": "/models/m", "max_model_len": 4096}]}),
    ("/tokenize", {"count": 1, "tokens": [128825], "token_strs": None}),
    ("/tokenize", {"count": 5, "tokens": [30, 28217, 11614, 28217, 32], "token_strs": None}),
    ("/tokenize", {"token_strs": [*V4_RENDERED, "<think>"]}),
    ("/tokenize", {"token_strs": [*V4_RENDERED, "</think>", "The", "Ġriver", "Ġis", "<｜end▁of▁sentence｜>"]}),
]
VLLM_CHATML: list[tuple[str, Any]] = [
    *VLLM_V4[:2],
    ("/tokenize", {"tokens": [7, 8, 9]}),
    ("/tokenize", {"tokens": [7, 8]}),
    ("/tokenize", {"token_strs": ["<|im_start|>", "assistant", "Ċ"]}),
    ("/tokenize", {"token_strs": ["assistant", "Ċ", "The", "Ġriver", "Ġis"]}),
]
LLAMACPP: list[tuple[str, Any]] = [
    ("/props", {"build_info": "b0-unknown", "default_generation_settings": {"n_ctx": 1024}, "total_slots": 2}),
    ("/props", {"build_info": "b0-unknown", "default_generation_settings": {"n_ctx": 1024}, "total_slots": 2}),
    ("/tokenize", {"tokens": [1, 2, 3]}),
    ("/tokenize", {"tokens": [1, 2]}),
    ("/apply-template", {"prompt": "<|im_start|>hi<｜Assistant｜><think>"}),
]
SGLANG: list[tuple[str, Any]] = [
    ("/server_info", {"version": "0.5.23"}),
    ("/v1/models", {"data": [{"id": "m", "max_model_len": 131072}]}),
    ("/model_info", {"model_path": "x", "reasoning_parser": "deepseek-v41", "tool_call_parser": None}),
    ("/tokenize", {"tokens": [128825]}),
    ("/tokenize", {"tokens": [129280]}),
]
OLLAMA: list[tuple[str, Any]] = [
    ("/api/version", {"version": "0.33.0"}),
    ("/api/show", {"capabilities": ["completion", "tools", "insert"]}),
    ("/api/show", {"model_info": {"general.architecture": "deepseek4", "deepseek4.context_length": 163840}}),
    ("/api/ps", {"models": [{"name": "m", "context_length": 32768}]}),
]
LMSTUDIO: list[tuple[str, Any]] = [
    ("/api/v0/models", {"data": [{"id": "m", "arch": "qwen2", "loaded_context_length": 4096}]}),
    ("/api/v0/models", {"data": [{"id": "m", "arch": "qwen2", "loaded_context_length": 4096}]}),
]
TOLD = [
    (
        questions.VLLM,
        VLLM_V4,
        Traits(version="0.32.0", window_tokens=4096, encoding="v4", opens_inside=True, continues=False),
    ),
    (questions.VLLM, VLLM_CHATML, Traits(version="0.32.0", window_tokens=4096, opens_inside=False, continues=True)),
    (questions.LLAMACPP, LLAMACPP, Traits(version="b0-unknown", window_tokens=1024, opens_inside=True)),
    (
        questions.SGLANG,
        SGLANG,
        Traits(version="0.5.23", window_tokens=131072, encoding="v4.1", splits_reasoning=True, parses_calls=False),
    ),
    (questions.OLLAMA, OLLAMA, Traits(version="0.33.0", window_tokens=32768, encoding="v4", infills=True)),
    (questions.LMSTUDIO, LMSTUDIO, Traits(window_tokens=4096)),
]


@pytest.mark.parametrize(("asked", "answers", "traits"), TOLD)
def test_answers_become_traits(asked: tuple[Question, ...], answers: list[tuple[str, Any]], traits: Traits) -> None:
    assert [question.path for question in asked] == [path for path, _ in answers]
    found = UNKNOWN_TRAITS
    for question, (_, answer) in zip(asked, answers, strict=True):
        found = question.read("m", answer, found)
    assert found == traits


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_the_first_question_tells_the_version_where_there_is_one(dialect: Any) -> None:
    """It is asked at each look, to see whether the server has changed."""
    if dialect.questions and dialect.name != "lmstudio":
        first = dialect.questions[0]
        told = {"version": "7", "build_info": "7"}
        assert first.read("m", told, UNKNOWN_TRAITS) == Traits(version="7")
        assert first.body is None


def test_what_is_posted_is_fixed_text_and_the_models_name() -> None:
    for dialect in DIALECTS:
        for question in dialect.questions:
            if question.body is not None:
                body = question.body("NAME")
                texts = [message["content"] for message in body.get("messages", ())]
                assert set(texts) <= {CANARY, "The river is"}
                assert body.get("model", "NAME") == "NAME"
