"""What an account can look at: models by list and by name, with what the hosted API says of its own, and the balance."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.asgi import call

from tidegate.backends.fake import FakeBackend
from tidegate.core.errors import BackendRefused
from tidegate.core.terms import Terms
from tidegate.surfaces.auth import Client

Build = Callable[..., Any]
HOSTED_MEMBERS = {
    "id", "object", "owned_by", "name", "context_window", "max_output_tokens", "input_modalities", "output_modalities",
    "effort", "api_capabilities",
}  # fmt: skip


class Hosted:
    def __init__(self, answer: bytes | Exception) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def fetch(self, path: str) -> bytes:
        self.asked.append(path)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_the_list_has_names_first_then_addresses(front: Build) -> None:
    made = front(FakeBackend("home", models=("m",)), FakeBackend("deepseek", models=("deepseek-flash",)))
    listed = json.loads((await call(made, "GET", "/models")).body)
    assert listed["object"] == "list"
    assert [entry["id"] for entry in listed["data"]] == [
        "auto", "local", "m", "deepseek-flash", "home/m", "deepseek/deepseek-flash",
    ]  # fmt: skip
    by_id = {entry["id"]: entry for entry in listed["data"]}
    assert by_id["m"] == {"id": "m", "object": "model", "owned_by": "home"}
    assert by_id["deepseek-flash"].keys() == HOSTED_MEMBERS
    assert by_id["deepseek-flash"]["context_window"] == 1_048_576
    assert by_id["auto"]["owned_by"] == "tidegate"


@pytest.mark.parametrize(
    ("path", "found"), [("m", "m"), ("home/m", "home/m"), ("home%2Fm", "home/m"), ("local", "local")]
)
async def test_a_model_by_name_is_its_entry_of_the_list(front: Build, path: str, found: str) -> None:
    reply = await call(front(FakeBackend("home", models=("m",))), "GET", f"/v1/models/{path}")
    assert (reply.status, json.loads(reply.body)["id"]) == (200, found)


@pytest.mark.parametrize("path", ["gpt-17", "", "home", "home/x"])
async def test_a_model_that_is_not_there_is_not_found(front: Build, path: str) -> None:
    reply = await call(front(FakeBackend("home", models=("m",))), "GET", f"/models/{path}")
    assert reply.status == 404
    assert "GET /models" in json.loads(reply.body)["error"]["message"]


async def test_the_balance_is_the_hosted_accounts_own_answer(front: Build) -> None:
    body = b'{"is_available":true,"balance_infos":[{"currency":"CNY","total_balance":"110.00"}]}'
    hosted = Hosted(body)
    reply = await call(front(FakeBackend(), hosted=hosted), "GET", "/user/balance")
    assert (reply.status, reply.body, hosted.asked) == (200, body, ["/user/balance"])


async def test_a_balance_that_the_hosted_api_refuses_is_its_error(front: Build) -> None:
    reply = await call(front(FakeBackend(), hosted=Hosted(BackendRefused("refused"))), "GET", "/user/balance")
    assert (reply.status, json.loads(reply.body)["error"]["message"]) == (502, "refused")


async def test_without_a_hosted_api_there_is_no_balance_and_none_is_made_up(front: Build) -> None:
    reply = await call(front(FakeBackend()), "GET", "/user/balance")
    assert reply.status == 404
    assert "DEEPSEEK_API_KEY" in json.loads(reply.body)["error"]["message"]


@pytest.mark.parametrize("path", ["/models", "/models/auto", "/user/balance"])
async def test_with_clients_a_key_is_needed(front: Build, path: str) -> None:
    made = front(FakeBackend(), clients={"sk-1": Client("c")}, hosted=Hosted(b"{}"))
    assert (await call(made, "GET", path)).status == 401
    assert (await call(made, "GET", path, headers={"authorization": "Bearer sk-1"})).status == 200


async def test_a_key_with_models_sees_those_only(front: Build) -> None:
    terms = Terms("key_1", ("auto", "home/fake", "deepseek-chat"))
    made = front(FakeBackend("home"), clients={"sk-1": Client("c", None, terms)})
    key = {"authorization": "Bearer sk-1"}
    listed = json.loads((await call(made, "GET", "/models", headers=key)).body)["data"]
    assert [one["id"] for one in listed] == ["auto", "home/fake"]
    assert (await call(made, "GET", "/models/auto", headers=key)).status == 200
    assert (await call(made, "GET", "/models/local", headers=key)).status == 404
