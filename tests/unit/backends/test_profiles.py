"""What is known of a backend's models, and which word wins: measured over declared, declared over vouched."""

from __future__ import annotations

from dataclasses import replace

from tidegate.backends.profiles import Profiles
from tidegate.core.profile import UNKNOWN_TRAITS, Fact, Traits
from tidegate.dialects.base import Dialect
from tidegate.dialects.generic import GENERIC

JSON = Fact("json", "native", "declared", "GEN009")
NO_PREFIX = Fact("prefix", "refused", "declared", "GEN003")


def fit(dialect: Dialect, traits: Traits) -> Dialect:
    way = "native" if traits.continues else "refused"
    return replace(dialect, title="fitted", declares=(JSON, replace_way(NO_PREFIX, way)))


def replace_way(fact: Fact, way: str) -> Fact:
    return Fact(fact.feature, "native" if way == "native" else "refused", fact.basis, fact.code)


PLAIN = replace(GENERIC, declares=(JSON, NO_PREFIX), fit=fit)


def test_before_anything_is_known_the_dialect_speaks_for_all_models():
    profiles = Profiles(PLAIN)
    assert profiles.declared == (JSON, NO_PREFIX)
    assert profiles.known == ()
    assert profiles.profile("m").facts == (JSON, NO_PREFIX)
    assert profiles.dialect_for("m") is PLAIN


def test_traits_fit_the_dialect_of_one_model():
    profiles = Profiles(PLAIN)
    profiles.fit("m", Traits(continues=True))
    assert profiles.dialect_for("m").title == "fitted"
    assert profiles.dialect_for("other") is PLAIN
    assert profiles.profile("m").offers("prefix")
    assert not profiles.profile("other").offers("prefix")


def test_no_traits_are_no_reason_to_fit():
    profiles = Profiles(PLAIN)
    profiles.fit("m", UNKNOWN_TRAITS)
    assert profiles.dialect_for("m") is PLAIN


def test_a_measurement_wins_until_the_server_is_another():
    profiles = Profiles(PLAIN)
    failed = Fact("json", "refused", "measured", "PRF002")
    found = Fact("fim", "native", "measured")
    profiles.fit("m", Traits(version="1"))
    profiles.measured("m", (failed, found))
    assert profiles.profile("m").facts == (failed, NO_PREFIX, found)
    profiles.fit("m", Traits(version="2"))
    assert profiles.profile("m").facts == (JSON, NO_PREFIX)


def test_the_operator_speaks_where_nobody_else_does():
    profiles = Profiles(PLAIN, frozenset({"fim", "prefix"}))
    assert profiles.profile("m").fact("fim") == Fact("fim", "native", "declared", "PRF001")
    assert profiles.profile("m").fact("prefix") == NO_PREFIX, "the dialect refuses it, whatever anybody says"


def test_the_operators_encoding_is_a_trait_of_every_model():
    def speaks(dialect: Dialect, traits: Traits) -> Dialect:
        return replace(dialect, title=str(traits.encoding))

    profiles = Profiles(replace(PLAIN, fit=speaks), encoding="v4.1")
    assert profiles.dialect_for("m").title == "v4.1"
    profiles.fit("m", UNKNOWN_TRAITS)
    assert profiles.dialect_for("m").title == "v4.1"
    assert profiles.profile("m").traits == Traits(encoding="v4.1")
