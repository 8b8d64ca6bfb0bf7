"""Keys and budgets put together: terms out of the configuration, and an admin key that is worth its name."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tidegate.app.enforce import clients_of, endpoint_of, policy_of
from tidegate.app.keys import admin_key_of, key_file_path, keys_surface, terms_of
from tidegate.config import parse_config
from tidegate.core.boundary import DataClass
from tidegate.core.errors import Misconfigured
from tidegate.core.terms import Terms
from tidegate.keys.ring import KeyRing
from tidegate.resilience.allowance import OwnAllowances
from tidegate.surfaces.auth import Door

HOME = {"kind": "llamacpp", "base_url": "http://127.0.0.1:8000"}
GOOD = "0123456789abcdef01234567"


def client(**options: Any) -> Any:
    return parse_config({"clients": [{"name": "a", "key_env": "A", **options}]}).clients[0]


def test_every_option_of_a_client_becomes_a_term() -> None:
    options = client(
        **{"class": "internal"},
        models=["auto"],
        rate_per_minute=60,
        concurrency=4,
        budget_usd_per_day=0.1,
        budget_usd_per_month=2,
        when_spent="local",
        weight=2.5,
        priority="low",
    )
    assert terms_of(options) == Terms(
        "a", ("auto",), DataClass.INTERNAL, 60, 4, Decimal("0.1"), Decimal("2.0"), "local", 2.5, "low"
    )
    assert terms_of(client()) == Terms("a")


@pytest.mark.parametrize("option", ["budget_usd_per_day", "budget_usd_per_month", "rate_per_minute", "concurrency"])
def test_a_limit_of_nothing_is_refused_by_its_name(option: str) -> None:
    with pytest.raises(Misconfigured, match=option):
        client(**{option: 0})


def admin_key(value: str | None, **clients: str) -> str | None:
    config = parse_config(
        {
            "server": {"admin_key_env": "ADMIN"},
            "clients": [{"name": name, "key_env": name.upper()} for name in clients],
        }
    )
    return admin_key_of(config, {name.upper(): key for name, key in (("admin", value), *clients.items()) if key})


def test_an_admin_key_that_nobody_guesses_is_taken() -> None:
    assert admin_key(GOOD) == GOOD
    assert admin_key_of(parse_config({}), {"ADMIN": GOOD}) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "ADMIN is not set"),
        (GOOD[:-1], "too easily guessed"),
        ("ab" * 20, "too easily guessed"),
        (GOOD + " x", "cannot stand in a header"),
        (GOOD + "ü", "cannot stand in a header"),
    ],
)
def test_a_weak_admin_key_is_refused_and_not_repeated(value: str | None, said: str) -> None:
    with pytest.raises(Misconfigured, match=rf"\[server\] admin_key_env: .*{said}") as refused:
        admin_key(value)
    assert value is None or value not in refused.value.message


def test_a_client_cannot_have_the_admins_key() -> None:
    with pytest.raises(Misconfigured, match="a client has the same key as the admin") as refused:
        admin_key(GOOD, team=GOOD)
    assert GOOD not in refused.value.message


def test_the_surface_knows_whose_names_are_taken(tmp_path: Path) -> None:
    ring = KeyRing(key_file_path(tmp_path))
    config = parse_config({"clients": [{"name": "a", "key_env": "A"}]})
    surface = keys_surface(Door({}), config, ring, OwnAllowances(lambda: 0.0))
    assert surface._taken == {"a"}
    assert ring.path == tmp_path / "keys.sqlite3"


def policy(**written: Any) -> Any:
    config = parse_config({"embedded": {"enabled": False}, "probe": {"enabled": False}, **written})
    return policy_of(config, {name: endpoint_of(name, one, {}) for name, one in config.backends.items()})


def test_two_clients_cannot_share_a_name_and_so_a_budget() -> None:
    written = [{"name": "a", "key_env": "A"}, {"name": "a", "key_env": "B"}]
    with pytest.raises(Misconfigured, match="a: another client has the same name, and so the same budget"):
        clients_of(parse_config({"clients": written}), {"A": "key-a", "B": "key-b"})


@pytest.mark.parametrize("models", [[""], ["nowhere/m"], ["auto", "nowhere/"]])
def test_a_client_cannot_be_given_a_model_of_a_backend_that_is_not_there(models: list[str]) -> None:
    with pytest.raises(Misconfigured, match=r"\[\[clients\]\] a models: there is no backend"):
        policy(backends={"box": HOME}, clients=[{"name": "a", "key_env": "A", "models": models}])


def test_a_client_may_be_given_names_that_are_served_or_found_later() -> None:
    models = ["auto", "deepseek-flash", "box", "box/any", "team/alias"]
    clients = [{"name": "a", "key_env": "A", "models": models}]
    assert policy(backends={"box": HOME}, aliases={"team/alias": {"targets": ["box"]}}, clients=clients)
