"""Looking things up in a contract: models, efforts, limits, texts, defaults and hidden tokens of each date."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.samples import request

from tidegate.catalog.contracts import PROFILES, Contract, contract_named
from tidegate.core.errors import UnknownModel

PREVIEW, GA, V41 = (contract_named(profile) for profile in PROFILES)


def test_models_of_each_date_with_the_default_first() -> None:
    assert [list(one.models) for one in (PREVIEW, GA, V41)] == [
        ["deepseek-v4-flash", "deepseek-v4-pro"],
        ["deepseek-v4-flash", "deepseek-v4-pro"],
        ["deepseek-flash", "deepseek-v4-pro"],
    ]
    flash = V41.models["deepseek-flash"]
    assert (flash.encoding, flash.context_tokens, flash.inputs) == ("v4.1", 1_048_576, ("text", "image"))
    assert PREVIEW.models["deepseek-v4-pro"].encoding == "v4-preview"


def test_each_model_takes_so_many_requests_at_once() -> None:
    assert dict(contract_named("2026-09-v41").concurrency) == {"deepseek-flash": 2500, "deepseek-v4-pro": 500}


def test_legacy_names_keep_the_thinking_that_they_meant() -> None:
    assert {name: (one.model, one.thinking) for name, one in V41.legacy_names.items()} == {
        "deepseek-chat": ("deepseek-flash", "disabled"),
        "deepseek-reasoner": ("deepseek-flash", "enabled"),
        "deepseek-v4-flash": ("deepseek-flash", None),
        "deepseek-v4-flash-vision-exp": ("deepseek-flash", None),
    }
    assert all(
        one.model in contract.models for contract in (PREVIEW, GA, V41) for one in contract.legacy_names.values()
    )


@pytest.mark.parametrize(
    ("contract", "asked", "becomes"),
    [
        (PREVIEW, "low", "high"), (PREVIEW, "xhigh", "max"), (PREVIEW, "none", None), (PREVIEW, "ultra", None),
        (GA, "low", "low"), (GA, "xhigh", "high"), (GA, "none", "off"), (V41, "minimal", "low"), (V41, "ultra", "max"),
    ],
)  # fmt: skip
def test_what_an_effort_becomes(contract: Contract, asked: str, becomes: str | None) -> None:
    assert contract.efforts.get(asked) == becomes


def test_ranges_and_their_open_ends() -> None:
    top_p, temperature = V41.limits["top_p"], V41.limits["temperature"]
    assert [top_p.holds(value) for value in (0, 1e-9, 1, 1.1)] == [False, True, True, False]
    assert [temperature.holds(value) for value in (-0.1, 0, 2, 2.1)] == [False, True, True, False]


def test_a_mistake_has_the_hosted_text_with_its_fields_filled() -> None:
    error = V41.mistake("tool_name_long", index=3, most=128, length=129)
    assert error.message == (
        "Invalid 'tools[3].function.name': string too long. Expected a string with maximum length 128, "
        "but got a string with length 129 instead."
    )
    assert "reasoning_not_passed_back" not in PREVIEW.rules
    assert "reasoning_not_passed_back" in GA.rules


def test_the_unknown_model_text_of_each_date() -> None:
    error = PREVIEW.unknown_model("deepseek-chat")
    assert isinstance(error, UnknownModel)
    assert error.message == (
        "The supported API model names are deepseek-v4-pro or deepseek-v4-flash, but you passed deepseek-chat."
    )
    assert V41.unknown_model("x").message == (
        "The supported API model names are deepseek-flash, deepseek-v4-pro, but you passed x."
    )
    assert (
        V41.unknown_model("x", ("auto", "m")).message == "The supported API model names are auto, m, but you passed x."
    )


@pytest.mark.parametrize(
    ("contract", "fields", "effort"),
    [
        (V41, {}, "high"),
        (V41, {"thinking": {"type": "disabled"}, "reasoning_effort": "max"}, "off"),
        (V41, {"reasoning_effort": "none"}, "off"),
        (V41, {"reasoning_effort": "none", "thinking": {"type": "enabled"}}, "high"),
        (V41, {"reasoning_effort": "minimal"}, "low"),
        (V41, {"reasoning_effort": "xhigh"}, "high"),
        (PREVIEW, {"reasoning_effort": "low"}, "high"),
        (PREVIEW, {"reasoning_effort": "xhigh"}, "max"),
    ],
)
def test_the_profile_decides_what_becomes_of_the_effort_of_a_request(
    contract: Contract, fields: dict[str, Any], effort: str
) -> None:
    assert contract.applied_effort(request(**fields)) == effort


def test_default_output_lengths() -> None:
    assert V41.default_max_tokens(thinks=False, effort="max") == 8192
    assert V41.default_max_tokens(thinks=True, effort="high") == 65_536
    assert V41.default_max_tokens(thinks=True, effort="max") == 131_072


def test_hidden_prompt_tokens_by_encoding_and_effort() -> None:
    assert [PREVIEW.hidden_tokens("v4-preview", effort) for effort in ("high", "max")] == [0, 79]
    assert [V41.hidden_tokens("v4", effort) for effort in ("low", "high", "max")] == [0, 79, 92]
    assert [V41.hidden_tokens("v4.1", effort) for effort in ("low", "high", "max")] == [26, 26, 26]


def test_errors_and_cache_parameters_load_for_each_date() -> None:
    for contract in (PREVIEW, GA, V41):
        assert contract.errors["no_key"].body == "text"
        assert contract.errors["unknown_path"].body == "empty"
        assert contract.cache.block_tokens == 128
        assert contract.value("queue", "close_after_s") == 600


@pytest.mark.parametrize(
    ("field", "asked", "model", "thinks", "tools", "becomes"),
    [
        ("temperature", 0.3, "deepseek-flash", True, False, 1.0),
        ("temperature", 0.3, "deepseek-flash", False, False, 0.3),
        ("top_p", 0.5, "deepseek-flash", True, False, 0.95),
        ("top_p", 0.97, "deepseek-flash", True, True, 0.97),
        ("top_p", 0.3, "deepseek-flash", False, False, 1.0),
        ("top_p", 0.3, "deepseek-v4-pro", True, False, 1.0),
        ("top_p", 0.3, "deepseek-v4-pro", True, True, 0.95),
        ("top_p", 0.3, "deepseek-v4-pro", False, True, 0.3),
    ],
)
def test_what_becomes_of_a_sampling_parameter(
    field: str, asked: float, model: str, thinks: bool, tools: bool, becomes: float
) -> None:
    assert V41.sampled(field, asked, model=model, thinks=thinks, tools=tools) == becomes


def test_before_september_thinking_fixed_both() -> None:
    assert GA.sampled("top_p", 0.5, model="deepseek-v4-flash", thinks=True, tools=True) == 1.0
    assert GA.sampled("top_p", 0.5, model="deepseek-v4-flash", thinks=False, tools=False) == 0.5
