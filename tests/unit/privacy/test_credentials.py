"""What holds a secret by its form."""

from __future__ import annotations

import base64
import json

import pytest

from tidegate.privacy import secret_rules as rules

BEGIN, END = "-----BEGIN RSA PRIVATE" + " KEY-----", "-----END RSA PRIVATE" + " KEY-----"
BODY = "MIIEpAIBAAKCAQEA75mEjwOBD3r6cnEXaMPLE\nq1w2e3r4t5y6u7i8o9p0"
WORD = "Tr0ub4dor" + "x9"
AZURE = base64.b64encode(bytes(range(7, 252, 5)) + b"0123456789abcde").decode()
HEX = "3f9a61c0b7d2e8845a1c" * 2
TOKEN = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
    for part in ({"alg": "HS256"}, {"sub": "1234567"})
)
BASIC = base64.b64encode(f"anna:{WORD}".encode()).decode()


@pytest.mark.parametrize(
    ("text", "code", "value"),
    [
        (f"{BEGIN}\n{BODY}\n{END}", rules.PRIVATE_KEY, f"{BEGIN}\n{BODY}\n{END}"),
        (f"key:\n{BEGIN}\n{BODY}\n\nand so on", rules.PRIVATE_KEY, None),
        (f"密钥{BEGIN}", rules.PRIVATE_KEY, BEGIN),
        (f"token {TOKEN}.abcDEF123_-x end", rules.JWT, f"{TOKEN}.abcDEF123_-x"),
        (f"令牌{TOKEN}，", rules.JWT, TOKEN),
        (f"Authorization: Bearer {HEX}", rules.AUTHORIZATION, HEX),
        (f'{{"Authorization": "Bearer {HEX}"}}', rules.AUTHORIZATION, HEX),
        (f"authorization: Basic {BASIC}", rules.AUTHORIZATION, BASIC),
        (f"curl -u anna:{WORD} https://host", rules.AUTHORIZATION, f"anna:{WORD}"),
        (f"X-Api-Key: {HEX}", rules.AUTHORIZATION, HEX),
        (f"Cookie: lang=en; sessionid={HEX}", rules.AUTHORIZATION, HEX),
        (f"postgres://anna:{WORD}@db.host:5432/x", rules.URL_PASSWORD, f"anna:{WORD}"),
        (f"连接redis://:{WORD}@cache.host", rules.URL_PASSWORD, WORD),
        (f"https://host/x?access_token={HEX}", rules.SECRET, HEX),
        (f"Driver={{X}};Server=db;Uid=sa;Pwd={WORD};", rules.CONNECTION, WORD),
        (f"Server=db;User Id=sa;Password={WORD}", rules.CONNECTION, WORD),
        (f"AccountKey={AZURE}", rules.AZURE, AZURE),
        ("aws_secret_access_key = " + "wJalrXUtnF" + "EMIK7MDENGbPxRfiCY" + "zEX4MPLEKEY0", rules.AWS, None),
        (f"kind: Secret\ndata:\n  password: {BASIC}\n", rules.KUBERNETES, BASIC),
    ],
    ids=range(19),
)
def test_credentials(finds, text: str, code: str, value: str | None) -> None:
    ((found, where),) = finds(text)
    assert found == code
    assert value is None or where == value


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PUBLIC KEY-----\nMIIB",
        "-----BEGIN CERTIFICATE-----",
        "Authorization: Bearer <token>",
        "bearer of bad news",
        "postgres://user:password@host",
        "https://host:8080/a@b",
        "https://${USER}:${PASS}@host",
        "Authorization: Bearer $TOKEN",
        "Authorization: Basic auth is old",
        "kind: Secret\nmetadata:\n  name: abcd\n",
        "curl -u $USER:$PASS x",
        "eyJustAWord.here",
    ],
)
def test_forms_without_a_secret(finds, text: str) -> None:
    assert finds(text) == []


def test_a_truncated_key_ends_where_it_stops_looking_like_one(finds) -> None:
    ((_, where),) = finds(f"{BEGIN}\n{BODY}\n！以后再说")
    assert where == f"{BEGIN}\n{BODY}"
