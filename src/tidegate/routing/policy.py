"""The policy as plain values: what class a request has, what names mean, who may ask. Built from the configuration."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

from tidegate.catalog.contracts import DEFAULT_PROFILE, Contract, contract_named
from tidegate.core.boundary import DataClass
from tidegate.core.decision import OnBreak, Order
from tidegate.core.profile import Feature


@dataclass(frozen=True, slots=True)
class Alias:
    """A name for one or more targets, each `backend/model` or a backend's name; may pin a class."""

    name: str
    targets: tuple[str, ...]
    data_class: DataClass | None = None
    order: Order = "configured"
    each: bool = False
    """All targets answer, not only the first that can."""
    on_break: OnBreak | None = None
    """None: as for every other name."""


Action = Literal["allow", "mask", "local", "block"]
"""From the most lenient to the strictest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the policy; all its conditions must hold, an empty one or None holds always.

    `found` are tags of findings (`core.findings`), groups resolved. `from_minute` to `to_minute` is the time of day in
    UTC, over midnight if the second is not the later one; `days` counts from Monday = 0.
    """

    name: str
    clients: frozenset[str] = frozenset()
    models: re.Pattern[str] | None = None
    found: frozenset[str] | None = None
    min_bytes: int = 0
    max_bytes: int | None = None
    from_minute: int | None = None
    to_minute: int = 0
    days: frozenset[int] = frozenset()
    data_class: DataClass | None = None
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    default_class: DataClass = DataClass.PUBLIC
    aliases: dict[str, Alias] = field(default_factory=dict[str, Alias])
    contract: Contract = field(default_factory=lambda: contract_named(DEFAULT_PROFILE))
    rewrites_legacy: bool = False
    """Whether names that the hosted API has retired still work here."""
    rows: tuple[Row, ...] = ()
    maskable: frozenset[str] = frozenset()
    """Tags of findings that a pseudonym can stand for."""
    order: Order = "configured"
    """For every name but an alias, which has its own."""
    on_break: OnBreak = "fail"

    @property
    def balances(self) -> bool:
        """Whether anything is ordered by figures, so that they must be kept."""
        return "balanced" in (self.order, *(alias.order for alias in self.aliases.values()))


class Ruling(Struct, frozen=True, gc=False):
    """What the rows say of one request. `data_class` is that of the request as it is, `left_class` that of the request
    once everything in `masks` is masked; they are the same where nothing is to be masked. `spoke` are the names of the
    rows that applied, `codes` the rules by which the class was raised."""

    data_class: DataClass = DataClass.PUBLIC
    left_class: DataClass = DataClass.PUBLIC
    action: Action | None = None
    masks: frozenset[str] = frozenset()
    spoke: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    blocked_by: str | None = None


NO_RULING = Ruling()


class Ask(Struct, frozen=True, gc=False):
    """What routing needs to know of a request. `wished_class` is what the client's header asked for.

    `renamed_from` is another provider's model that the client asked for and that the surface takes for this one.
    `ruling` is what the policy's rows say of it; `was_private`: its conversation was private before.
    `needs` are the features that the answer depends on; `says_thinking`: the request itself says how it should think.
    """

    model: str
    client_class: DataClass | None = None
    wished_class: DataClass | None = None
    renamed_from: str = ""
    needs: frozenset[Feature] = frozenset()
    says_thinking: bool = False
    ruling: Ruling = NO_RULING
    was_private: bool = False
