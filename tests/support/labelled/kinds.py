"""The kinds of what is labelled: who makes the value, which sentences suit it, in which variants it is written.

A kind joins a maker to a group of sentences; the rules that should find it are named elsewhere (`expected.py`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from . import contacts, credentials, keys, numbers
from .values import Value

CARRIERS = ("json", "code", "env", "yaml", "log", "chat")
ALWAYS = ("plain", "glued", *CARRIERS)
SEPARATED = ("spaces", "dashes", "dots", "nbsp")
NUMBER = (*ALWAYS, *SEPARATED, "wide", "spaced", "split")
CUED = (*ALWAYS, "split")  # the value stands on the line after its cue


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    group: str
    make: Callable[[random.Random], Value]
    variants: tuple[str, ...]
    structured: bool = True


KINDS: tuple[Kind, ...] = (
    Kind("card", "card", numbers.card, NUMBER),
    Kind("bank-card-cn", "bank", numbers.bank_card, NUMBER),
    Kind("iban", "iban", numbers.iban, NUMBER),
    Kind("ssn", "ssn", numbers.ssn, NUMBER),
    Kind("resident-id-cn", "resident", numbers.resident_id, NUMBER),
    Kind("company-code-cn", "company", numbers.company_code, NUMBER),
    Kind("phone-abroad", "phone", contacts.phone_abroad, NUMBER),
    Kind("phone-us", "phone", contacts.phone_us, NUMBER),
    Kind("phone-uk", "phone", contacts.phone_uk, NUMBER),
    Kind("phone-de", "phone", contacts.phone_de, NUMBER),
    Kind("mobile-cn", "phone", contacts.mobile_cn, NUMBER),
    Kind("landline-cn", "phone", contacts.landline_cn, NUMBER),
    Kind("email", "email", contacts.email, (*ALWAYS, "wide", "spaced")),
    Kind("ipv4", "ip", contacts.ipv4, ALWAYS),
    Kind("ipv6", "ip", contacts.ipv6, ALWAYS),
    Kind("passport", "passport", contacts.passport, (*CUED, "wide")),
    Kind("plate-cn", "plate", contacts.plate, (*ALWAYS, *SEPARATED, "wide")),
    Kind("key-deepseek", "key", keys.deepseek, CUED),
    Kind("key-openai", "key", keys.openai, CUED),
    Kind("key-anthropic", "key", keys.anthropic, CUED),
    Kind("key-github", "key", keys.github, CUED),
    Kind("key-slack", "key", keys.slack, CUED),
    Kind("key-stripe", "key", keys.stripe, CUED),
    Kind("key-aws", "key", keys.aws_id, CUED),
    Kind("secret-aws", "cloud-secret", keys.aws_secret, CUED),
    Kind("key-google", "key", keys.google, CUED),
    Kind("key-hugging-face", "key", keys.hugging_face, CUED),
    Kind("key-aliyun", "key", keys.aliyun, CUED),
    Kind("key-tencent", "key", keys.tencent, CUED),
    Kind("jwt", "key", keys.jwt, (*ALWAYS, "split")),
    Kind("private-key", "private-key", credentials.pem, ALWAYS),
    Kind("private-key-cut", "private-key", credentials.pem_cut, ALWAYS),
    Kind("bearer", "bearer", credentials.bearer, ALWAYS, structured=False),
    Kind("url-password", "url", credentials.url, ALWAYS),
    Kind("connection", "connection", credentials.connection, ALWAYS),
    Kind("password", "password", credentials.password, CUED, structured=False),
)
BY_NAME = {kind.name: kind for kind in KINDS}
STRUCTURED = frozenset(kind.name for kind in KINDS if kind.structured)
