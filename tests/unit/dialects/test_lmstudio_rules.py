"""LM Studio's rules rest on its documentation and bug tracker: none claims that it was run."""

from __future__ import annotations

import re

import pytest

from tidegate.dialects.lmstudio_rules import LMSTUDIO_RULES


@pytest.mark.parametrize("rule", list(LMSTUDIO_RULES), ids=lambda rule: rule.code)
def test_each_rule_names_a_document_or_a_report(rule):
    assert (
        "LM Studio documentation (" in rule.source or "LM Studio documentation, " in rule.source or "#" in rule.source
    )
    assert not re.search(r"\brun\b", rule.source)
