"""SGLang's rules say that nobody ran them: they are declared until somebody does."""

from __future__ import annotations

import pytest

from tidegate.dialects.sglang_rules import SGLANG_RULES


@pytest.mark.parametrize("rule", list(SGLANG_RULES), ids=lambda rule: rule.code)
def test_each_rule_says_what_was_read_and_that_it_was_not_run(rule):
    assert rule.source.startswith("SGLang 0.5.23 source, not run")
