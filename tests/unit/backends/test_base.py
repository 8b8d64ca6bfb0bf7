"""An endpoint is a value: fixed, comparable by what it says, and silent about its key."""

from __future__ import annotations

import dataclasses

import pytest

from tidegate.backends.base import Endpoint
from tidegate.core.boundary import Boundary, DataClass

ENDPOINT = Endpoint(
    name="den", boundary=Boundary.DEVICE, accepts=DataClass.PRIVATE, host="127.0.0.1", port=8080, key="sk-secret"
)


def test_an_endpoint_never_shows_its_key() -> None:
    assert "sk-secret" not in repr(ENDPOINT)
    assert "sk-secret" not in f"{[ENDPOINT]}"


def test_an_endpoint_cannot_be_moved_to_another_boundary() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ENDPOINT.boundary = Boundary.EXTERNAL  # type: ignore[misc]


def test_an_endpoint_without_more_is_plain_http_at_the_root_without_key_or_networks() -> None:
    plain = Endpoint(name="a", boundary=Boundary.DEVICE, accepts=DataClass.PRIVATE, host="127.0.0.1", port=1)
    assert (plain.scheme, plain.base_path, plain.key, plain.networks) == ("http", "", None, ())
