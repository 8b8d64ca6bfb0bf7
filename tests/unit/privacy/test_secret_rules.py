"""The secrets' half of the book comes with the book."""

from __future__ import annotations

from tidegate.privacy import secret_rules
from tidegate.privacy.rules import SECRETS, SENSITIVE


def test_whoever_has_the_book_has_the_secrets() -> None:
    assert SECRETS is secret_rules
    assert SENSITIVE.find(secret_rules.DEEPSEEK) is not None
    assert SENSITIVE.find(secret_rules.DEEPSEEK).title == "DeepSeek API key"  # type: ignore[union-attr]
