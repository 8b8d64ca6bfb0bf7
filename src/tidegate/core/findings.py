"""What detection says of a request: which rule found something, where, and how sure it is. Never the value itself.

Pure values between `privacy`, which looks, `routing`, which rules on it, and the ledger, which keeps the codes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

from msgspec import Struct

Group = Literal["personal", "secret", "term", "name", "example", "unscannable"]
Checksum = Literal["valid", "none"]
"""`valid`: check digits were there and are right; `none`: the kind has none."""


class Finding(Struct, frozen=True, gc=False):
    """`start` and `end` are characters of the text that was looked at. `label` is the operator's own name for a term or
    an example, "" for our own rules."""

    code: str
    group: Group
    start: int
    end: int
    checksum: Checksum = "none"
    label: str = ""

    @property
    def tag(self) -> str:
        """How the policy and the ledger name it: `SEN001`, or `term:NAME` for the operator's own."""
        return f"{self.group}:{self.label}" if self.label else self.code


Places = tuple[tuple[Any, tuple[Finding, ...]], ...]
"""What was found, by the place of the text inside the request (`privacy.texts.Place`)."""


class Sight(Struct, frozen=True, gc=False):
    """All that detection found in one request. `failed` is the rule by which the look itself failed, "" if it did not."""

    places: Places = ()
    failed: str = ""

    @property
    def tags(self) -> frozenset[str]:
        if self.failed:
            return frozenset({self.failed})
        return frozenset([finding.tag for _, found in self.places for finding in found])

    @property
    def counts(self) -> dict[str, int]:
        """Tags with how often, for the ledger."""
        if self.failed:
            return {self.failed: 1}
        return dict(sorted(Counter(finding.tag for _, found in self.places for finding in found).items()))

    def joined(self, more: Iterable[tuple[Any, tuple[Finding, ...]]]) -> Sight:
        """With what another tier found, place by place."""
        places: dict[Any, tuple[Finding, ...]] = dict(self.places)
        for place, found in more:
            places[place] = (*places.get(place, ()), *found)
        return Sight(tuple(places.items()), self.failed)


NOTHING_SEEN = Sight()
