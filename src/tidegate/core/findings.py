"""What detection says of a request: which rule found something, where, and how sure it is. Never the value itself.

Pure values between `privacy`, which looks, `routing`, which rules on it, and the ledger, which keeps the codes.
"""

from __future__ import annotations

from typing import Literal

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
