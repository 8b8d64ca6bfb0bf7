"""The hosted context cache as a model: which part of a prompt is already known. Pure; time comes in as seconds.

A request stores one unit at the end of its input and one at the end of input and output, each cut back to whole blocks
after `reserve_tokens`; a later request gets the longest stored unit that is a complete prefix of it and leaves as many
tokens at its end. This reproduces every row measured on 2026-07-27 (chatdeepai/deepseek-api-reproducible-tests); it is
an inference, not documentation.
Holds one digest per unit, never tokens.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from tidegate.catalog.contracts.contract import CacheParameters

Owner = tuple[str, str]
"""Account and `user_id`: one of a pair never sees what the other stored."""

_DIGEST_BYTES = 16
MOST_UNITS = 200_000


@dataclass(frozen=True, slots=True)
class _Unit:
    ready_s: float
    gone_s: float


class PrefixCache:
    """`detects_common_prefixes` is documented rule 2 (A+B, A+C, then A+D hits A).

    It is off by default: measured on 2026-07-27, a prompt changed in a late line hit nothing although an earlier request
    had shared its beginning with two others.
    """

    def __init__(
        self, parameters: CacheParameters, *, detects_common_prefixes: bool = False, most_units: int = MOST_UNITS
    ) -> None:
        self._parameters = parameters
        self._detects = detects_common_prefixes
        self._most_units = most_units
        self._units: OrderedDict[tuple[Owner, bytes], _Unit] = OrderedDict()
        self._seen: OrderedDict[tuple[Owner, bytes], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._units)

    def clear(self) -> None:
        self._units.clear()
        self._seen.clear()

    def lookup(self, owner: Owner, tokens: Sequence[int], now_s: float) -> int:
        """Tokens of the longest live unit that begins this prompt. At least one token is always computed anew.

        The reserve counts here too: without it the row 132 -> 0 would hit the unit that its own output completed.
        """
        hit = 0
        for end, digest in self._prefixes(tokens, len(tokens) - max(1, self._parameters.reserve_tokens)):
            unit = self._units.get((owner, digest))
            if unit is not None and unit.ready_s <= now_s < unit.gone_s:
                hit = end
        return hit

    def store(self, owner: Owner, prompt: Sequence[int], output: Sequence[int], now_s: float) -> None:
        """Keep the units of an answered request."""
        whole = [*prompt, *output]
        ends = {self._unit_end(len(prompt)), self._unit_end(len(whole))}
        if interval := self._parameters.interval_tokens:
            ends |= {self._cut(end) for end in range(interval, len(whole) + 1, interval)}
        common = (0, b"")
        for end, digest in self._prefixes(whole, len(whole)):
            if end in ends:
                self._keep(owner, digest, now_s)
            if self._detects and end <= len(prompt):
                if (owner, digest) in self._seen:
                    common = (end, digest)
                self._remember(owner, digest)
        if common[0]:
            self._keep(owner, common[1], now_s)

    def _cut(self, end: int) -> int:
        return end // self._parameters.block_tokens * self._parameters.block_tokens

    def _unit_end(self, end: int) -> int:
        return self._cut(max(0, end - self._parameters.reserve_tokens))

    def _prefixes(self, tokens: Sequence[int], most: int) -> Iterator[tuple[int, bytes]]:
        """The end and digest of each prefix of whole blocks, shortest first."""
        block = self._parameters.block_tokens
        running = blake2b(digest_size=_DIGEST_BYTES)
        for begin in range(0, self._cut(max(0, most)), block):
            running.update(array("I", tokens[begin : begin + block]).tobytes())
            yield begin + block, running.digest()

    def _keep(self, owner: Owner, digest: bytes, now_s: float) -> None:
        """A unit that is there already stays ready; its life begins anew."""
        known = self._units.pop((owner, digest), None)
        ready_s = now_s + self._parameters.build_delay_s
        if known is not None and known.gone_s > now_s:
            ready_s = min(ready_s, known.ready_s)
        self._units[owner, digest] = _Unit(ready_s, now_s + self._parameters.ttl_s)
        while len(self._units) > self._most_units:
            self._units.popitem(last=False)

    def _remember(self, owner: Owner, digest: bytes) -> None:
        self._seen[owner, digest] = None
        self._seen.move_to_end((owner, digest))
        while len(self._seen) > self._most_units:
            self._seen.popitem(last=False)
