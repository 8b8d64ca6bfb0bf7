"""What holds a secret by its form: PEM blocks, web tokens, headers, addresses with a password, connection strings."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from tidegate.privacy import secret_rules as rules
from tidegate.privacy.patterns.clouds import CLOUDS
from tidegate.privacy.patterns.found import CHECKED, SHAPED, Detector, Found, Regex, cued, opens
from tidegate.privacy.patterns.keys import entropy

_PEM = Regex(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----"
    r"|PuTTY-User-Key-File-[23]:"
)
_PEM_END = Regex(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|---- END SSH2[A-Z ]{0,40}----")
_PEM_BODY = Regex(r"(?:\s|\\[nr])*(?:[A-Za-z-]{1,20}: [^\n\\]{1,200}(?:\s|\\[nr])+)*(?:[A-Za-z0-9+/=]+(?:\s|\\[nr])*)*")
_PEM_REACH = 16_384
_B = "[A-Za-z0-9_-]"
_WRAP = r"(?:[ \t]?(?:\r?\n|\\r\\n|\\n)(?:> ?|[ \t]{1,16})?)"
"""A new line that a mail or a terminal began within a value; also as two characters, as JSON writes it."""
_DOT = rf"{_WRAP}?\.{_WRAP}?"
_JWT_HEAD = Regex(rf"eyJ{_B}*")
_JWT = Regex(
    rf"eyJ{_B}{{8,}}(?:{_WRAP}{_B}{{2,}}){{0,20}}{_DOT}"
    rf"(?:eyJ{_B}{{2,}}(?:{_WRAP}{_B}{{2,}}){{0,80}}(?:{_DOT}(?!eyJ){_B}{{16,}}|\.{_B}*)?"
    # A signature goes on in the next line only behind a full one, or it would take the next word for its own.
    rf"(?:(?<={_B}{{60}}){_WRAP}(?!eyJ){_B}{{16,}}){{0,20}}"
    rf"|{_B}*\.{_B}{{8,}}\.{_B}{{16,}}\.{_B}{{16,}})"
)
_HEADER = Regex(
    r"(?ai)(?:authorization|\bauth)[\"'\\]{0,3}\s{0,3}[:=,]\s{0,3}[\"'\\fbr]{0,4}(bearer|token|basic|apikey|key"
    r"|digest)[ :]{1,3}([A-Za-z0-9+/_.~=:-]{8,})"
)
_BEARER = Regex(r"(?ai)bearer[ :\"']{1,4}([A-Za-z0-9+/_.~=-]{16,})")
_KEY_HEADER = Regex(
    r"(?ai)(?:x-[a-z-]{0,24}(?:key|token|secret)|api-key|apikey|private-token"
    r"|ocp-apim-subscription-key)[\"'\\]{0,3}\s?:\s?[\"'\\]{0,3}([A-Za-z0-9+/_.~=-]{12,})"
)
_CURL = Regex(r"curl [^\n]{0,200}?(?:-u|--user)[ =]?[\"']?([^\s:\"']{1,64}:[^\s\"']{3,128})")
_COOKIE = Regex(r"(?ai)(?<![a-z])[a-z_.-]{0,24}(?:sess|sid|auth|token|jwt)[a-z_.-]{0,16}=([A-Za-z0-9+/_.%=-]{16,})")
_COOKIE_CUE = Regex(r"(?ai)cookies?[\"' ]{0,3}[:=]")
_URL = Regex(
    r"[A-Za-z][A-Za-z0-9+.-]{1,24}://([^\s:/@\"'<>{}$]{0,64}):([^\s/@\"'<>]{2,128}"
    r"|[^\s@\"'<>]{2,64})@[A-Za-z0-9\[\]_.{-]"
)
_URL_QUERY = Regex(
    r"(?ai)[?&](?:[a-z_-]{0,20}(?:token|api_?-?key|secret|password|passwd|signature)|sig|auth"
    r"|pwd)=([A-Za-z0-9+/_.%~=-]{12,})"
)
_QUERY_PASSWORD = Regex(r"(?ai)[?&;](?:[a-z]{0,12}password|passwd|pwd)=([^\s&;\"'<>`]{1,128})")
_DATABASE = Regex(
    r"(?ai)(?:\bjdbc:[a-z0-9:+-]{1,40}|(?:postgres(?:ql)?|mysqlx?|mariadb|mongodb|rediss?|amqps?|mssql|sqlserver|oracle"
    r"|clickhouse|cockroachdb|snowflake|db2|vertica|trino|kafka|nats|ldaps?|s?ftp|smtps?)(?:\+[a-z0-9]{1,12})?:)//"
    r"[^\s\"'<>]{1,240}$"
)
_ORACLE = Regex(r"(?ai)\bjdbc:oracle:[a-z]{1,8}:[^\s/@:\"']{1,64}/([^\s@\"']{1,64})@")
_LIBPQ = Regex(r"(?ai)(?:\b(?:host|hostaddr|port|user|dbname|sslmode)=[^\s,;()\"']{1,80} {1,2}){2,6}$")
_CONNECTION = Regex(r"(?ai)(?:pwd|password|passwd) ?= ?([^;\s\"'<>{}]{1,128}|\{[^}\n]{1,128}\}|'[^'\n]{1,128}')")
_PAIRS = Regex(
    r"(?ai)(?:server|data source|host|hostname|addr(?:ess)?|database|db ?name|initial catalog|uid|user(?: id|name)?"
    r"|driver|dsn|port|jdbc)[ =:]"
)
_OTPAUTH = Regex(r"otpauth://[^\s\"']{8,300}")


def _pem(text: str) -> Iterator[Found]:
    """To its end, or as far as what follows still looks like a key."""
    done = 0
    for begin in _PEM.finditer(text):
        if begin.start() < done:
            continue
        finish = _PEM_END.search(text, begin.end(), begin.end() + _PEM_REACH)
        if finish:
            done = finish.end()
        else:
            body = _PEM_BODY.match(text, begin.end(), begin.end() + _PEM_REACH)
            done = begin.end() + len((body[0] if body else "").rstrip())
        yield Found(begin.start(), done, rules.PRIVATE_KEY, CHECKED)


def _jwt(text: str) -> Iterator[Found]:
    done = 0
    for place in _JWT_HEAD.finditer(text):
        start = place.start()
        if start < done or not opens(text, start):
            continue
        found = _JWT.match(text, start)
        # Where one fails, another that begins within the same word would fail too: not to read that word again.
        done = found.end() if found else place.end()
        if found:
            yield Found(start, start + len(found[0].rstrip(".")), rules.JWT, CHECKED)


def _value(found: re.Match[str], group: int, code: str, strength: int = SHAPED) -> Found:
    start, end = found.span(group)
    while end > start and found.string[end - 1] in ".,;:":
        end -= 1
    return Found(start, end, code, strength)


def _random(word: str) -> bool:
    return entropy(word) >= 2.5 and (any(map(str.isdigit, word)) or (entropy(word) >= 3.2 and word.lower() != word))


def _headers(text: str) -> Iterator[Found]:
    for found in _HEADER.finditer(text):
        if found[1].lower() == "basic":
            if _is_basic(found[2]):
                yield _value(found, 2, rules.AUTHORIZATION)
        elif _random(found[2]):
            yield _value(found, 2, rules.AUTHORIZATION)
    for found in _COOKIE.finditer(text):
        if _random(found[1]) and cued(_COOKIE_CUE, text, found.start(), 400):
            yield _value(found, 1, rules.AUTHORIZATION)
    for pattern in (_BEARER, _KEY_HEADER):
        for found in pattern.finditer(text):
            if _random(found[1]):
                yield _value(found, 1, rules.AUTHORIZATION)
    for found in _CURL.finditer(text):
        if "$" not in found[1]:
            yield _value(found, 1, rules.AUTHORIZATION)


def _is_basic(word: str) -> bool:
    try:
        return b":" in base64.b64decode(word + "=" * (-len(word) % 4), validate=True)
    except (ValueError, binascii.Error):
        return False


_FAKE = Regex(
    r"(?ai)^(?:[0-9]{1,5}(?:/|$)|[<$%{]|\*+$|x+$|x{4}|\.+$|\.{3}|pass(?:word)?$|pwd$|pw$|secret$|your|my_?pass|user|[a-z_]*(?:key|secret|password|token|pass)$|\[|token$)"
)


def _urls(text: str) -> Iterator[Found]:
    for found in _URL.finditer(text):
        if not _FAKE.match(found[2]):
            # The host stays readable: only who and the password are cut out.
            start = found.start(1) if found[1] else found.start(2)
            yield Found(start, found.end(2), rules.URL_PASSWORD, CHECKED)
    for found in _URL_QUERY.finditer(text):
        if _random(found[1]):
            yield _value(found, 1, rules.SECRET)
    for found in _OTPAUTH.finditer(text):
        yield Found(found.start(), found.end(), rules.SECRET)
    for found in _QUERY_PASSWORD.finditer(text):
        start = found.start()
        if _DATABASE.search(text, max(0, start - 256), start) and not _FAKE.match(found[1]):
            yield _value(found, 1, rules.CONNECTION, CHECKED)
    for found in _ORACLE.finditer(text) if "oracle:" in text else ():
        yield _value(found, 1, rules.CONNECTION, CHECKED)


def _connections(text: str) -> Iterator[Found]:
    for found in _CONNECTION.finditer(text):
        start, end = found.span(1)
        before = text[max(0, found.start() - 160) : found.start()]
        around = before + "\n" + text[end : end + 80]
        pairs = (";" in around and _PAIRS.search(around)) or (before.endswith(" ") and _LIBPQ.search(before))
        if pairs and not _FAKE.match(found[1].strip("'{}")):
            yield Found(start, end, rules.CONNECTION, SHAPED)


_HEADER_PLACES = (
    r"(?i)auth[a-z]{0,12}[\"'\\]{0,3}\s{0,3}[:=,]|bearer[ :\"']|curl |x-[a-z-]*(?:key|token|secret)|api-key|apikey"
    r"|private-token|subscription-key|cookies?[\"' ]{0,3}[:=]"
)


CREDENTIALS = (
    Detector("pem", r"BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY|PuTTY-User-Key-File|BEGIN SSH2", _pem),
    Detector("jwt", r"eyJ[A-Za-z0-9_-]{8}", _jwt),
    Detector(
        "headers",
        r"(?i)auth[a-z]{0,12}[\"'\\]{0,3}\s{0,3}[:=,]\s{0,3}[\"'\\fbr]{0,4}(?:bearer|token|basic|api|key|digest)"
        r"|bearer[ :\"']|curl |x-[a-z-]*(?:key|token|secret)|api-key|apikey[\"' ]*:|private-token|subscription-key"
        r"|cookie[\"' ]{0,3}[:=]",
        _headers,
        reach=512,
        places=_HEADER_PLACES,
    ),
    Detector(
        "urls",
        r"(?i)://[^\s/@\"'<>]*:[^\s@\"'<>]+@|[?&;][a-z_-]{0,20}(?:token|key|secret|passw|signature|sig|auth|pwd)[a-z]{0,4}="
        r"|otpauth:|jdbc:oracle:",
        _urls,
        reach=320,
    ),
    Detector("connections", r"(?i)(?:pwd|password|passwd) ?=", _connections),
    *CLOUDS,
)
