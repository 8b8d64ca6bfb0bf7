"""What the operator's policy lets out of one request, read off the configuration a second time.

On purpose not with the parts that serve requests: a fault in their reading must show as a difference. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tidegate.app.canary_values import Kind, Planted
from tidegate.config import Config, PolicyRow

RANKS = {"public": 0, "internal": 1, "private": 2}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MASKABLE = ("personal", "secret", "term")
UNSCANNABLE = "SEN095"
_DETECTION_OFF = "[privacy] detect = false"


@dataclass(frozen=True, slots=True)
class Asked:
    """What rows look at. `said` is the class by everything but rows and findings."""

    client: str | None
    model: str
    said: str
    found: frozenset[str]
    size_bytes: int
    at: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """`left_class` is the class of what is left when `masks` are masked; `allowed` says by which row a tag may leave."""

    left_class: str
    masks: frozenset[str]
    blocked: bool
    allowed: dict[str, str]

    def lets(self, one: Planted, accepts: str) -> bool:
        """Whether a server outside that takes this class may have the value."""
        if self.blocked or RANKS[self.left_class] > RANKS[accepts]:
            return False
        return one.kind.tag not in self.masks

    def by(self, one: Planted) -> str:
        """What lets it out; "" for what nobody has to protect, such as a word in a public request."""
        return self.allowed.get(one.kind.tag, "")


def highest(*said: str | None) -> str:
    return max((one for one in said if one), key=RANKS.__getitem__, default="public")


def judge(config: Config, kinds: Iterable[Kind], asked: Asked) -> Verdict:
    groups = {kind.tag: kind.group or "" for kind in kinds if kind.tag} | {UNSCANNABLE: "unscannable"}
    if not config.privacy.detect:
        return Verdict(asked.said, frozenset(), False, dict.fromkeys(asked.found, _DETECTION_OFF))
    left, masks, allowed = asked.said, set[str](), dict[str, str]()
    spoken, blocked = set[str](), False
    for row in config.policy:
        hits = _hits(row, groups, asked)
        if hits is None:
            continue
        spoken |= hits
        left = highest(left, row.data_class, "private" if row.action == "local" else None)
        blocked = blocked or row.action == "block"
        if row.action == "mask":
            veiled = {tag for tag in hits if groups[tag] in _MASKABLE}
            masks |= veiled
            left = highest(left, "private" if hits - veiled else None)
        allowed |= dict.fromkeys(hits, row.name)
    if asked.found - spoken:
        left = "private"
    return Verdict(left, frozenset(masks), blocked, allowed)


def _hits(row: PolicyRow, groups: dict[str, str], asked: Asked) -> frozenset[str] | None:
    """The tags that the row speaks of; None: it does not apply."""
    if (row.clients and asked.client not in row.clients) or not _is_then(row, asked.at):
        return None
    if row.models and not any(_fits(pattern, asked.model) for pattern in row.models):
        return None
    if not (row.min_bytes or 0) <= asked.size_bytes <= (asked.size_bytes if row.max_bytes is None else row.max_bytes):
        return None
    words = row.found or (("any",) if row.action in ("mask", "allow") else ())
    if not words:
        return frozenset()
    hits = frozenset(tag for tag in asked.found if {"any", tag, groups[tag]} & set(words))
    return hits or None


def _fits(pattern: str, model: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), model) is not None


def _is_then(row: PolicyRow, at: float) -> bool:
    then = datetime.fromtimestamp(at, UTC)
    if row.days and _DAYS[then.weekday()] not in row.days:
        return False
    if row.hours is None:
        return True
    begin, end = row.hours.split("-")
    now = f"{then:%H:%M}"
    return begin <= now < end if begin < end else now >= begin or now < end
