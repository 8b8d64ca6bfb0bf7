"""National identity and tax numbers whose check digits python-stdnum knows.

A row says how the number is written, which module checks it, and the cue word without which its shape is too common.
The modules are imported when the first candidate is met.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from typing import cast

from tidegate.privacy import rules
from tidegate.privacy.patterns.found import CHECKED, CUED, SHAPED, Detector, Found, Regex, closes, cued, opens
from tidegate.privacy.patterns.gates import EDGE

Check = Callable[[str], bool]
# (pattern, module of stdnum or "", cue word or "")
_ROWS: tuple[tuple[str, str, str], ...] = (
    (
        r"[A-Za-z]{6}[0-9LMNPQRSTUVlmnpqrstuv]{2}[A-EHLMPRSTa-ehlmprst][0-9LMNPQRSTUVlmnpqrstuv]{2}[A-Za-z][0-9LMNPQRSTUVlmnpqrstuv]{3}[A-Za-z]",
        "it.codicefiscale",
        "",
    ),
    (r"[0-9]{8}-?[A-HJ-NP-TV-Z]", "es.dni", ""),
    (r"[XYZ]-?[0-9]{7}-?[A-HJ-NP-TV-Z]", "es.nie", ""),
    (r"[12] ?[0-9]{2} ?(?:0[1-9]|1[0-2]|[2-9][0-9]) ?(?:[0-9]{2}|2[AB]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", "fr.nir", ""),
    (r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", "br.cpf", ""),
    (r"[0-9]{11}", "br.cpf", r"cpf"),
    (r"[0-9]{2}\.[0-9]{3}\.[0-9]{3}/[0-9]{4}-[0-9]{2}", "br.cnpj", ""),
    (r"[STFGM][0-9]{7}[A-Z]", "", ""),
    (r"[A-Z]{1,2}[0-9]{6} ?\(?[0-9A]\)?", "", r"hkid|hong ?kong|香港|身份"),
    (r"[A-Z][12][0-9]{8}", "tw.ubn_or_id", r"身[分份]|台|臺|taiwan|national id"),
    (r"[0-9]{6}-?[1-8][0-9]{6}", "kr.rrn", ""),
    (r"[2-9][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}", "in_.aadhaar", r"aadhaar|uidai"),
    (r"[A-Z]{3}[ABCFGHJLPT][A-Z][0-9]{4}[A-Z]", "in_.pan", ""),
    (r"(?:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]) ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]", "", ""),
    (r"[A-Z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]", "", r"\bnino\b|national insurance"),
    (r"[0-9]{3} ?[0-9]{3} ?[0-9]{4}", "gb.nhs", r"\bnhs\b"),
    (r"[0-9]{10}", "gb.utr", r"\butr\b|tax reference"),
    (r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}", "ca.sin", r"\bsin\b|social insurance"),
    (r"[0-9]{3} ?[0-9]{3} ?[0-9]{3}", "au.tfn", r"\btfn\b|tax file"),
    (r"[0-9]{4} ?[0-9]{5} ?[0-9]", "", r"medicare"),
    (r"[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}", "au.abn", r"\babn\b"),
    (r"[0-9]{11}", "pl.pesel", r"pesel"),
    (r"[0-9]{3}-?[0-9]{3}-?[0-9]{2}-?[0-9]{2}", "pl.nip", r"\bnip\b"),
    (r"[0-9]{9}", "nl.bsn", r"\bbsn\b|burgerservice|sofi"),
    (r"[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}", "de.idnr", r"steuer|tax|idnr|\btin\b"),
    (r"[0-9]{2} ?[0-9]{6} ?[A-Z] ?[0-9]{3}", "", r"sozialversicherung|rentenversicherung|svnr"),
    (r"[0-9]{6}[-+][0-9]{4}", "se.personnummer", ""),
    (r"(?:19|20)[0-9]{6}-?[0-9]{4}", "se.personnummer", r"person"),
    (r"[0-9]{6}[-+A][0-9]{3}[0-9A-FHJ-NPR-Y]", "fi.hetu", ""),
    (r"[0-9]{6} ?[0-9]{5}", "no.fodselsnummer", r"f.dsels|personnummer|norwegian"),
    (r"756\.[0-9]{4}\.[0-9]{4}\.[0-9]{2}", "ch.ssn", ""),
    (r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}", "be.nn", ""),
    (r"[0-9]{9}", "pt.nif", r"\bnif\b|contribuinte"),
    (r"[0-9]{11}", "tr.tckimlik", r"kimlik|tckn"),
    (r"[1-9][0-9]{12}", "ro.cnp", r"\bcnp\b"),
    (r"[0-9]{4} ?[0-9]{4} ?[0-9]{4}", "jp.in_", r"my ?number|マイナンバー|個人番号"),
    (r"[0-9]{2}-[0-9]{7}", "us.ein", r"\bein\b|employer identification|tax id|\bfein\b"),
    (r"9[0-9]{2}-[5-9][0-9]-[0-9]{4}", "us.itin", r""),
    (r"[A-Z]{4}[0-9]{6}[HM][A-Z]{5}[0-9A-Z][0-9]", "mx.curp", ""),
    (r"[0-9]{13}", "za.idnr", r"south africa|\bsa id|id num|identity num"),
)


def _singapore(number: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(number[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True))
    kind = number[0]
    if kind in "TG":
        total += 4
    if kind == "M":
        return "KLJNPQRTUWX"[10 - (total + 3) % 11] == number[8]
    return ("JZIHGFEDCBA" if kind in "ST" else "XWUTRQPNMLK")[total % 11] == number[8]


def _hong_kong(number: str) -> bool:
    plain = re.sub(r"[ ()]", "", number).rjust(9)
    values = [36 if letter == " " else int(letter, 36) for letter in plain]
    return sum(value * weight for value, weight in zip(values, range(9, 0, -1), strict=True)) % 11 == 0


def _taiwan(number: str) -> bool:
    letter = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(number[0]) + 10
    digits = [letter // 10, letter % 10, *map(int, number[1:])]
    return (
        sum(digit * weight for digit, weight in zip(digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10 == 0
    )


_OWN: dict[str, Check] = {r"[STFGM][0-9]{7}[A-Z]": _singapore, r"[A-Z]{1,2}[0-9]{6} ?\(?[0-9A]\)?": _hong_kong}


@cache
def _module(name: str) -> Check:
    if name == "tw.ubn_or_id":
        return _taiwan
    return cast(Check, import_module(f"stdnum.{name}").is_valid)


def _finder(pattern: str, module: str, cue: str) -> Callable[[str], Iterable[Found]]:
    compiled = Regex(pattern)
    word = Regex(f"(?ai){cue}") if cue else None
    own = _OWN.get(pattern)

    def find(text: str) -> Iterator[Found]:
        for found in compiled.finditer(text):
            start, end = found.span()
            if not opens(text, start) or not (closes(text, end) or text[end - 1] == ")"):
                continue
            before, after = text[start - 1 : start], text[end : end + 2]
            if before in ("-", ".", "_", "/") or (after[:1] in ("-", "_", ".") and after[1:].isalnum()):
                continue
            if word is not None and not cued(word, text, start):
                continue
            if own is not None or module:
                if (own or _module(module))(found[0]):
                    yield Found(start, end, rules.TAX_ID, CHECKED, "valid")
            else:
                yield Found(start, end, rules.TAX_ID, CUED if cue else SHAPED)

    return find


def _gate(pattern: str, cue: str) -> str:
    return f"(?i){cue}" if cue else f"{EDGE}(?:{pattern})"


NATIONAL = tuple(
    Detector(f"national {index}", _gate(pattern, cue), _finder(pattern, module, cue), reach=96)
    for index, (pattern, module, cue) in enumerate(_ROWS)
)
