"""Names, places and addresses in Chinese: jieba's dictionary and hidden Markov model, filtered, and patterns.

Imported in a worker process only. jieba's own cache of its dictionary, a file in a folder that everybody can write to, is
neither read nor written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from tidegate.privacy.rules import NAME as PERSON
from tidegate.privacy.rules import PLACE
from tidegate.privacy.slow.names import countries, lists

_lists = lists("chinese")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_SURNAMES = frozenset(_lists["surnames"])
_TWO_CHARACTER_SURNAMES = frozenset(_lists["two_character_surnames"])
_GIVEN = frozenset(_lists["given"])
_EVERYDAY = frozenset(_lists["everyday_surnames"])
_CUES = (
    "姓名|患者|病人|联系人|收件人|收货人|客户|员工|户主|申请人|被告人?|原告|当事人|法人|法定代表人|负责人|经理|老师|同学|同事|"
    "医生|护士|律师|我叫|他叫|她叫|名叫|我是|本人|叫做?|甲方|乙方|家属|学生|签字人?|经办人|持卡人|投保人|被保险人|"
    "股东|董事|主任|教授|朋友|邻居|房东|租客|司机|先生|女士"
)
_TITLES = (
    "先生|女士|小姐|太太|老师|医生|大夫|律师|经理|教授|同学|主任|阿姨|叔叔|师傅|工程师|护士|法官|警官|"
    "总(?![结是体共数量部在有之算会和额值监经能])"
)
_SURNAME = f"(?:{'|'.join(sorted(_TWO_CHARACTER_SURNAMES))}|[{''.join(sorted(_SURNAMES))}])"
_AFTER_CUE = re.compile(rf"(?:{_CUES})(?:姓名)?(?:是|为|叫)?[:：]?\s{{0,2}}({_SURNAME}[\u4e00-\u9fff]{{1,2}})")
_BEFORE_CUE = re.compile(
    rf"(?:{_CUES}|{_TITLES}|的|和|与|给|请|由|向|跟|同|找|是|把|被|让|帮|对|抄送|儿子|女儿|[\s，。、：:；（(“\"]|^)$"
)
_TITLE_NEXT = re.compile(rf"(?:{_TITLES})")
_TITLED = re.compile(
    rf"(?<![\u4e00-\u9fff])({_SURNAME}[\u4e00-\u9fff]{{0,2}}?)(?:{_TITLES})(?![\u4e00-\u9fff]{{0,1}}们)"
)
_ENDS_NO_NAME = frozenset(_lists["ends_no_name"])
_NUMBER = r"[0-9０-９一二三四五六七八九十百零〇]{1,6}"
_ADDRESS = re.compile(
    r"(?:[\u4e00-\u9fff]{2,8}?(?:省|自治区))?(?:[\u4e00-\u9fff]{2,8}?(?:市|自治州|地区|盟))?"
    r"(?:[\u4e00-\u9fff]{1,8}?(?:区|县|旗))?(?:[\u4e00-\u9fff]{1,8}?(?:镇|乡|街道|村|社区))?"
    rf"(?:[\u4e00-\u9fff]{{1,8}}?(?:路|街|大道|大街|巷|胡同|弄|道))(?:[东西南北中])?(?:[一二三四五六七八九十]段)?{_NUMBER}(?:号|弄)(?:院|楼)?"
    rf"(?:[\u4e00-\u9fff]{{0,8}}?{_NUMBER}(?:号楼|栋|幢|座|单元|层|楼|室|号|房))*(?:[A-Za-z]座)?(?:{_NUMBER}室)?"
)
_ESTATE = re.compile(
    rf"[\u4e00-\u9fff]{{2,8}}(?:小区|花园|家园|公寓|大厦|苑|新村|广场){_NUMBER}(?:号楼|栋|幢|座|号|单元)(?:{_NUMBER}(?:单元|层|楼|室|号|房))*"
)
# In front of an address and no part of it.
_LEAD = re.compile(r"^.*(?:地址|住址|住在|位于|搬到|寄到|送到|寄往|送往|居住于|家住|住|在|到|往|是|为|至)")
_REGIONS = frozenset(_lists["regions"])
_TOWNS = frozenset(_lists["towns"])
_FAMOUS = frozenset(_lists["famous"])


class ChineseNames:
    def __init__(self) -> None:
        jieba: Any = import_module("jieba")
        tagging: Any = import_module("jieba.posseg")
        words = jieba.dt
        if not words.initialized:
            words.FREQ, words.total = words.gen_pfdict(words.get_dict_file())
            words.initialized = True
        self._tagger: Any = tagging.dt

    def names(self, text: str) -> Iterator[tuple[int, int, str]]:
        if not _HAN.search(text):
            return
        place: tuple[int, int] | None = None
        surname: tuple[int, str] | None = None
        for start, word, tag in self._words(text):
            end = start + len(word)
            if surname and is_given(word, tag, surname[1]):
                yield surname[0], end, PERSON
            surname = (start, tag) if word in _SURNAMES or word in _TWO_CHARACTER_SURNAMES else None
            if tag.startswith("nr") and is_person(word, tag, text[max(0, start - 6) : start], text[end : end + 4]):
                yield start, end, PERSON
            if (tag == "ns" or word in _TOWNS) and is_place(word):
                # Parts of one address stand side by side.
                if place and place[1] == start:
                    place = (place[0], end)
                else:
                    if place:
                        yield *place, PLACE
                    place = (start, end)
        if place:
            yield *place, PLACE
        yield from by_pattern(text)

    def _words(self, text: str) -> Iterator[tuple[int, str, str]]:
        at = 0
        for pair in self._tagger.cut(text):
            at = text.index(pair.word, at)
            yield at, pair.word, pair.flag
            at += len(pair.word)


def by_pattern(text: str) -> Iterator[tuple[int, int, str]]:
    for found in _AFTER_CUE.finditer(text):
        start, end = found.span(1)
        # Two characters of a given name, or one: the second may begin the next word.
        while end - start > 2 and text[end - 1] in _ENDS_NO_NAME:
            end -= 1
        if text[end - 1] not in _ENDS_NO_NAME and text[start:end] not in _FAMOUS:
            yield start, end, PERSON
    for found in _TITLED.finditer(text):
        yield *found.span(1), PERSON
    for pattern in (_ADDRESS, _ESTATE):
        for found in pattern.finditer(text):
            start, end = found.span()
            if lead := _LEAD.match(text[start:end]):
                start += lead.end()
            yield start, end, PLACE


def is_person(word: str, tag: str, before: str, after: str) -> bool:
    """Whether what jieba calls a name (`nr`, `nrt` for a foreign one) is one that points to somebody."""
    if word in _FAMOUS or not all(_HAN.match(letter) or letter == "·" for letter in word):
        return False
    if tag == "nrt":
        return len(word) >= 3
    surname = 2 if word[:2] in _TWO_CHARACTER_SURNAMES else 1
    if surname == 1 and word[0] not in _SURNAMES:
        return False
    if not surname < len(word) <= surname + 2 or word[-1] in _ENDS_NO_NAME:
        return False
    beside_a_cue = bool(_BEFORE_CUE.search(before) or _TITLE_NEXT.match(after))
    if word[0] in _EVERYDAY and surname == 1 and not beside_a_cue:
        return False
    return not _GIVEN.isdisjoint(word[surname:])


def is_given(word: str, tag: str, surname_tag: str) -> bool:
    """The given name after a surname that jieba left alone: one that it knows as such, or a word (建国, 立新) made of the
    characters of given names."""
    if len(word) > 2:
        return False
    if tag.startswith("nr"):
        return not _GIVEN.isdisjoint(word)
    return surname_tag[0] in "nz" and tag[0] in "navtzid" and _GIVEN.issuperset(word)


def is_place(word: str) -> bool:
    return len(word) >= 2 and word not in _REGIONS and word not in countries()
