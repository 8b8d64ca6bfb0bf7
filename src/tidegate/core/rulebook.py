"""Rules: numbered, documented facts and checks. A code is given once and explains itself everywhere.

Every quirk, routing rule and class rule is a `Rule`; `tidegate explain CODE` and the reference page read the same books.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_CODE = re.compile(r"[A-Z]{3}\d{3}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `source` is a URL, a document with its date, or a recording; `checked` is when someone last looked."""

    code: str
    title: str
    why: str
    source: str
    checked: str


class Rulebook:
    """The rules of one prefix, in the order they were written; refuses a foreign or repeated code."""

    def __init__(self, prefix: str, title: str) -> None:
        self.prefix = prefix
        self.title = title
        self._rules: dict[str, Rule] = {}

    def rule(self, code: str, title: str, *, why: str, source: str, checked: str) -> Rule:
        if not _CODE.fullmatch(code) or not code.startswith(self.prefix):
            raise ValueError(f"rule code {code!r} does not belong to the book {self.prefix!r}")
        if code in self._rules:
            raise ValueError(f"rule code {code} is already taken")
        if not (title and why and source) or not _DATE.fullmatch(checked):
            raise ValueError(f"rule {code} needs a title, a why, a source and a checked-on date")
        self._rules[code] = rule = Rule(code, title, why, source, checked)
        return rule

    def find(self, code: str) -> Rule | None:
        return self._rules.get(code)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules.values())

    def __len__(self) -> int:
        return len(self._rules)
