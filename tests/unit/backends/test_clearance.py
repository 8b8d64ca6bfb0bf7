"""The second wall, without a socket: which class may meet which place, and which address is where it claims to be."""

from __future__ import annotations

from ipaddress import ip_network
from itertools import product

import pytest

from tidegate.backends.base import Endpoint
from tidegate.backends.clearance import check_address, check_class
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import BoundaryBreach

UP_TO = {"public": {"public"}, "internal": {"public", "internal"}, "private": {"public", "internal", "private"}}
TABLE = {
    (boundary, accepts, data_class): data_class in UP_TO[accepts] and (boundary, data_class) != ("external", "private")
    for boundary, accepts, data_class in product(("device", "private", "external"), UP_TO, UP_TO)
}


def endpoint(boundary: str, accepts: str = "private", *networks: str) -> Endpoint:
    return Endpoint(
        name="place",
        boundary=Boundary(boundary),
        accepts=DataClass(accepts),
        host="host.example",
        port=443,
        networks=tuple(map(ip_network, networks)),
    )


@pytest.mark.parametrize(("boundary", "accepts", "data_class"), TABLE)
def test_a_class_meets_a_place_only_as_the_table_says(boundary: str, accepts: str, data_class: str) -> None:
    place = endpoint(boundary, accepts)
    if TABLE[boundary, accepts, data_class]:
        check_class(place, DataClass(data_class))
    else:
        with pytest.raises(BoundaryBreach, match=f"a {data_class} request must not reach backend 'place'"):
            check_class(place, DataClass(data_class))


def test_the_table_lets_something_through_and_stops_something() -> None:
    assert sum(TABLE.values()) == 17
    assert not TABLE["external", "private", "private"]


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.255.255.254", "::1", "::1%lo", "::ffff:127.0.0.1", "::ffff:7f00:1"]
)
def test_a_loopback_address_is_this_device(address: str) -> None:
    check_address(endpoint("device"), address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "::",
        "::ffff:0.0.0.0",
        "8.8.8.8",
        "10.0.0.1",
        "192.168.1.2",
        "169.254.169.254",
        "::ffff:8.8.8.8",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fe80::1%lo",
        "2001:4860:4860::8888",
        "255.255.255.255",
    ],
)
def test_any_other_address_is_not_this_device(address: str) -> None:
    with pytest.raises(BoundaryBreach, match="outside that boundary; check `base_url` and `networks`"):
        check_address(endpoint("device"), address)


@pytest.mark.parametrize(
    ("address", "networks", "inside"),
    [
        ("10.1.2.3", ["10.0.0.0/8"], True),
        ("::ffff:10.1.2.3", ["10.0.0.0/8"], True),
        ("11.0.0.1", ["10.0.0.0/8"], False),
        ("::ffff:11.0.0.1", ["10.0.0.0/8"], False),
        ("9.255.255.255", ["10.0.0.0/8"], False),
        ("192.168.7.9", ["10.0.0.0/8", "192.168.7.0/24"], True),
        ("192.168.8.9", ["10.0.0.0/8", "192.168.7.0/24"], False),
        ("fd00::5", ["fd00::/8"], True),
        ("fe80::5%eth0", ["fe80::/10"], True),
        ("fe80::5%eth0", ["fd00::/8"], False),
        ("127.0.0.1", ["10.0.0.0/8"], False),
        ("169.254.169.254", ["10.0.0.0/8"], False),
        ("0.0.0.0", ["10.0.0.0/8"], False),
        ("10.1.2.3", [], False),
    ],
)
def test_a_private_place_lies_in_its_own_networks_only(address: str, networks: list[str], inside: bool) -> None:
    place = endpoint("private", "private", *networks)
    if inside:
        check_address(place, address)
    else:
        with pytest.raises(BoundaryBreach):
            check_address(place, address)


def test_a_device_is_not_widened_by_networks() -> None:
    with pytest.raises(BoundaryBreach):
        check_address(endpoint("device", "private", "10.0.0.0/8"), "10.0.0.1")


@pytest.mark.parametrize("address", ["8.8.8.8", "127.0.0.1", "2001:4860:4860::8888"])
def test_an_external_place_may_be_anywhere(address: str) -> None:
    check_address(endpoint("external", "public"), address)


def test_a_breach_names_the_backend_and_not_the_address() -> None:
    with pytest.raises(BoundaryBreach) as stopped:
        check_address(endpoint("device"), "203.0.113.7")
    assert "'place'" in stopped.value.message
    assert "203.0.113.7" not in stopped.value.message
