"""The class of a request is the highest that anybody named, and each raise is told by its rule."""

from __future__ import annotations

from itertools import product

import pytest

from tidegate.core.boundary import DataClass
from tidegate.routing.classify import classify
from tidegate.routing.policy import Alias, Ask, Policy

PUBLIC, INTERNAL, PRIVATE = DataClass.PUBLIC, DataClass.INTERNAL, DataClass.PRIVATE


def policy(default: DataClass = PUBLIC, pinned: DataClass | None = None) -> Policy:
    return Policy(default, {"work": Alias("work", ("box",), pinned)})


@pytest.mark.parametrize("default", DataClass)
def test_without_another_word_the_default_applies(default):
    assert classify(Ask("auto"), policy(default)) == (default, ("CLS001",))


def test_the_clients_class_raises():
    assert classify(Ask("auto", client_class=INTERNAL), policy()) == (INTERNAL, ("CLS001", "CLS002"))


def test_the_aliass_class_raises():
    assert classify(Ask("work"), policy(pinned=PRIVATE)) == (PRIVATE, ("CLS001", "CLS003"))


def test_an_alias_that_pins_nothing_raises_nothing():
    assert classify(Ask("work"), policy()) == (PUBLIC, ("CLS001",))


def test_another_models_alias_raises_nothing():
    assert classify(Ask("box"), policy(pinned=PRIVATE)) == (PUBLIC, ("CLS001",))


def test_the_header_raises():
    assert classify(Ask("auto", wished_class=PRIVATE), policy()) == (PRIVATE, ("CLS001", "CLS004"))


def test_a_header_can_only_raise_the_class():
    assert classify(Ask("auto", wished_class=PUBLIC), policy(PRIVATE)) == (PRIVATE, ("CLS001", "CLS005"))
    assert classify(Ask("auto", INTERNAL, PUBLIC), policy()) == (INTERNAL, ("CLS001", "CLS002", "CLS005"))


def test_a_header_that_asks_for_what_holds_is_neither_followed_nor_ignored():
    assert classify(Ask("auto", wished_class=INTERNAL), policy(INTERNAL)) == (INTERNAL, ("CLS001",))


def test_a_client_or_alias_below_the_default_lowers_nothing():
    assert classify(Ask("work", client_class=PUBLIC), policy(INTERNAL, PUBLIC)) == (INTERNAL, ("CLS001",))


def test_every_step_that_raised_is_told_in_its_order():
    ask = Ask("work", client_class=INTERNAL, wished_class=PRIVATE)
    assert classify(ask, policy(pinned=PRIVATE)) == (PRIVATE, ("CLS001", "CLS002", "CLS003"))
    assert classify(ask, policy()) == (PRIVATE, ("CLS001", "CLS002", "CLS004"))


ANY = [None, *DataClass]


@pytest.mark.parametrize(("default", "client", "pinned", "wished"), list(product(DataClass, ANY, ANY, ANY)))
def test_the_class_is_the_highest_anybody_named(default, client, pinned, wished):
    data_class, codes = classify(Ask("work", client, wished), policy(default, pinned))
    named = [one for one in (default, client, pinned, wished) if one is not None]
    assert data_class.rank == max(one.rank for one in named)
    assert ("CLS005" in codes) is (wished is not None and wished.rank < data_class.rank)
