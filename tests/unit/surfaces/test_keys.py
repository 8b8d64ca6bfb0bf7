"""Keys over HTTP: only the admin lists, creates and revokes them, and what it does holds from the next request on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.asgi import Reply, call
from tests.support.samples import request_body

from tidegate.backends.fake import FakeBackend
from tidegate.keys.ring import KeyRing
from tidegate.surfaces.auth import Client

ADMIN_KEY = "admin-key-0123456789abcdef"
Front = Callable[..., Any]


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[KeyRing]:
    made = KeyRing(tmp_path / "keys.sqlite3")
    yield made
    made.close()


@pytest.fixture
def made(front: Front, ring: KeyRing) -> Any:
    return front(FakeBackend("home"), admin_key=ADMIN_KEY, keys=ring)


async def admin(made: Any, method: str, path: str, order: Any = None, key: str = ADMIN_KEY) -> tuple[int, Any]:
    body = b"" if order is None else json.dumps(order).encode()
    reply = await call(made, method, path, body, {"authorization": f"Bearer {key}"})
    return reply.status, json.loads(reply.body)


async def ask(made: Any, key: str | None = None, **changes: Any) -> Reply:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return await call(made, "POST", "/chat/completions", request_body(**changes), headers)


async def test_a_key_that_is_created_opens_the_door_and_closes_it_to_others(made: Any) -> None:
    assert (await ask(made)).status == 200
    status, key = await admin(made, "POST", "/-/keys", {"name": "team"})
    assert (status, key["name"], key["state"]) == (200, "team", "active")
    assert (await ask(made, key["key"])).status == 200
    assert (await ask(made)).status == 401
    assert (await ask(made, "tg_wrong")).status == 401


async def test_a_key_that_is_revoked_is_refused_from_the_next_request_on(made: Any) -> None:
    _, key = await admin(made, "POST", "/-/keys", {"name": "team"})
    status, revoked = await admin(made, "DELETE", f"/-/keys/{key['id']}")
    assert (status, revoked["state"]) == (200, "revoked")
    assert (await ask(made, key["key"])).status == 401
    assert (await ask(made)).status == 401, "the door stays closed"


async def test_a_key_is_shown_once(made: Any) -> None:
    _, key = await admin(made, "POST", "/-/keys", {"name": "team", "budget_usd_per_day": 1.5})
    secret = key.pop("key")
    status, listed = await admin(made, "GET", "/-/keys")
    assert (status, listed) == (200, {"keys": [key]})
    assert await admin(made, "GET", f"/-/keys/{key['id']}") == (200, key)
    assert secret not in json.dumps(listed)
    assert (key["budget_usd_per_day"], key["models"]) == ("1.5", [])


async def test_answers_with_keys_are_not_stored_on_the_way(made: Any) -> None:
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    reply = await call(made, "POST", "/-/keys", b'{"name":"team"}', headers)
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/-/keys"), ("POST", "/-/keys"), ("DELETE", "/-/keys/key_1"), ("GET", "/-/keys/key_1")]
)
async def test_nobody_but_the_admin_may(made: Any, method: str, path: str) -> None:
    _, key = await admin(made, "POST", "/-/keys", {"name": "team"})
    assert (await admin(made, method, path, {"name": "x"}, key["key"]))[0] == 403
    assert (await admin(made, method, path, {"name": "x"}, "wrong"))[0] == 401
    assert (await call(made, method, path, b'{"name":"x"}')).status == 401
    assert len((await admin(made, "GET", "/-/keys"))[1]["keys"]) == 1


async def test_without_keys_this_machines_user_makes_the_first_one_and_no_web_page_does(made: Any) -> None:
    page = await call(made, "POST", "/-/keys", b'{"name":"x"}', {"content-type": "text/plain"})
    rebound = await call(made, "POST", "/-/keys", b'{"name":"x"}', {"host": "evil.example"})
    assert (page.status, rebound.status) == (415, 403)
    assert (await call(made, "POST", "/-/keys", b'{"name":"x"}')).status == 200


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "not JSON"),
        (b"[]", 400, "no order for a key"),
        (b'{"name":"team","budget_usd_per_day":0}', 400, "a budget must be more than 0"),
        (b'{"name":"configured"}', 400, r"[[clients]] has a client configured already"),
        (b" " * 70_000, 413, "larger than"),
    ],
)
async def test_what_cannot_be_made_is_refused(made: Any, body: bytes, status: int, said: str) -> None:
    reply = await call(made, "POST", "/-/keys", body, {"authorization": f"Bearer {ADMIN_KEY}"})
    assert (reply.status, said in json.loads(reply.body)["error"]["message"]) == (status, True)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", "/-/keys/nobody", 404),
        ("GET", "/-/keys/nobody", 404),
        ("DELETE", "/-/keys/", 400),
        ("DELETE", "/-/keys", 405),
        ("PUT", "/-/keys", 405),
        ("POST", "/-/keys/key_1", 405),
    ],
)
async def test_what_is_not_there_is_said(made: Any, method: str, path: str, status: int) -> None:
    assert (await admin(made, method, path, {"name": "x"}))[0] == status


async def test_terms_of_a_key_bind_its_requests(made: Any) -> None:
    order = {"name": "team", "models": ["local"], "class": "private"}
    _, key = await admin(made, "POST", "/-/keys", order)
    refused = await ask(made, key["key"], model="auto")
    assert (refused.status, json.loads(refused.body)["error"]["type"]) == (403, "invalid_request_error")
    assert "This key may not ask for this `model`" in refused.body.decode()
    answered = await ask(made, key["key"], model="local")
    assert (answered.status, answered.headers["x-tidegate-class"]) == (200, "private")


async def test_without_a_file_of_keys_there_is_no_such_path(front: Front) -> None:
    made = front(FakeBackend(), clients={"sk-1": Client("c")}, admin_key=ADMIN_KEY)
    assert (await admin(made, "GET", "/-/keys"))[0] == 404
