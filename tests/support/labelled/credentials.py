"""Credentials that live in a phrase: private keys, bearer tokens, URLs, connection strings, passwords.

The label is what gives access: the password of a URL, the token of a header, the whole block of a private key.
"""

from __future__ import annotations

import random
import string

from .keys import ALNUM, HEX, URL_SAFE, chars
from .values import Value, inside, whole

WORDS = ("Harbor", "Maple", "Otter", "Copper", "Violet", "Anchor", "Tundra", "Pepper", "Saturn", "Willow")
HOSTS = ("db.internal", "cache-02.prod.example.com", "mq.example.net", "files.example.org", "pg-main.corp.example")
USERS = ("app", "svc_report", "root", "deploy", "billing_ro")
NAMES = ("orders", "main", "metrics", "crm")
BASE64 = ALNUM + "+/"
DASHES = "-" * 5


def _block(rng: random.Random) -> tuple[str, list[str], str]:
    kind = rng.choice(("RSA ", "EC ", "", "OPENSSH ", "ENCRYPTED ")) + "PRIVATE" + " KEY"
    lines = [chars(rng, BASE64, 64) for _ in range(rng.randint(3, 14))]
    lines += [chars(rng, BASE64, rng.randint(10, 60)) + rng.choice(("", "=", "=="))]
    return f"{DASHES}BEGIN {kind}{DASHES}", lines, f"{DASHES}END {kind}{DASHES}"


def pem(rng: random.Random) -> Value:
    head, lines, tail = _block(rng)
    return whole("\n".join([head, *lines, tail]))


def pem_cut(rng: random.Random) -> Value:
    """As it is when a log or a prompt stops in the middle: no end line."""
    head, lines, _ = _block(rng)
    kept = lines[: rng.randint(1, len(lines) - 1)]
    kept[-1] = kept[-1][: rng.randint(20, 64)]
    return whole("\n".join([head, *kept]))


def bearer(rng: random.Random) -> Value:
    token = rng.choice((chars(rng, HEX, 40), chars(rng, URL_SAFE, 43), chars(rng, ALNUM, 32)))
    return inside(rng.choice(("Bearer ", "Bearer ", "bearer ")), token)


def url(rng: random.Random) -> Value:
    scheme, port = rng.choice(
        (
            ("postgresql", ":5432"),
            ("mysql", ":3306"),
            ("mongodb+srv", ""),
            ("redis", ":6379"),
            ("amqp", ":5672"),
            ("https", ""),
        )
    )
    secret = chars(rng, ALNUM, rng.randint(8, 20)) + rng.choice(("", "!", ".x9", "_Q1", "%40z"))
    user = "" if scheme == "redis" and rng.random() < 0.5 else rng.choice(USERS)
    return inside(f"{scheme}://{user}:", secret, f"@{rng.choice(HOSTS)}{port}/{rng.choice(NAMES)}")


def connection(rng: random.Random) -> Value:
    host, user, name = rng.choice(HOSTS), rng.choice(USERS), rng.choice(NAMES)
    secret = strong(rng)
    account, suffix = rng.choice(("acmestore", "logs01")), "EndpointSuffix=core.windows.net"
    forms = (
        inside(
            f"Driver={{ODBC Driver 18 for SQL Server}};Server=tcp:{host},1433;Database={name};Uid={user};Pwd=",
            secret,
            ";",
        ),
        inside(f"Server={host};Database={name};User Id={user};Password=", secret, ";Encrypt=True;"),
        inside(f"Data Source={host};Initial Catalog={name};User ID={user};Password=", secret),
        inside(
            f"DefaultEndpointsProtocol=https;AccountName={account};AccountKey=",
            chars(rng, BASE64, 86) + "==",
            f";{suffix}",
        ),
        inside(
            f"Endpoint=sb://{account}.servicebus.windows.net/;SharedAccessKeyName=RootManage;SharedAccessKey=",
            chars(rng, BASE64, 43) + "=",
        ),
        inside(f"jdbc:mysql://{host}:3306/{name}?user={user}&password=", chars(rng, ALNUM, 14)),
    )
    return rng.choice(forms)


def strong(rng: random.Random) -> str:
    """A password as people and generators choose them, without quotes and spaces."""
    if rng.random() < 0.4:
        return f"{rng.choice(WORDS)}{rng.choice('-_.!')}{rng.choice(WORDS)}{rng.randint(10, 9999)}"
    body = chars(rng, ALNUM + "!%^*_+?", rng.randint(9, 18))
    return rng.choice(string.ascii_letters) + body + rng.choice(string.digits) + rng.choice("xK7!")


def password(rng: random.Random) -> Value:
    return whole(strong(rng))
