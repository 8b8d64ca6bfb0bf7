"""A finding is named by its rule, or by the operator's own word."""

from __future__ import annotations

from tidegate.core.findings import Finding


def test_our_rules_are_named_by_code_and_the_operators_by_their_names() -> None:
    assert Finding("SEN001", "personal", 0, 4).tag == "SEN001"
    assert Finding("SEN070", "term", 0, 4, label="falcon").tag == "term:falcon"
    assert Finding("SEN090", "example", 0, 4, label="contracts").tag == "example:contracts"
