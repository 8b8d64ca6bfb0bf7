"""Secrets of the large clouds that have no prefix of their own: Azure's and AWS's keys, what Kubernetes keeps."""

from __future__ import annotations

import base64
import binascii
import itertools
import re
from collections.abc import Iterator

from tidegate.privacy import secret_rules as rules
from tidegate.privacy.patterns.cues import Cue, Cues
from tidegate.privacy.patterns.found import CHECKED, SHAPED, Detector, Found, Regex, closes
from tidegate.privacy.patterns.keys import entropy

_AZURE = Regex(r"(?ai)(?:account|sharedaccess|access|primary|secondary)key ?[=:] ?[\"']?([A-Za-z0-9+/]{42,88}={0,2})")
_SAS = Regex(r"(?ai)[?&;]sig=([A-Za-z0-9%+/]{32,128}(?:%3d|=){0,2})|sharedaccesssignature=[^\s\"']{20,400}")
_AWS_NAMES = "(?:aws|amazon|secret[_ -]?access[_ -]?key|secret[_ -]?key|session_?token)"
_AWS_PLACES = Cue(_AWS_NAMES)
_AWS_SECRET = Regex(
    _AWS_NAMES
    + r"[a-z0-9_ .-]{0,30}[\"'\\]{0,3}\s{0,3}(?:=>|[:=]|是|为|：|is)\s{0,3}(?:\\[nrt]|[\"'\\]){0,3}([A-Za-z0-9/+]{40,}={0,2})",
    re.ASCII | re.IGNORECASE,
)
_AWS_NEAR = Cue(
    r"\baws|_aws|amazon|\bs3\b|s3_|\biam\b|secret|access[_ -]?key|A(?:KIA|SIA)[A-Z0-9]{16}|密钥|秘钥|金鑰|私钥|凭证"
)
_AWS_REACH = 96
_AWS_SHAPE = Cue(r"[a-z0-9/+]{40,}=?")
_KIND_SECRET = Regex(r"kind[\"']?: [\"']?Secret\b")
_DATA = Regex(r"^([ \t]*)[\"']?data[\"']?:[ \t]*\{?[ \t]*\r?\n((?:\1[ \t]+[^\n]*(?:\n|$)|[ \t]*\n)+)", re.MULTILINE)
_DATA_LINE = Regex(r"[\"']?[\w.-]+[\"']?:[ \t]*[\"']?([A-Za-z0-9+/]{4,}={0,2})[\"']?,?[ \t]*$", re.MULTILINE)


def _azure(text: str) -> Iterator[Found]:
    for found in _AZURE.finditer(text):
        if entropy(found[1]) > 3.5:
            yield Found(*found.span(1), rules.AZURE, CHECKED)
    for found in _SAS.finditer(text):
        yield Found(*found.span(1 if found[1] else 0), rules.AZURE, SHAPED)


def _aws(text: str) -> Iterator[Found]:
    for place in _AWS_PLACES.starts(text):
        found = _AWS_SECRET.match(text, place)
        if found and closes(text, found.end(1)) and entropy(found[1]) > 3.5:
            yield Found(*found.span(1), rules.AWS, SHAPED)
    cues = Cues(text)
    for found in _AWS_SHAPE.pattern.finditer(text):
        start, end = found.span()
        if end - start == 41 and text[start - 1 : start] == "\\" and text[start] in "nrt":
            start += 1
        if end - start == 40 and _is_chance(text[start:end]) and cues.near(_AWS_NEAR, start, _AWS_REACH):
            yield Found(start, end, rules.AWS, SHAPED)


def _is_chance(word: str) -> bool:
    """Small and capital letters and digits that change as often as by chance; a path or a name in camel case do not."""
    kinds = ["a" if c.islower() else "A" if c.isupper() else "0" if c.isdigit() else "/" for c in word]
    changes = sum(one != other for one, other in itertools.pairwise(kinds))
    return changes >= 16 and min(map(kinds.count, "aA")) >= 4 and "0" in kinds and entropy(word) >= 4.1


def _kubernetes(text: str) -> Iterator[Found]:
    if not _KIND_SECRET.search(text):
        return
    for block in _DATA.finditer(text):
        for line in _DATA_LINE.finditer(text, block.start(2), block.end(2)):
            try:
                base64.b64decode(line[1], validate=True)
            except (ValueError, binascii.Error):
                continue
            yield Found(*line.span(1), rules.KUBERNETES, SHAPED)


_AWS_GATE = rf"(?i){_AWS_NAMES}|(?:\bs3\b|s3_|\biam\b|secret|access[_ -]?key|密钥|秘钥|金鑰|私钥|凭证)"
CLOUDS = (
    Detector("azure", r"(?i)key ?[=:] ?[\"']?[A-Za-z0-9+/]{40}|[?&;]sig=|sharedaccesssignature", _azure, reach=448),
    Detector("aws", _AWS_GATE, _aws),
    Detector("kubernetes", r"kind[\"']?: [\"']?Secret", _kubernetes),
)
