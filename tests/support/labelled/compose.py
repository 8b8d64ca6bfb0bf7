"""Puts values into sentences and carriers, and says where they came to lie.

Every text has its own seed, made of its split, kind, variant, language and number: a kind that is added moves no other.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from . import shapes
from .fillers import FILLERS, name
from .kinds import CARRIERS, KINDS, Kind
from .values import LANGUAGES, Label, Labelled, Language, Split, Value, whole

HERE = Path(__file__).parent / "templates"
MARK = re.compile("«([^»]+)»")
SEED = 20261124
EACH = 8
"""Texts per kind, variant and language."""


@cache
def templates(split: Split, language: Language) -> dict[str, Any]:
    return tomllib.loads((HERE / f"{split.replace('-', '_')}_{language}.toml").read_text(encoding="utf-8"))


@cache
def negatives_of(split: Split) -> dict[str, Any]:
    return tomllib.loads((HERE / f"negatives_{split.replace('-', '_')}.toml").read_text(encoding="utf-8"))


@dataclass(slots=True)
class Writing:
    """One text while it grows. `quoted` says that the value stands within quotes or on one line."""

    rng: random.Random
    kind: str
    value: Value
    key: str
    language: Language
    sentence: str = ""
    quoted: bool = False
    text: str = ""
    labels: tuple[Label, ...] = ()

    def write(self, template: str) -> None:
        at = 0
        for mark in MARK.finditer(template):
            self.text += template[at : mark.start()]
            self._fill(mark[1])
            at = mark.end()
        self.text += template[at:]

    def _fill(self, mark: str) -> None:
        match mark:
            case "v":
                self._put(shapes.escaped(self.value) if self.quoted else self.value, self.kind)
            case "k":
                self.text += self.key
            case "K":
                self.text += re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.key).upper()
            case "s":
                self.write(self.sentence)
            case "name":
                self.text += name(self.rng, self.language)
            case "birth":  # rightly found where it is found, but not among the kinds that are measured
                self._put(whole(FILLERS["date"](self.rng)), "date-of-birth")
            case _:
                self.text += FILLERS[mark](self.rng)

    def _put(self, value: Value, kind: str) -> None:
        base = len(self.text)
        self.text += value.text
        self.labels += (Label(kind, base + value.start, base + value.end),)


def shaped(kind: Kind, variant: str, value: Value, rng: random.Random) -> Value:
    """The value as this variant writes it."""
    match variant:
        case "spaces" | "dashes" | "dots" | "nbsp":
            return shapes.separated(value, shapes.SEPARATORS[variant])
        case "wide":
            return shapes.wide_at(value) if kind.group == "email" else shapes.wide(value)
        case "spaced" if kind.group == "email":
            return shapes.spaced_email(value, rng)
        case "spaced" if kind.group == "phone":
            return shapes.spaced_phone(value, rng)
        case "spaced":
            return shapes.spaced(value, rng)
        case "split" if kind.name == "jwt":
            return shapes.split_dots(value, rng)
        case "split" if value.groups:
            return shapes.split_lines(value, rng)
        case _:
            return value


def _patterns(kind: Kind, variant: str, known: dict[str, Any]) -> list[str]:
    if variant in CARRIERS:
        return known["carriers"][variant]
    group = known["groups"][kind.group]
    return group.get(variant, group["plain"])


def variants(kind: Kind, language: Language) -> Iterator[str]:
    """Only Chinese text leaves no space around a value."""
    yield from (variant for variant in kind.variants if language == "zh" or variant != "glued")


def _labelled(split: Split, kind: Kind, variant: str, language: Language, number: int) -> Labelled:
    rng = random.Random(f"{SEED}/{split}/{kind.name}/{variant}/{language}/{number}")
    known = templates(split, language)
    group = known["groups"][kind.group]
    patterns = _patterns(kind, variant, known)
    writing = Writing(
        rng,
        kind.name,
        shaped(kind, variant, kind.make(rng), rng),
        rng.choice(group["keys"]),
        language,
        rng.choice(group["plain"]),
        quoted=variant in CARRIERS and variant != "chat",
    )
    writing.write(patterns[number % len(patterns)])
    return Labelled(writing.text, writing.labels, variant, language)


def labelled(split: Split, each: int = EACH) -> tuple[Labelled, ...]:
    """The labelled texts of a split, always the same."""
    return tuple(
        _labelled(split, kind, variant, language, number)
        for kind in KINDS
        for language in LANGUAGES
        for variant in variants(kind, language)
        for number in range(each)
    )


def negatives(split: Split, each: int = 10 * EACH) -> tuple[Labelled, ...]:
    """Texts in which nothing is to be found; their variant is the kind of trap."""
    found: list[Labelled] = []
    for trap, table in negatives_of(split).items():
        for number in range(each):
            rng = random.Random(f"{SEED}/{split}/{trap}/{number}")
            template = table["texts"][number % len(table["texts"])]
            language: Language = "zh" if re.search("[\u4e00-\u9fff]", template) else "en"
            writing = Writing(rng, "", Value("", 0, 0), "", language)
            writing.write(template)
            found.append(Labelled(writing.text, (), trap, language))
    return tuple(found)
