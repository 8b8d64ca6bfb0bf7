"""What routing says and why: the snapshot it looked at, a verdict per backend, and the candidates in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.profile import Fact, Feature, Profile
from tidegate.core.requests import ThinkingSwitch

Health = Literal["up", "starting", "down", "unknown"]
Order = Literal["configured", "hosted-first", "local-first", "by-needs", "balanced"]
"""By what the candidates of a decision are ordered."""
OnBreak = Literal["fail", "continue"]
"""What becomes of an answer that breaks off half-way."""


@dataclass(frozen=True, slots=True)
class BackendView:
    """A backend as routing sees it. `models` is what it serves, the first being its default; empty = not known yet."""

    name: str
    boundary: Boundary
    accepts: DataClass
    health: Health
    models: tuple[str, ...]
    serves_any: bool = False
    """It answers to names it does not list (a generic server whose list could not be read)."""
    note: str = ""
    """What a person must know of it: that it is a demo model, or why it is not trusted with more."""
    unattested: bool = False
    """It is external because nothing has shown that it keeps requests; `note` says what is missing."""
    declared: tuple[Fact, ...] = ()
    """What is said of every model there; `profiles` are those of which more is known."""
    profiles: tuple[Profile, ...] = ()

    def profile(self, model: str) -> Profile:
        return next((one for one in self.profiles if one.model == model), Profile(model, facts=self.declared))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All backends at one moment, in the order of preference."""

    backends: tuple[BackendView, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One backend kept or dropped, by which rule."""

    backend: str
    code: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """`masked`: it may only be sent the request with pseudonyms."""

    backend: str
    model: str
    masked: bool = False


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A retired name and what it meant: a model, and the thinking switch (None: the contract's default)."""

    asked: str
    model: str
    thinking: ThinkingSwitch | None


Refusal = Literal[
    "unknown_model",
    "unknown_backend",
    "model_not_served",
    "class_forbids",
    "nothing_local",
    "no_backend",
    "lacks_feature",
    "blocked",
]


@dataclass(frozen=True, slots=True)
class Decision:
    """The routing choice. `candidates` may be tried in this order and no others may; empty means `refusal` says why.

    `data_class` is that of the request as it is, `left_class` that of the request once it is masked."""

    asked_model: str
    data_class: DataClass
    rules: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    candidates: tuple[Candidate, ...]
    refusal: Refusal | None = None
    rewritten: Rewritten | None = None
    needs: frozenset[Feature] = frozenset()
    left_class: DataClass | None = None
    each: bool = False
    """Every candidate answers, and the client gets all answers in one."""
    continues: bool = False
    """When the answer breaks off half-way, another candidate goes on from the text so far, where it can."""

    @property
    def masked_class(self) -> DataClass:
        return self.left_class or self.data_class
