"""Errors between the processes: each of the tree comes back as it went, and nothing else is made of a name."""

from __future__ import annotations

import inspect

import pytest

from tidegate.core import errors
from tidegate.core.errors import GatewayError
from tidegate.steward.errors import Told, error_of, told

TREE = [one for one in vars(errors).values() if inspect.isclass(one) and issubclass(one, GatewayError)]


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_error_of_the_tree_comes_back(kind: type[GatewayError]) -> None:
    again = error_of(told(kind("said", retry_after_s=2.0)))
    assert (type(again), again.message, again.retry_after_s) == (kind, "said", 2.0)


@pytest.mark.parametrize("name", ["ValueError", "annotations", "ClassVar", "os", ""])
def test_a_name_that_the_tree_does_not_have_is_the_gateways_fault(name: str) -> None:
    assert type(error_of(Told(name, "said"))) is GatewayError
