"""Keys by the prefix of who gave them. Put together here, so that no scanner of repositories takes them for real."""

from __future__ import annotations

import random
import string

import pytest

from tidegate.privacy import secret_rules as rules
from tidegate.privacy.patterns.keys import entropy

_RANDOM = random.Random(5)
_LETTERS = string.ascii_letters + string.digits


def letters(count: int, alphabet: str = _LETTERS) -> str:
    return "".join(_RANDOM.choice(alphabet) for _ in range(count - 1)) + "7"


HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits
KEYS = [
    (rules.DEEPSEEK, "sk-", letters(32, HEX)),
    (rules.OPENAI, "sk-proj-", letters(48)),
    (rules.OPENAI, "sk-", letters(48)),
    (rules.ANTHROPIC, "sk-ant-api03-", letters(93)),
    (rules.GOOGLE, "AIza", letters(35)),
    (rules.GOOGLE, "GOCSPX-", letters(28)),
    (rules.HUGGING_FACE, "hf_", letters(34)),
    (rules.GITHUB, "ghp_", letters(36)),
    (rules.GITHUB, "github_pat_", letters(22) + "_" + letters(59)),
    (rules.GITLAB, "glpat-", letters(20)),
    (rules.SLACK, "xoxb-", "123456789012-" + letters(24)),
    (rules.SLACK, "hooks.slack.com/services/", f"T{letters(8, UPPER)}/B{letters(8, UPPER)}/{letters(24)}"),
    (rules.STRIPE, "sk_live_", letters(24)),
    (rules.AWS, "AKIA", letters(16, UPPER)),
    (rules.ALIYUN, "LTAI", letters(20)),
    (rules.TENCENT, "AKID", letters(32)),
    (rules.REGISTRY, "npm_", letters(36)),
    (rules.REGISTRY, "pypi-", letters(120)),
    (rules.MESSAGING, "SG.", letters(22) + "." + letters(43)),
    (rules.PROVIDER, "gsk_", letters(52)),
    (rules.PROVIDER, "r8_", letters(37)),
    (rules.PROVIDER, "dop_v1_", letters(64, HEX)),
    (rules.AZURE, "abc8Q~", letters(34)),
    (rules.PRIVATE_KEY, "AGE-SECRET-KEY-1", letters(58, UPPER)),
]


@pytest.mark.parametrize(("code", "prefix", "rest"), KEYS, ids=[prefix for _, prefix, _ in KEYS])
@pytest.mark.parametrize("around", ["{}", "用这个{}，谢谢", '"{}"', "see {}.", "\\n{}\\n", "k={};"])
def test_keys_by_their_prefix(finds, code: str, prefix: str, rest: str, around: str) -> None:
    assert finds(around.format(prefix + rest)) == [(code, prefix + rest)]


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn-contrib-something-or-other",
        "sk-" + "x" * 32,
        "ghp_" + "0" * 36,
        "AKIA" + "EXAMPLE" * 2 + "AB",
        "task-" + letters(40),
        "sk-your-key-goes-here-please-now",
        "npm_config_registry",
        "hf_hub_download",
        "key-value-store-of-things",
    ],
    ids=range(9),
)
def test_words_and_placeholders_are_no_keys(finds, text: str) -> None:
    assert finds(text) == []


def test_entropy_in_bits_per_character() -> None:
    assert entropy("aaaa") == 0
    assert entropy("abab") == 1
    assert entropy("abcd") == 2


def test_openais_own_form_is_named_even_within_something_longer(finds) -> None:
    key = "sk" + "-proj-" + "aB3dE6gH9k" * 5
    ((code, value),) = finds(f"curl -u {key}: https://host")
    assert (code, key in value) == ("SEN052", True)
