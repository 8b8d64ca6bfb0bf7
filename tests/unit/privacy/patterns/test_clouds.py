"""Secrets of clouds: known by their form and the words around."""

from __future__ import annotations

import base64

import pytest

from tidegate.privacy import secret_rules as rules

SECRET = "q7Tz+Lk2Wv/9sXbR4mPd" + "N1yHcE8uJ6gFa3oQiZt5"
STORAGE = base64.b64encode(bytes(range(3, 195, 3))).decode()


@pytest.mark.parametrize(
    "around",
    [
        "AWS secret access key\n{}",
        "AWS_SECRET_ACCESS_KEY=\\\n{}",
        'client.set("aws_secret_access_key", "{}")',
        '{{"SecretAccessKey": "{}"}}',
        "secretAccessKey: {}",
        '# 测试aws_secret\nrow = load("{}")\n',
        "s3_secret_key => '{}'",
        "访问密钥：{}。",
        "from aws:\\n{}",
    ],
)
def test_an_aws_secret_near_a_word(finds, around: str) -> None:
    assert len(SECRET) == 40
    assert finds(around.format(SECRET)) == [(rules.AWS, SECRET)]


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"the aws bucket {SECRET}Q",
        f"aws {SECRET[:39]}",
        "aws src/Privacy/Detection/CloudSecretsOfUser2024",
        "aws commit 3f9a61c0b7d2e8845a1c3f9a61c0b7d2e8845a1c",
        "secret " + "word " * 30 + SECRET,
    ],
)
def test_what_is_no_aws_secret(finds, text: str) -> None:
    assert rules.AWS not in [code for code, _ in finds(text)]


def test_a_storage_key_is_azures_and_forty_characters_are_not(finds) -> None:
    assert finds(f"AccountKey={STORAGE}") == [(rules.AZURE, STORAGE)]
    assert finds(f"SecretAccessKey={SECRET}") == [(rules.AWS, SECRET)]


def test_kubernetes_keeps_its_secrets_in_base64(finds) -> None:
    word = base64.b64encode(b"Tr0ub4dor-x9").decode()
    assert finds(f"kind: Secret\ndata:\n  login: {word}\n") == [(rules.KUBERNETES, word)]
    assert finds(f"kind: ConfigMap\ndata:\n  login: {word}\n") == []
