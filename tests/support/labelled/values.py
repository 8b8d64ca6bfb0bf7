"""What a labelled text is, and what the makers of values hand to the templates.

Values only. Nothing here may know the detectors: the labels say what a person would find, not what a rule finds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Split = Literal["dev", "held-out"]
Language = Literal["en", "zh"]
SPLITS: tuple[Split, ...] = ("dev", "held-out")
LANGUAGES: tuple[Language, ...] = ("en", "zh")


class Label(NamedTuple):
    """What must not leave: of a URL or an assignment the password, of a header the token, else the whole value."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text with its labels; a hard negative has none, and its variant is what it is (`order`, `isbn` ...)."""

    text: str
    labels: tuple[Label, ...]
    variant: str
    language: Language


@dataclass(frozen=True, slots=True)
class Value:
    """A made value as people write it. `start` and `end` bound what is secret of it.

    `groups` are its parts in the usual grouping, for values that are also written with other separators.
    """

    text: str
    start: int
    end: int
    groups: tuple[str, ...] = ()


def whole(text: str, groups: tuple[str, ...] = ()) -> Value:
    return Value(text, 0, len(text), groups)


def inside(before: str, secret: str, after: str = "") -> Value:
    return Value(before + secret + after, len(before), len(before) + len(secret))
