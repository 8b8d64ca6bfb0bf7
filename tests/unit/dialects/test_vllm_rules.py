"""vLLM's rules say which of them were run and which were read; none says neither."""

from __future__ import annotations

import re

import pytest

from tidegate.dialects.vllm_rules import VLLM_RULES


@pytest.mark.parametrize("rule", list(VLLM_RULES), ids=lambda rule: rule.code)
def test_each_rule_says_which_version_was_run_or_read_and_when_last(rule):
    assert re.search(r"vLLM 0\.32\.0(, run| source,) 2026-11-2\d$", rule.source)
    assert rule.source.endswith(rule.checked)


def test_what_was_only_read_is_what_no_request_of_ours_showed():
    assert {rule.code for rule in VLLM_RULES if "run" not in rule.source} == {"VLL003", "VLL009", "VLL011"}
