"""Passports and travel permits: a number near a word that says so, or a machine-readable zone.

The nearer the word, the looser the form may be: six digits right behind `passport no.`, but a letter and eight digits
or nine digits alone where some words, a line's end or an assignment stand between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.privacy import rules
from tidegate.privacy.patterns.cues import Cue, Cues
from tidegate.privacy.patterns.found import CUED, SHAPED, Detector, Found, Regex, closes, opens

_WORDS = r"pass(?:e)?port|reisepass|pasaporte|passaporto|护照|護照|通行证|通行證|回乡证|台胞证|旅行证|旅行證"
_CUE = Cue(_WORDS)
_PAPERS = Cue(rf"{_WORDS}|(?:travel|identity)[ _-]?(?:doc|permit|paper)|ausweis|证件|證件|出入境|签证|簽證|\bvisa\b")
_OTHER = Cue(
    r"order|invoice|tracking|ticket|parcel|phone|\btel\b|mobile|account|flight|booking|\bcard\b|\bbank|visa (?:no|num)"
    r"|订单|单号|发票|快递|运单|电话|手机|账号|帐号|银行|航班|身份证"
)
_DIRECT = Regex(
    rf"(?ai)(?:{_WORDS})[^0-9A-Za-z\n]{{0,3}}"
    r"(?:(?:no|nr|num|number|nummer|id|book|is|was|with|the|my|her|his|holder|of|issued|号码|号|编号|为"
    r"|是)[^0-9A-Za-z\n]{0,4}){0,5}"
    r"([A-Za-z]{0,2} ?[0-9]{6,9}|[0-9]{2}[A-Za-z]{2}[0-9]{5}|[A-Za-z][0-9A-Za-z]{8})"
)
_SURE = r"[A-Z]{1,2} ?[0-9]{7,8}|[A-Z]{2}[0-9]{6}|[0-9]{2}[A-Z]{2}[0-9]{5}|[CFGHJK][0-9CFGHJKLMNPRTVWXYZ]{7}[0-9]"
"""China, India, most of Europe, France, Germany. Germany's alphabet has no vowels, so that words are none of them."""
_FORM = Regex(rf"({_SURE})|[0-9]{{9}}")
_REACH, _AFTER = 64, 28
_BEHIND = Regex(rf"(?ai)[^0-9\n]{{0,{_AFTER}}}?(?:{_WORDS})")
_TIES = frozenset("-._/")
_DATE = Regex(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
_ZONE = Regex(
    r"P[A-Z<][A-Z]{3}[A-Z]+<[A-Z<]{10,39}(?:\s{1,2}([A-Z0-9<]{28,44}))?"
    r"|[A-Z0-9<]{9}[0-9][A-Z]{3}[0-9]{7}[MFX<][0-9]{7}[A-Z0-9<]{14,16}"
)


def _passports(text: str) -> Iterator[Found]:
    for found in _DIRECT.finditer(text):
        start, end = found.span(1)
        if closes(text, end) and opens(text, start) and sum(map(str.isdigit, found[1])) >= 5:
            yield Found(start, end, rules.PASSPORT, CUED)
    cues = Cues(text)
    for found in _forms(text):
        start, end = found.span()
        if _led(cues, _PAPERS if found[1] else _CUE, start) or (found[1] and _BEHIND.match(text, end)):
            # A number of this form is a passport's even where a telephone's words are near.
            yield Found(start, end, rules.PASSPORT, SHAPED if found[1] else CUED)


def _forms(text: str) -> Iterator[re.Match[str]]:
    """Numbers around the words; far away nobody has to look."""
    done = 0
    for word in _PAPERS.pattern.finditer(text):
        first = max(done, word.start() - _AFTER - 12)
        for found in _FORM.finditer(text, first, word.end() + _REACH + 12):
            start, done = found.span()
            if opens(text, start) and closes(text, done) and not _tied(text, start, done) and not _DATE.match(found[0]):
                yield found


def _tied(text: str, start: int, end: int) -> bool:
    """Whether it is a part of something longer."""
    if start and text[start - 1] in _TIES and text[start - 2 : start - 1].isalnum():
        return True
    return text[end : end + 1] in _TIES and text[end + 1 : end + 2].isalnum()


def _led(cues: Cues, words: Cue, start: int) -> bool:
    """Whether one of the words stands before, without another number or another number's word between."""
    if not cues.near(words, start, _REACH):
        return False
    last = cues.last(words, start)
    between = cues.text[last:start]
    return not any(map(str.isdigit, between)) and between.count("\n") <= 2 and cues.last(_OTHER, start) <= last


def _zones(text: str) -> Iterator[Found]:
    for found in _ZONE.finditer(text):
        if opens(text, found.start()):
            yield Found(found.start(), found.end(), rules.PASSPORT, SHAPED)


PASSPORTS = (
    Detector(
        "passports",
        rf"(?i){_WORDS}|(?:travel|identity)[ _-]?(?:doc|permit|paper)|ausweis"
        r"|证件|證件|出入境|签证|簽證|\bvisa\b",
        _passports,
        reach=192,
    ),
    Detector(
        "zones",
        r"[A-Z<]<<[A-Z<]|[0-9][A-Z]{3}[0-9]{7}[MFX<][0-9]{7}",
        _zones,
        reach=160,
        places="<[A-Z<]{10}|[0-9][A-Z]{3}[0-9]{7}[MFX<][0-9]{7}",
    ),
)
