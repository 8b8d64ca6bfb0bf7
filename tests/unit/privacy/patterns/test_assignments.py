"""Passwords and keys by name, and code that only speaks of them."""

from __future__ import annotations

import pytest

from tidegate.privacy import secret_rules as rules

WORD = "hunter2" + "abc"
KEY = "9fQ2vX7kLm3Zt8Rb"


@pytest.mark.parametrize(
    ("text", "code", "value"),
    [
        (f"password = '{WORD}'", rules.PASSWORD, WORD),
        (f"PASSWORD={WORD}\nUSER=x", rules.PASSWORD, WORD),
        (f'{{"password": "{WORD}", "a": 1}}', rules.PASSWORD, WORD),
        (f'{{\\"password\\": \\"{WORD}\\"}}', rules.PASSWORD, WORD),
        (f"db_password: {WORD}", rules.PASSWORD, WORD),
        (f"my password is {WORD}.", rules.PASSWORD, WORD),
        (f"数据库密码是{WORD}，请", rules.PASSWORD, WORD),
        (f"密码：{WORD}。", rules.PASSWORD, WORD),
        (f"口令为“{WORD}”", rules.PASSWORD, WORD),
        ("密码是Abc@12345！谢谢", rules.PASSWORD, "Abc@12345"),
        ("password: correct-Horse-battery!", rules.PASSWORD, "correct-Horse-battery!"),
        (f"初始密码{WORD}", rules.PASSWORD, WORD),
        (f"root密码改成了{WORD}", rules.PASSWORD, WORD),
        (f"pass: {KEY}", rules.SECRET, KEY),
        (f"mysql --password={WORD} x", rules.PASSWORD, WORD),
        (f"IDENTIFIED BY '{WORD}'", rules.PASSWORD, WORD),
        (f"api_key = '{KEY}'", rules.SECRET, KEY),
        (f"export MY_SERVICE_TOKEN={KEY}", rules.SECRET, KEY),
        (f"密钥：{KEY}", rules.SECRET, KEY),
        (f"secret_key: {KEY}", rules.SECRET, KEY),
        (f'set("password", "{WORD}")', rules.PASSWORD, WORD),
    ],
    ids=range(21),
)
def test_assignments(finds, text: str, code: str, value: str) -> None:
    assert finds(text) == [(code, value)]


@pytest.mark.parametrize(
    "text",
    [
        "password: str",
        "password = None",
        "password = os.environ['PASSWORD']",
        "password = getpass()",
        "password: <your password>",
        "password = ${DB_PASSWORD}",
        "password = '********'",
        "password = 'xxxxxxxx'",
        "token = self.next_token()",
        "token: string",
        "token_type = 'authorization_code'",
        "secret = config.secret",
        "the password is required",
        "password is too short",
        "密码不能为空",
        "请输入密码：",
        "密码是什么",
        "max_tokens: 4096",
        "tokens = 128000",
        "api_key=API_KEY",
        "passwordField = 'password_confirm'",
        "the token is invalid",
        "key: value",
        'password = "Please enter your password"',
        "token = 'access_token'",
        "pwd = '/home/anna'",
        "pass `some_object=True` to it",
        '"token_p": 0.9956819193',
        '("tokens", "symbol2label")',
        "publicKeyToken = '1fc8b3b9a1e18e3b'",
        '"api_keys", "APIKeysWithRawResponse"',
    ],
    ids=range(31),
)
def test_code_and_prose_that_only_speak_of_them(finds, text: str) -> None:
    assert finds(text) == []
