"""Keys of providers in their public forms. All are chance; prefixes are put together here so that no scanner fires.

Forms: the providers' documentation and the rules of public secret scanners, 2026-11-24.
"""

from __future__ import annotations

import base64
import json
import random
import string

from .numbers import digits
from .values import Value, whole

ALNUM = string.ascii_letters + string.digits
URL_SAFE = ALNUM + "-_"
HEX = "0123456789abcdef"
SK = "s" + "k-"
JOINT = "T3Blbk" + "FJ"  # stands in the middle of OpenAI's keys


def chars(rng: random.Random, alphabet: str, count: int) -> str:
    return "".join(rng.choices(alphabet, k=count))


def deepseek(rng: random.Random) -> Value:
    return whole(SK + chars(rng, HEX, 32))


def openai(rng: random.Random) -> Value:
    kind = rng.choice(("proj-", "svcacct-", "admin-", ""))
    length = 74 if kind == "proj-" else 58 if kind else 20
    alphabet = URL_SAFE if kind else ALNUM
    return whole(SK + kind + chars(rng, alphabet, length) + JOINT + chars(rng, alphabet, length))


def anthropic(rng: random.Random) -> Value:
    return whole(SK + "ant-" + rng.choice(("api03-", "admin01-")) + chars(rng, URL_SAFE, 93) + "AA")


def github(rng: random.Random) -> Value:
    if rng.random() < 0.3:
        return whole("github" + "_pat_" + chars(rng, ALNUM, 22) + "_" + chars(rng, ALNUM, 59))
    return whole("gh" + rng.choice("pousr") + "_" + chars(rng, ALNUM, 36))


def slack(rng: random.Random) -> Value:
    if rng.random() < 0.3:
        upper = string.ascii_uppercase + string.digits
        path = f"T{chars(rng, upper, 10)}/B{chars(rng, upper, 10)}"
        return whole("https://hooks." + f"slack.com/services/{path}/{chars(rng, ALNUM, 24)}")
    return whole("xo" + f"x{rng.choice('bp')}-{digits(rng, 12)}-{digits(rng, 13)}-{chars(rng, ALNUM, 24)}")


def stripe(rng: random.Random) -> Value:
    return whole(
        rng.choice(("sk", "rk"))
        + "_"
        + rng.choice(("live", "live", "test"))
        + "_"
        + chars(rng, ALNUM, rng.choice((24, 99)))
    )


def aws_id(rng: random.Random) -> Value:
    return whole("A" + rng.choice(("KIA", "SIA")) + chars(rng, string.ascii_uppercase + "234567", 16))


def aws_secret(rng: random.Random) -> Value:
    return whole(chars(rng, ALNUM + "+/", 40))


def google(rng: random.Random) -> Value:
    if rng.random() < 0.25:
        return whole("GOC" + "SPX-" + chars(rng, URL_SAFE, 28))
    return whole("AI" + "za" + chars(rng, URL_SAFE, 34) + rng.choice(ALNUM))


def hugging_face(rng: random.Random) -> Value:
    return whole("h" + "f_" + chars(rng, string.ascii_letters, 34))


def aliyun(rng: random.Random) -> Value:
    return whole("LT" + "AI5t" + chars(rng, ALNUM, 18))


def tencent(rng: random.Random) -> Value:
    return whole("AK" + "ID" + chars(rng, ALNUM, 32))


def _part(record: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(record, separators=(",", ":")).encode()).rstrip(b"=").decode()


def jwt(rng: random.Random) -> Value:
    head = _part({"alg": rng.choice(("HS256", "RS256", "ES256")), "typ": "JWT"})
    body = _part(
        {"sub": digits(rng, 10), "role": rng.choice(("admin", "user")), "exp": rng.randint(17 * 10**8, 18 * 10**8)}
    )
    sign = chars(rng, URL_SAFE, 43)
    return whole(f"{head}.{body}.{sign}", (head, body, sign))
