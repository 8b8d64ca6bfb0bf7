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


HEAD, PAYLOAD = TOKEN.split(".")
SIGN = "abcDEF123_-x" * 4


@pytest.mark.parametrize(
    "token",
    [
        f"{HEAD}.\n{PAYLOAD}.{SIGN}",
        f"{HEAD}.{PAYLOAD}.\r\n    {SIGN}",
        f"{HEAD}\n.{PAYLOAD}\n.{SIGN}",
        f"{HEAD[:12]}\n{HEAD[12:]}.{PAYLOAD[:9]}\n> {PAYLOAD[9:]}.{SIGN}",
        f"{HEAD}.\\n{PAYLOAD}.\\n{SIGN}",
        f"{HEAD}.{PAYLOAD}.{'aB3-' * 16}\n{'cD5_' * 16}\n{'eF7' * 6}",
    ],
    ids=range(6),
)
def test_a_token_that_was_wrapped(finds, token: str) -> None:
    assert finds(f"token:\n{token}\nThanks") == [(rules.JWT, token)]
    assert finds(f"a {token} {TOKEN}") == [(rules.JWT, token), (rules.JWT, TOKEN)]


@pytest.mark.parametrize(
    "text",
    [
        f"jdbc:mysql://db.host:3306/x?user=anna&password={WORD}",
        f"url=jdbc:postgresql://db/x?password={WORD}&ssl=true",
        f"jdbc:sqlserver://db;databaseName=x;user=sa;password={WORD};",
        f"postgresql+psycopg://db.host/x?user=anna&password={WORD}",
        f"jdbc:oracle:thin:scott/{WORD}@//db:1521/x",
        f"host=db port=5432 user=anna password={WORD}",
        f"dsn 是 host=db user=anna dbname=x password={WORD} sslmode=require",
    ],
)
def test_a_database_address_with_its_password(finds, text: str) -> None:
    assert finds(text) == [(rules.CONNECTION, WORD)]


@pytest.mark.parametrize("word", ["xmw2" + "fAgY", "Xs" + "?zBa605d", "*a8" + "Kq2z", ".q7" + "Rt5w"])
def test_a_password_may_begin_as_a_placeholder_does(finds, word: str) -> None:
    assert finds(f"Server=db;Uid=sa;Pwd={word};") == [(rules.CONNECTION, word)]


@pytest.mark.parametrize("word", ["xxxx", "x", "****", "...", "${PW}", "<password>", "password", "xxxxxxxx1"])
def test_placeholders_are_no_passwords(finds, word: str) -> None:
    assert finds(f"jdbc:mysql://db/x?user=anna&password={word}") == []
    assert finds(f"Server=db;Uid=sa;Pwd={word};") == []


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
