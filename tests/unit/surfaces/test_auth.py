"""Who may ask: with clients only who has a key, without clients only who calls this machine by a local name."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.hands import Hands

from tidegate.core.boundary import DataClass
from tidegate.core.errors import AuthenticationFailed, LimitReached, PolicyRefusal
from tidegate.core.terms import Terms
from tidegate.keys.order import KeyRecord
from tidegate.surfaces.attempts import BURST, Attempts
from tidegate.surfaces.auth import Caller, Client, Door

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


ADMIN_KEY = "admin-key-0123456789abcdef"


class Stored:
    """Keys that are made while the gateway runs."""

    def __init__(self) -> None:
        self.exist = False
        self.keys: dict[str, KeyRecord] = {}

    def find(self, key: str) -> KeyRecord | None:
        return self.keys.get(key)


def record(name: str, **more: Any) -> KeyRecord:
    return KeyRecord(key_id=f"key_{name}", name=name, terms=Terms(f"key_{name}", **more), created_at=0.0)


def bearer(key: str, address: str | None = None, path: str = "/-/status") -> dict[str, Any]:
    return scope(authorization=f"Bearer {key}") | {"client": (address, 1) if address else None, "path": path}


def test_the_first_stored_key_closes_the_door_and_opens_it_for_its_owner() -> None:
    stored = Stored()
    door = Door({}, stored=stored)
    assert door.open and door.admit(scope()) is None
    stored.exist = True
    with pytest.raises(AuthenticationFailed):
        door.admit(scope())
    stored.keys["tg_cara"] = cara = record("cara", data_class=DataClass.INTERNAL, models=("auto",))
    assert door.admit(bearer("tg_cara")) == Client("cara", DataClass.INTERNAL, cara.terms)


def test_configured_and_stored_keys_stand_side_by_side() -> None:
    stored = Stored()
    stored.exist = True
    stored.keys["tg_cara"] = record("cara")
    door = Door({"sk-anna": ANNA}, stored=stored)
    found = [door.admit(bearer(key)) for key in ("sk-anna", "tg_cara")]
    assert [client.key_id for client in found if client] == ["anna", "key_cara"]


def test_without_keys_this_machines_user_is_the_admin() -> None:
    door = Door({}, admin_key=ADMIN_KEY)
    door.admit_admin(scope(host="localhost"))
    assert door.admit_caller(scope(host="localhost")) == Caller()
    with pytest.raises(PolicyRefusal, match="Host header"):
        door.admit_admin(scope(host="evil.example"))


def test_where_keys_are_only_the_admin_key_is_the_admins() -> None:
    door = Door({"sk-anna": ANNA}, admin_key=ADMIN_KEY)
    door.admit_admin(bearer(ADMIN_KEY))
    assert door.admit_caller(bearer(ADMIN_KEY)) == Caller()
    assert door.admit_caller(bearer("sk-anna")) == Caller(ANNA)
    with pytest.raises(
        PolicyRefusal, match=r"/-/status needs the admin key, not a client's: .*`\[server\] admin_key_env`"
    ):
        door.admit_admin(bearer("sk-anna"))
    with pytest.raises(AuthenticationFailed, match="api key is invalid"):
        door.admit_admin(bearer(ADMIN_KEY[:-1]))
    with pytest.raises(AuthenticationFailed, match="send `Authorization"):
        door.admit_admin(scope())
    with pytest.raises(AuthenticationFailed):
        door.admit(bearer(ADMIN_KEY))


def test_without_an_admin_key_the_option_is_named() -> None:
    with pytest.raises(PolicyRefusal, match=r"this gateway has none: set `\[server\] admin_key_env`"):
        DOOR.admit_admin(bearer("sk-anna"))


@pytest.mark.parametrize("way", ["admit", "admit_admin"])
def test_after_some_wrong_keys_an_address_waits_and_others_do_not(way: str) -> None:
    hands = Hands()
    door = Door({"sk-anna": ANNA, "sk-bert": BERT}, admin_key=ADMIN_KEY, attempts=Attempts(hands.time))
    assert door.admit(bearer("sk-anna", "10.0.0.1")) is ANNA
    for _ in range(BURST):
        with pytest.raises(AuthenticationFailed):
            getattr(door, way)(bearer("wrong", "10.0.0.1"))
    for key in ("wrong", "sk-bert" if way == "admit" else ADMIN_KEY):
        with pytest.raises(LimitReached, match="Too many wrong keys") as refused:
            getattr(door, way)(bearer(key, "10.0.0.1"))
        assert (refused.value.status, refused.value.retry_after_s) == (429, pytest.approx(6))
    assert door.admit(bearer("sk-anna", "10.0.0.1")) is ANNA
    assert door.admit(bearer("sk-bert", "10.0.0.2")) is BERT
    assert door.admit(bearer("sk-bert")) is BERT
    hands.turn(7)
    assert door.admit(bearer("sk-bert", "10.0.0.1")) is BERT


@pytest.mark.parametrize(
    ("models", "names", "may"),
    [
        ((), ("auto",), True),
        (("auto",), ("auto",), True),
        (("auto",), ("deepseek-flash",), False),
        (("deepseek-flash",), ("claude-x", "deepseek-flash"), True),
        (("deepseek-flash",), ("deepseek/deepseek-flash",), False),
    ],
)
def test_a_key_may_ask_for_the_models_that_it_lists(models: tuple[str, ...], names: tuple[str, ...], may: bool) -> None:
    assert Client("c", None, Terms("c", models)).may_ask(*names) is may
    assert Client("c").may_ask(*names)


def test_no_key_is_in_any_repr() -> None:
    door = Door({"sk-anna": ANNA}, admin_key=ADMIN_KEY)
    said = repr(vars(door)) + repr(door.admit_caller(bearer("sk-anna"))) + repr(vars(door.attempts))
    assert "sk-anna" not in said and ADMIN_KEY not in said
