"""What is known of the models of one backend: each with its traits, its facts and the dialect that is fitted to it.

Starts with what the dialect declares and what the operator vouches for; measurements come in later and win. Sends
nothing: `measuring` does.
"""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.core.profile import UNKNOWN_TRAITS, Encoding, Fact, Feature, Profile, Traits
from tidegate.core.rulebook import Rulebook
from tidegate.dialects.base import Dialect

PROFILES = Rulebook("PRF", "Profiles")

VOUCHED = PROFILES.rule(
    "PRF001",
    "the operator declares that this feature works",
    why="`[backends.NAME] features` names it. Nobody else can tell of a server that is not at home: it is not probed, as "
    "that would cost money and send requests that nobody asked for.",
    source="Tidegate design, profiles (docs/how-a-request-travels.md), 2026-11-24",
    checked="2026-11-24",
)
FAILED = PROFILES.rule(
    "PRF002",
    "a probe found that this feature does not work here",
    why="The server was asked for it in a short request of ours, through the same dialect as any request, and the answer "
    "was not what the contract promises. It is asked again when its version changes.",
    source="the probe's own run; `tidegate status` shows when",
    checked="2026-11-24",
)


class Profiles:
    """The profiles of one backend, by model."""

    def __init__(
        self, dialect: Dialect, vouched: frozenset[Feature] = frozenset(), encoding: Encoding | None = None
    ) -> None:
        """What the operator says: `vouched` features work, and all models there know this `encoding`."""
        self._encoding = encoding
        self._dialect = dialect if encoding is None else dialect.fitted(Traits(encoding=encoding))
        self._asked = dialect
        self._vouched = vouched
        self._fitted: dict[str, Dialect] = {}
        self._known: dict[str, Profile] = {}
        self.declared = self._declared(self._dialect)

    @property
    def known(self) -> tuple[Profile, ...]:
        """Of the models of which more is known than what is declared for all."""
        return tuple(self._known.values())

    def dialect_for(self, model: str) -> Dialect:
        return self._fitted.get(model, self._dialect)

    def profile(self, model: str) -> Profile:
        return self._known.get(model) or Profile(model, facts=self.declared)

    def fit(self, model: str, traits: Traits) -> None:
        """The server told something of itself: its dialect, and what that declares, follow. Measurements are forgotten."""
        if self._encoding is not None:
            traits = replace(traits, encoding=self._encoding)
        fitted = self._asked if traits == UNKNOWN_TRAITS else self._asked.fitted(traits)
        self._fitted[model] = fitted
        self._known[model] = Profile(model, traits, self._declared(fitted))

    def measured(self, model: str, facts: tuple[Fact, ...]) -> None:
        """Facts that a probe found: each takes the place of the declared one."""
        before = self.profile(model)
        found = {fact.feature: fact for fact in facts}
        kept = tuple(found.pop(fact.feature, fact) for fact in before.facts)
        self._known[model] = Profile(model, before.traits, (*kept, *found.values()))

    def _declared(self, dialect: Dialect) -> tuple[Fact, ...]:
        told = {fact.feature: fact for fact in dialect.declares}
        for feature in sorted(self._vouched):
            if feature not in told or told[feature].way is None:
                told[feature] = Fact(feature, "native", "declared", VOUCHED.code)
        return tuple(told.values())
