"""Who may ask: with clients only who has a key, without clients only who calls this machine by a local name."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.core.boundary import DataClass
from tidegate.core.errors import AuthenticationFailed, PolicyRefusal
from tidegate.surfaces.auth import Client, Door

ANNA, BERT = Client("anna"), Client("bert", DataClass.PRIVATE)
DOOR = Door({"sk-anna": ANNA, "sk-bert": BERT})


def scope(**headers: str) -> dict[str, Any]:
    return {"headers": [(name.encode(), value.encode("utf-8")) for name, value in headers.items()]}


@pytest.mark.parametrize(("key", "client"), [("sk-anna", ANNA), ("sk-bert", BERT)])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_key_opens_the_door_whatever_the_case_of_its_scheme(scheme: str, key: str, client: Client) -> None:
    assert DOOR.admit(scope(authorization=f"{scheme} {key}")) is client


def test_blanks_around_a_key_do_not_count() -> None:
    assert DOOR.admit(scope(authorization="Bearer  sk-anna ")) is ANNA


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", "sk-anna", "Basic sk-anna", "Bearersk-anna", "Token sk-anna"]
)
def test_without_a_bearer_key_it_says_what_to_send(given: str) -> None:
    headers = {"authorization": given} if given else {}
    with pytest.raises(AuthenticationFailed, match="send `Authorization: Bearer KEY`"):
        DOOR.admit(scope(**headers))


@pytest.mark.parametrize("key", ["sk-ann", "sk-anna2", "SK-ANNA", "sk-anna, sk-bert", "日本", "\udcff"])
def test_a_wrong_key_is_refused_and_not_repeated(key: str) -> None:
    wrong = {"headers": [(b"authorization", b"Bearer " + key.encode("utf-8", "surrogateescape"))]}
    with pytest.raises(AuthenticationFailed, match="your api key is invalid") as refused:
        DOOR.admit(wrong)
    assert key not in refused.value.message


def test_a_wrong_key_from_this_machine_is_refused_too() -> None:
    with pytest.raises(AuthenticationFailed):
        DOOR.admit(scope(host="127.0.0.1", authorization="Bearer wrong"))


def test_with_a_key_any_host_name_will_do() -> None:
    assert DOOR.admit(scope(host="gateway.example", authorization="Bearer sk-anna")) is ANNA


def test_the_door_does_not_hold_the_keys_themselves() -> None:
    held = repr(vars(DOOR))
    assert "anna" in held
    assert "sk-anna" not in held


def test_only_a_door_without_clients_is_open() -> None:
    assert Door({}).open
    assert not DOOR.open


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:4141",
        "localhost:80",
        "127.0.0.1",
        "127.0.0.1:4141",
        "127.9.9.9:1",
        "[::1]",
        "[::1]:4141",
    ],
)
def test_an_open_door_lets_local_names_in(host: str) -> None:
    assert Door({}).admit(scope(host=host)) is None


def test_a_call_without_host_is_a_local_program() -> None:
    assert Door({}).admit(scope()) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:4141",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.evil.example:4141",
        "127.0.0.1.nip.io",
        "127.",
        "0.0.0.0:4141",
        "192.168.1.5:4141",
        "[::2]:4141",
        "[2001:db8::1]",
        "::ffff:8.8.8.8",
        "localhost@evil.example",
        "evil.example#127.0.0.1",
    ],
)
def test_an_open_door_turns_away_every_other_name(host: str) -> None:
    with pytest.raises(PolicyRefusal, match="Host header is not a local name"):
        Door({}).admit(scope(host=host))


def test_a_key_may_come_bare_in_a_header_of_its_own_and_authorization_wins() -> None:
    bare = {b"x-api-key": "sk-anna"}
    assert DOOR.admit({"headers": [(name, value.encode()) for name, value in bare.items()]}, b"x-api-key") is ANNA
    both = scope(authorization="Bearer sk-bert", **{"x-api-key": "sk-anna"})
    assert DOOR.admit(both, b"x-api-key") is BERT
    wrong = scope(authorization="Bearer nobody", **{"x-api-key": "sk-anna"})
    with pytest.raises(AuthenticationFailed):
        DOOR.admit(wrong, b"x-api-key")


def test_a_bare_key_counts_only_where_it_is_asked_for() -> None:
    with pytest.raises(AuthenticationFailed):
        DOOR.admit(scope(**{"x-api-key": "sk-anna"}))
