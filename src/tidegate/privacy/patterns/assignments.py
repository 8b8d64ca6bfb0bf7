"""Passwords and keys by the name that they are given: `password = ...`, `API_KEY: ...`, `数据库密码是...`.

What looks as random as a password counts (facts of 2026-11-22: 2.5 bits per character with a digit, 3.2 without);
what reads as code, a placeholder or a sentence does not.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from tidegate.privacy import secret_rules as rules
from tidegate.privacy.patterns.cues import Cue
from tidegate.privacy.patterns.found import CUED, Detector, Found, Regex
from tidegate.privacy.patterns.keys import entropy

_LOGIN = r"pass(?:wor[dt]|wd|phrase|code)|passwd|pwd|kennwort|passwort|contraseña|mot de passe|密码|口令|密碼|暗号|(?:\b|_)pass\b"
_KEY = (
    r"secret|api[_ -]?key|access[_ -]?key|auth[_ -]?key|private[_ -]?key|encryption[_ -]?key|signing[_ -]?key"
    r"|master[_ -]?key|license[_ -]?key|app[_ -]?key"
    r"|client[_ -]?key|account[_ -]?key|storage[_ -]?key|token|credentials?|密钥|秘钥|金鑰|令牌|授权码|凭证"
)
_NAMED = Regex(
    rf"(?ai)(?P<name>{_LOGIN}|{_KEY})(?P<rest>[A-Za-z0-9_]{{0,24}}?)[\"'\]`\\*]{{0,3}}"
    r"(?P<sign>\s{0,4}(?::=|=>|==|[:=：＝]|->)\s{0,4}|\s{0,2}(?:是|为|設為|设为|改成|改为|重置为)了?[ :：]{0,3}|\s(?:is|was|set to"
    r"|changed to|to)[ :]{1,3}(?:now )?|(?:\s|,\s)(?=[\"'`])|(?<=[码令碼钥]) ?(?=[!-~]))"
    r"(?:(?P<quote>\\?[\"'`“「])(?P<quoted>[^\"'`\n\\”」]{3,128})\\?[\"'`”」]|(?P<bare>[!-~]{4,200}))"
)
_FLAG = Regex(
    r"--?(?P<name>password|passwd|pass|pwd|token|api-key|secret|access-token)[ =][\"']?(?P<bare>[^\s\"'$<>{}]{6,128})"
)
_SQL = Regex(
    r"(?ai)identified (?:with \w+ )?by [\"']([^\"'\n]{3,128})[\"']"
    r"|\bwith (?:encrypted )?password [\"']([^\"'\n]{3,128})[\"']"
)
_SPOKEN = frozenset({"is", "was", "to", "set to", "changed to", "is now", "was now"})
_GATE_SIGN = (
    r"[A-Za-z0-9_]{0,24}[\"'\]`\\*]{0,3}(?:\s{0,4}(?::|=|->|：|＝)|\s{0,2}(?:是|为|設為|设为|改成|改为|重置为)了?"
    r"|\s(?:is|was|set to|changed to|to)[ :]|,?\s[\"'`])"
)
_GATE = rf"(?:(?:{_LOGIN}|{_KEY}){_GATE_SIGN}|(?:密码|口令|密碼|密钥) ?[!-~]{{4}})"
_PLACES = Cue(_GATE)
_PASSWORDS = Regex(rf"(?ai){_LOGIN}")
_NOT = Regex(
    r"(?ai)^(?:none|null|nil|true|false|undefined|str|string|bytes|int|any|optional|required|self|this|os|env"
    r"|process|config|settings|input|getpass|"
    r"password|passwd|secret|token|changeme\b.*\b|todo|tbd|n/a|unknown|missing|empty|default|auto|basic|bearer"
    r"|https?:?/?/?.*)$"
    r"|^[<{(\[]|^\$[A-Z_][A-Z0-9_]*$|^\$[a-z_]+$|^\$[({]|^%\w+%?$|[<{]\w+[>}]|\$\{|\{\{|x{4}|\*{3}"
    r"|\.\.\.|…|your[_ -]|example|placeholder"
    r"|redacted|<.*>|(?:^"
    r"|[._-])(?:password|passwd|secret|token)s?(?:[._-]|$)"
)
_CODE = Regex(
    r"[()\[\]{}]|^[A-Za-z_]\w*(?:\.\w+)+|->|=>|::|^[a-z]+(?:[A-Z][a-z]+)+[,;)]?$|^[A-Z][A-Z0-9_]*_[A-Z0-9_]*[,;]?$"
)
_IDENTIFIER = Regex(r"[A-Za-z]+(?:[_.\- /:][A-Za-z]+)*")
_NUMBER = Regex(r"[0-9.,+eE-]+")
_PUBLIC = ("public", "publickey", "public_", "public-", "public ")
_TAIL = "\"'`,;.。，；)）]}>?、"


def _named(text: str) -> Iterator[Found]:
    done = 0
    for place in _PLACES.starts(text):
        found = _NAMED.match(text, place) if place >= done else None
        if found is None:
            continue
        quoted = found["quoted"] is not None
        start, end = found.span("quoted" if quoted else "bare")
        if not quoted:
            end = start + len(_bare(text[start:end]))
        # `pass` alone is a common word, so what follows is held to the stricter measure of keys.
        password = found["name"].lower().strip("_") != "pass" and _PASSWORDS.search(found["name"]) is not None
        spoken = found["sign"].strip(" :：") in _SPOKEN
        loose = found["sign"].strip(", ") == ""
        if _other_kind(text, place, found, loose=loose, value=text[start:end]):
            continue
        if _telling(text[start:end], password=password, quoted=quoted, spoken=spoken):
            yield Found(start, end, rules.PASSWORD if password else rules.SECRET, CUED)
            done = end


def _other_kind(text: str, place: int, found: re.Match[str], *, loose: bool, value: str) -> bool:
    """Names that only look alike: several tokens that are counted, public keys, `pass` as a verb, lists of names."""
    name, plural = found["name"].lower(), found["rest"].lower() == "s"
    if (loose and (name.endswith("pass") or plural)) or text[max(0, place - 9) : place].lower().endswith(_PUBLIC):
        return True
    if plural and name == "token":
        return True
    return loose and found["quoted"] is not None and _IDENTIFIER.fullmatch(value) is not None


def _mixed_up(word: str) -> bool:
    """Whether small and capital letters change as often as by chance, not as in CamelCase."""
    changes = sum(a.islower() != b.islower() for a, b in itertools.pairwise(word))
    return 3 * changes >= len(word)


def _bare(word: str) -> str:
    """Without what ends a sentence, a statement or a member after it."""
    for mark in ("\\n", "\\r", "\\t", '\\"', '"', "'", "`", "<br", "&", ",", ";"):
        cut = word.find(mark)
        if cut > 3:
            word = word[:cut]
    return word.rstrip(_TAIL) if word.rstrip(_TAIL) else word


def _telling(word: str, *, password: bool, quoted: bool, spoken: bool) -> bool:
    if not 4 <= len(word) <= 200 or " " in word.strip() or word != word.strip() or _NOT.search(word):
        return False
    digit = any(map(str.isdigit, word))
    bits = entropy(word)
    least = 6 if password else 8
    if len(word) < least and not (password and digit and len(word) >= 4 and not word.isdigit()):
        return False
    if not quoted and _CODE.search(word):
        return False
    if _NUMBER.fullmatch(word) and (not password or len(word) < 6 or not word.isdigit()):
        return False
    if digit and bits >= 2.5:
        return password or not _IDENTIFIER.fullmatch(re.sub(r"\d{1,2}$", "", word)) or (len(word) >= 16 and bits >= 3.5)
    if bits < 3.2:
        return False
    plain = _IDENTIFIER.fullmatch(word) is not None
    mixed = word.lower() != word and word.upper() != word
    if spoken:
        return not plain or (mixed and not word.istitle())
    if plain:
        return (password and (quoted or len(word) >= 12) and (mixed or (quoted and "-" in word))) or (
            mixed and len(word) >= 16 and bits >= 3.9 and _mixed_up(word)
        )
    return password or quoted


def _flags(text: str) -> Iterator[Found]:
    for found in _FLAG.finditer(text):
        word = found["bare"].rstrip(_TAIL)
        if _telling(word, password=found["name"].startswith("p"), quoted=False, spoken=False):
            yield Found(found.start("bare"), found.start("bare") + len(word), rules.PASSWORD, CUED)
    for found in _SQL.finditer(text):
        group = 1 if found[1] else 2
        if not _NOT.search(found[group]):
            yield Found(*found.span(group), rules.PASSWORD, CUED)


ASSIGNMENTS = (
    Detector("assignments", f"(?i){_GATE}", _named),
    Detector(
        "flags",
        r"(?i)--?(?:password|passwd|pass|pwd|token|api-key|secret|access-token)[ =]|identified |password [\"']",
        _flags,
        reach=320,
    ),
)
