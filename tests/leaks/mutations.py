"""Every guard, how to take it away, and what the leak test must see then. A guard whose absence it does not see is not tested."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Literal
from unittest.mock import patch

import tidegate.app
import tidegate.app.enforce
from tidegate.core.boundary import DataClass
from tidegate.routing.policy import Alias, Policy
from tidegate.surfaces.auth import Client

Seen = Literal["leak", "wall"]
"""`leak`: bytes arrive where they may not. `wall`: the next wall holds, and shows that it was needed (status 500)."""


@dataclass(frozen=True)
class Mutation:
    name: str
    take_away: Callable[[], AbstractContextManager[Any]]
    seen: Seen
    examples: int = 80


def gives(target: str, value: Any) -> Callable[[], AbstractContextManager[Any]]:
    """Without the guard: the function gives this instead."""
    return lambda: patch(target, lambda *_, **__: value)


def _without_client_classes() -> AbstractContextManager[Any]:
    right = tidegate.app.clients_of

    def wrong(*given: Any) -> dict[str, Client]:
        return {key: Client(client.name, None) for key, client in right(*given).items()}

    return patch("tidegate.app.clients_of", wrong)


def _without_alias_classes() -> AbstractContextManager[Any]:
    right = tidegate.app.enforce._alias  # pyright: ignore[reportPrivateUsage]

    def wrong(*given: Any) -> Alias:
        alias = right(*given)
        return Alias(alias.name, alias.targets, None)

    return patch("tidegate.app.enforce._alias", wrong)


def _without_default_class() -> AbstractContextManager[Any]:
    right = tidegate.app.policy_of

    def wrong(*given: Any) -> Policy:
        return replace(right(*given), default_class=DataClass.PUBLIC)

    return patch("tidegate.app.policy_of", wrong)


MUTATIONS = (
    Mutation("routing's filter", gives("tidegate.routing.decide.forbids", None), "wall"),
    Mutation("the transport's class check", gives("tidegate.backends.transport.check_class", None), "leak"),
    Mutation("the transport's address check", gives("tidegate.backends.transport.check_address", None), "leak"),
    Mutation("where remembered reasoning may go", gives("tidegate.pipeline.replay.may_go", True), "wall", 160),
    Mutation("the header's class", gives("tidegate.surfaces.answering._wished_class", None), "leak"),
    Mutation("the alias's class", _without_alias_classes, "leak"),
    Mutation("the client's class", _without_client_classes, "leak"),
    Mutation("the default class", _without_default_class, "leak"),
)
