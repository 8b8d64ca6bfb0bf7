"""The policy as plain values: what class a request has, what names mean, who may ask. Built from the configuration."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import Struct

from tidegate.catalog.contracts import DEFAULT_PROFILE, Contract, contract_named
from tidegate.core.boundary import DataClass
from tidegate.core.decision import Order
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


@dataclass(frozen=True, slots=True)
class Policy:
    default_class: DataClass = DataClass.PUBLIC
    aliases: dict[str, Alias] = field(default_factory=dict[str, Alias])
    contract: Contract = field(default_factory=lambda: contract_named(DEFAULT_PROFILE))
    rewrites_legacy: bool = False
    """Whether names that the hosted API has retired still work here."""
    order: Order = "configured"
    """For every name but an alias, which has its own."""

    @property
    def balances(self) -> bool:
        """Whether anything is ordered by figures, so that they must be kept."""
        return "balanced" in (self.order, *(alias.order for alias in self.aliases.values()))


class Ask(Struct, frozen=True, gc=False):
    """What routing needs to know of a request. `wished_class` is what the client's header asked for.

    `renamed_from` is another provider's model that the client asked for and that the surface takes for this one.
    `needs` are the features that the answer depends on; `says_thinking`: the request itself says how it should think.
    """

    model: str
    client_class: DataClass | None = None
    wished_class: DataClass | None = None
    renamed_from: str = ""
    needs: frozenset[Feature] = frozenset()
    says_thinking: bool = False
