"""Keys and budgets put together: terms out of the configuration, the admin key, the file of keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from pathlib import Path

from tidegate.config import ClientOptions, Config
from tidegate.core.boundary import DataClass
from tidegate.core.errors import Misconfigured
from tidegate.core.terms import Terms
from tidegate.keys.file import KeyFile
from tidegate.keys.ring import KeyRing
from tidegate.resilience.allowance import KeyView
from tidegate.surfaces.auth import Door
from tidegate.surfaces.keys import KeysSurface

SHORTEST_ADMIN_KEY = 24
_FEWEST_CHARACTERS = 8


def key_file_path(state_folder: Path) -> Path:
    return state_folder / "keys.sqlite3"


def terms_of(options: ClientOptions) -> Terms:
    """The name is the id: keys that are made later have ids of another form."""
    return Terms(
        options.name,
        options.models,
        DataClass(options.data_class) if options.data_class else None,
        options.rate_per_minute,
        options.concurrency,
        _usd(options.budget_usd_per_day),
        _usd(options.budget_usd_per_month),
        options.when_spent,
        options.weight,
        options.priority,
    )


def _usd(amount: float | None) -> Decimal | None:
    return None if amount is None else Decimal(str(amount))


def admin_key_of(config: Config, environment: Mapping[str, str]) -> str | None:
    """The admin key; one that could be guessed is a `Misconfigured`."""
    name = config.server.admin_key_env
    if name is None:
        return None
    place, key = "[server] admin_key_env", environment.get(name, "")
    if not key:
        raise Misconfigured(f"{place}: the environment variable {name} is not set")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise Misconfigured(f"{place}: the environment variable {name} holds characters that cannot stand in a header")
    if len(key) < SHORTEST_ADMIN_KEY or len(set(key)) < _FEWEST_CHARACTERS:
        raise Misconfigured(
            f"{place}: the key in {name} is too easily guessed; take one of at least {SHORTEST_ADMIN_KEY} characters, such as "
            "`openssl rand -hex 32` prints"
        )
    if any(environment.get(client.key_env) == key for client in config.clients):
        raise Misconfigured(f"{place}: a client has the same key as the admin; give the admin one of its own")
    return key


def keys_surface(
    door: Door, config: Config, ring: KeyRing, spending: Callable[[], Awaitable[list[KeyView]]]
) -> KeysSurface:
    taken = frozenset(client.name for client in config.clients)
    return KeysSurface(door, KeyFile(ring.path), ring, taken=taken, spending=spending)
