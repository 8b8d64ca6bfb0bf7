"""What documents carry: plates, messenger accounts, dates of birth; and what two files beside this one find."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidegate.privacy import rules
from tidegate.privacy.patterns.cues import Cue
from tidegate.privacy.patterns.found import CUED, SHAPED, Detector, Found, Regex, closes, opens
from tidegate.privacy.patterns.passports import PASSPORTS
from tidegate.privacy.patterns.registered import REGISTERED

_CN_PLATE = Regex(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领][ ]?[A-HJ-NP-Z][ ·•・.\-]?"
    r"((?:[A-HJ-NP-Z0-9]{6}|[A-HJ-NP-Z0-9]{5}|[A-HJ-NP-Z0-9]{4}[挂学警港澳领使]))"
)
_PLATE = Regex(
    r"(?ai)(?:licen[cs]e[ -]plate|number[ -]plate|registration[ -]plate|\bplates?\b"
    r"|kennzeichen|车牌|车号|车辆牌照)"
    r"[^0-9A-Za-z\n]{0,3}(?:(?:no|nr|number|numbers|is|was|are|of|with|reads?|the|my|号码|号|为"
    r"|是)[^0-9A-Za-z\n]{0,4}){0,4}"
    r"([A-Z0-9ÄÖÜ]{1,4}(?:[ -]?[A-Z0-9ÄÖÜ]{1,4}){1,3})"
)
_WECHAT = Regex(
    r"(?ai)(加我?微信?|微信号?|wechat|weixin|威信|薇信|\bv信|\bwx|\bvx|加[vV])"
    r"([ ]?(?:id|account|username|号码|号|帐号|账号|user|handle)?[ ]?(?:[:：=是为]|is|就是|叫"
    r"|同号)?[ \"'“「]{0,2})([A-Za-z][A-Za-z0-9_-]{5,19})"
)
_SAID = Regex(r"(?ai)号|id|account|username|handle|[:：=是为叫]|\bis\b")
_NO_ACCOUNTS = ("http", "wechat")
_WXID = Regex(r"wxid_[a-z0-9]{10,20}")
_QQ = Regex(r"(?ai)qq[ ]?(?:号码|号|群|number|id|no\.?)?[ ]?(?:[:：=是为]|is|加)?[ ]{0,2}([1-9][0-9]{4,10})")
_BIRTH_CUE = (
    r"(?:date of birth|birth ?date|birthday|\bdob\b|d\.o\.b\.?|\bborn\b|geburtsdatum|geboren|\bgeb\."
    r"|né(?:e)? le|date de naissance|"
    r"fecha de nacimiento|nacid[oa]|出生日期|出生年月日?|出生于|生于|生日|出生)"
)
_BIRTH_PLACES = Cue(_BIRTH_CUE)
_MONTHS = (
    r"(?:jan|feb|f[eé]v|mar|mär|apr|avr|abr|may|mai|jun|juin|jul|juil|aug|ao[uû]|ago|sep|oct|okt|out|nov|dec|dez|d[eé]c|dic|ene|"
    r"gen|mag|giu|lug|set|ott)[a-zéû]{0,7}\.?"
)
_BIRTH = Regex(
    r"(?ai)" + _BIRTH_CUE + r"(?:[^0-9\n]|\n){0,24}?("
    r"(?:19|20)[0-9]{2} ?[-/.年] ?[0-9]{1,2} ?[-/.月] ?[0-9]{1,2}日?|(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]"
    r"|[12][0-9]|3[01])"
    r"|[0-9]{1,2} ?[-/.] ?[0-9]{1,2} ?[-/.] ?(?:(?:19|20)[0-9]{2}|[0-9]{2})"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th|\.)?[ -](?:of |de )?{_MONTHS},?[ -](?:de )?(?:19|20)[0-9]{{2}}|{_MONTHS} ?[0-9]{{1,2}}(?:st"
    rf"|nd|rd|th)?,? (?:19|20)[0-9]{{2}}"
    r")(?![0-9])"
)
_BIRTH_AFTER = Regex(r"(?:19|20)[0-9]{2}年[0-9]{1,2}月[0-9]{1,2}日(?=(?:出)?生)")


def _plates(text: str) -> Iterator[Found]:
    for found in _CN_PLATE.finditer(text):
        start, end = found.span()
        if closes(text, end) and any(map(str.isdigit, found[1])):
            yield Found(start, end, rules.PLATE, SHAPED)


def _other_plates(text: str) -> Iterator[Found]:
    for found in _PLATE.finditer(text):
        start, end = found.span(1)
        word = found[1]
        if not closes(text, end) or not any(map(str.isdigit, word)) or not any(map(str.isalpha, word)) or len(word) < 4:
            continue
        if word == word.upper() and not re.search(r"[A-Z]{5}", word):
            yield Found(start, end, rules.PLATE, CUED)


def _accounts(text: str) -> Iterator[Found]:
    for found in _WECHAT.finditer(text):
        start, end = found.span(3)
        between = found[2]
        digit = any(character in "0123456789_-" for character in found[3])
        said = _SAID.search(found[1] + between) is not None or found[1].startswith("加")
        # `微信 lisi1988`: a space is enough where what follows is no word.
        said = said or (between.isspace() and digit and not found[1].isascii())
        named = digit or "号" in found[1] + between or "id" in between.lower()
        if (
            said
            and named
            and closes(text, end)
            and opens(text, start)
            and not found[3].lower().startswith(_NO_ACCOUNTS)
        ):
            yield Found(start, end, rules.MESSENGER, CUED)
    for found in _WXID.finditer(text):
        if opens(text, found.start()) and closes(text, found.end()):
            yield Found(found.start(), found.end(), rules.MESSENGER, SHAPED)
    for found in _QQ.finditer(text):
        if opens(text, found.start()) and closes(text, found.end()) and text[found.end() : found.end() + 1] != "@":
            yield Found(found.start(1), found.end(1), rules.MESSENGER, CUED)


def _births(text: str) -> Iterator[Found]:
    done = 0
    for place in _BIRTH_PLACES.starts(text):
        found = _BIRTH.match(text, place)
        if found is None or found.start(1) < done:
            continue
        done = found.end()
        yield Found(found.start(1), found.end(1), rules.BIRTH, CUED)
    for found in _BIRTH_AFTER.finditer(text):
        yield Found(found.start(), found.end(), rules.BIRTH, CUED)


DOCUMENTS = (
    *REGISTERED,
    *PASSPORTS,
    Detector("plates", r"\p{Han} ?[A-HJ-NP-Z] ?[·•・.\-]? ?[A-HJ-NP-Z0-9]{4}", _plates),
    Detector(
        "other plates",
        r"(?i)\bplates?\b|kennzeichen|车牌|车号|牌照",
        _other_plates,
        reach=128,
        places=r"(?i)[ -]plate|\bplates?\b|kennzeichen|车牌|车号|牌照",
    ),
    Detector(
        "messengers",
        r"(?i)微信|wechat|weixin|威信|薇信|v信|\bwx|\bvx|加.?微|加v|qq",
        _accounts,
        reach=96,
        places=r"(?i)微信|wechat|weixin|威信|薇信|v信|\bwx|wxid_|\bvx|加.?微|加v|qq",
    ),
    Detector(
        "births",
        r"(?i)birth|\bdob\b|d\.o\.b|\bborn\b|gebore?n|geburt|\bgeb\.|née? le|naissance|nacimiento|nacid|出生|生于|生日|日生",
        _births,
        reach=128,
    ),
)
