"""llama.cpp's rules were all run: none rests on what somebody else says of it alone."""

from __future__ import annotations

import pytest

from tidegate.dialects.llamacpp_rules import LLAMACPP_RULES


@pytest.mark.parametrize("rule", list(LLAMACPP_RULES), ids=lambda rule: rule.code)
def test_each_rule_was_run(rule):
    assert "llama.cpp b11549, run 2026-11-2" in rule.source
