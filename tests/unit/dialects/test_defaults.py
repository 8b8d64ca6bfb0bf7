"""The contract's defaults, spelled out: length by the way to think, sampling of 1, and the client's own word."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.samples import request

from tidegate.dialects.defaults import (
    as_contract,
    contract_effort,
    contract_length,
    contract_max_tokens,
    contract_sampling,
)

OFF = {"type": "disabled"}


@pytest.mark.parametrize(
    ("asked", "length"),
    [
        ({"thinking": OFF}, 8192),
        ({"thinking": OFF, "reasoning_effort": "max"}, 8192),
        ({"reasoning_effort": "none"}, 8192),
        ({}, 65536),
        ({"reasoning_effort": "xhigh"}, 65536),
        ({"thinking": {"type": "enabled"}, "reasoning_effort": "none"}, 65536),
        ({"reasoning_effort": "max"}, 131072),
        ({"reasoning_effort": "ultra"}, 131072),
    ],
)
def test_a_missing_length_becomes_the_contracts_default(asked: dict[str, Any], length: int) -> None:
    fields: dict[str, Any] = {}
    assert contract_length(request(**asked), fields)
    assert fields == {"max_tokens": length}


@pytest.mark.parametrize(
    ("asked", "effort"),
    [
        ({}, "high"),
        ({"reasoning_effort": "minimal"}, "low"),
        ({"reasoning_effort": "ultra"}, "max"),
        ({"reasoning_effort": "none"}, "off"),
        ({"thinking": OFF, "reasoning_effort": "max"}, "off"),
    ],
)
def test_an_effort_is_the_contracts_word_for_it(asked: dict[str, Any], effort: str) -> None:
    assert contract_effort(request(**asked)) == effort


def test_the_default_length_is_told_whatever_the_client_says() -> None:
    assert contract_max_tokens(request(max_tokens=7)) == 65536
    assert contract_max_tokens(request(max_tokens=7, thinking=OFF)) == 8192


def test_the_clients_length_holds() -> None:
    fields: dict[str, Any] = {"max_tokens": 7}
    assert not contract_length(request(max_tokens=7), fields)
    assert fields == {"max_tokens": 7}


@pytest.mark.parametrize(
    ("asked", "sampled", "applied"),
    [
        ({}, (1, 1), True),
        ({"temperature": 0.1, "top_p": 0.2}, (1, 1), True),
        ({"temperature": 1, "top_p": 1}, (1, 1), False),
        ({"thinking": OFF}, (1, 1), True),
        ({"thinking": OFF, "temperature": 0}, (0, 1), True),
        ({"thinking": OFF, "temperature": 0.1, "top_p": 0.2}, (0.1, 0.2), False),
    ],
)
def test_sampling_is_one_unless_the_client_may_say_otherwise(
    asked: dict[str, Any], sampled: tuple[float, float], applied: bool
) -> None:
    fields = {name: asked[name] for name in ("temperature", "top_p") if name in asked}
    assert contract_sampling(request(**asked), fields) is applied
    assert (fields["temperature"], fields["top_p"]) == sampled


def test_both_are_one_quirk_and_neither_is_skipped() -> None:
    fields: dict[str, Any] = {}
    assert as_contract(request(), fields)
    assert fields == {"max_tokens": 65536, "temperature": 1, "top_p": 1}
    full: dict[str, Any] = {"max_tokens": 7, "temperature": 1, "top_p": 1}
    assert not as_contract(request(**full), full)
