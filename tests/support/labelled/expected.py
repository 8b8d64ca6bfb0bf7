"""Which rules may find which kind: the one place where the labelled texts meet the rule book.

A card of a Chinese bank is a card; of a phone the rule for China and the general one may speak. Nothing else is wide:
a key found only as "something random" is not a hit.
"""

from __future__ import annotations

from .measure import Expected

CARDS = frozenset({"SEN001", "SEN006"})
PHONES = frozenset({"SEN007", "SEN008"})
EXPECTED: Expected = {
    "card": CARDS,
    "bank-card-cn": CARDS,
    "iban": frozenset({"SEN002"}),
    "ssn": frozenset({"SEN003"}),
    "resident-id-cn": frozenset({"SEN004"}),
    "company-code-cn": frozenset({"SEN005"}),
    "phone-abroad": PHONES,
    "phone-us": PHONES,
    "phone-uk": PHONES,
    "phone-de": PHONES,
    "mobile-cn": PHONES,
    "landline-cn": PHONES,
    "email": frozenset({"SEN009"}),
    "ipv4": frozenset({"SEN010"}),
    "ipv6": frozenset({"SEN011"}),
    "passport": frozenset({"SEN013"}),
    "plate-cn": frozenset({"SEN014"}),
    "key-deepseek": frozenset({"SEN051"}),
    "key-openai": frozenset({"SEN052"}),
    "key-anthropic": frozenset({"SEN053"}),
    "key-github": frozenset({"SEN056"}),
    "key-slack": frozenset({"SEN058"}),
    "key-stripe": frozenset({"SEN059"}),
    "key-aws": frozenset({"SEN060"}),
    "secret-aws": frozenset({"SEN060"}),
    "key-google": frozenset({"SEN054"}),
    "key-hugging-face": frozenset({"SEN055"}),
    "key-aliyun": frozenset({"SEN063"}),
    "key-tencent": frozenset({"SEN064"}),
    "jwt": frozenset({"SEN068"}),
    "private-key": frozenset({"SEN050"}),
    "private-key-cut": frozenset({"SEN050"}),
    "bearer": frozenset({"SEN069", "SEN068"}),
    "url-password": frozenset({"SEN070"}),
    "connection": frozenset({"SEN071", "SEN061", "SEN070"}),
    "password": frozenset({"SEN073", "SEN074"}),
}
GENERIC = frozenset({"SEN069", "SEN073", "SEN074"})
"""Rules of bearer tokens and free assignments: their false findings are not those of structured data."""
