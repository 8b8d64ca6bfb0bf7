"""Every guard, how to take it away, and what the leak test must see then. A guard whose absence it does not see is not tested."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Literal
from unittest.mock import patch

from tests.leaks.faults import masking_forgets, second_look_is_blind

import tidegate.app
import tidegate.app.enforce
from tidegate.core.boundary import DataClass
from tidegate.core.findings import NOTHING_SEEN, Sight
from tidegate.privacy.detection import Detection
from tidegate.privacy.rules import FAILED
from tidegate.routing.policy import NO_RULING, Alias, Policy
from tidegate.surfaces.auth import Client

Seen = Literal["leak", "wall"]
"""`leak`: bytes arrive where they may not. `wall`: the next wall holds, and shows that it was needed (status 500)."""


@dataclass(frozen=True)
class Mutation:
    name: str
    take_away: Callable[[], AbstractContextManager[Any]]
    seen: Seen
    shows: str = ""
    """What the wall says, where it is one."""


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


def _swallowing_errors() -> AbstractContextManager[Any]:
    """A detection that fails has found nothing."""

    def wrong(*found: Any, failed: Any = None) -> Sight:
        return NOTHING_SEEN if failed == FAILED else Sight(*found, failed=failed) if failed else Sight(*found)

    return patch("tidegate.privacy.detection.Sight", wrong)


def _without_budget() -> AbstractContextManager[Any]:
    def wrong(scanner: Any, **more: Any) -> Detection:
        return Detection(scanner, **{**more, "budget_s": 1e9})

    return patch("tidegate.app.screening.Detection", wrong)


def _forgetting_conversations() -> AbstractContextManager[Any]:
    return patch("tidegate.privacy.conversations.Conversations.was_private", lambda *_: False)


MUTATIONS = (
    Mutation("routing's filter", gives("tidegate.routing.decide.forbids", None), "wall", "must not reach backend"),
    Mutation("the transport's class check", gives("tidegate.backends.transport.check_class", None), "leak"),
    Mutation("the transport's address check", gives("tidegate.backends.transport.check_address", None), "leak"),
    Mutation(
        "where remembered reasoning may go",
        gives("tidegate.pipeline.replay.may_go", True),
        "wall",
        "must not reach backend",
    ),
    Mutation("the header's class", gives("tidegate.surfaces.answering._wished_class", None), "leak"),
    Mutation("the alias's class", _without_alias_classes, "leak"),
    Mutation("the client's class", _without_client_classes, "leak"),
    Mutation("the default class", _without_default_class, "leak"),
    Mutation("detection", gives("tidegate.app.scanner_of", None), "leak"),
    Mutation("what follows from an error of detection", _swallowing_errors, "leak"),
    Mutation("detection's budget", _without_budget, "leak"),
    Mutation("what cannot be looked into", gives("tidegate.privacy.detection.unscannable", ()), "leak"),
    Mutation("the rows of the policy", gives("tidegate.pipeline.screening.rule_on", NO_RULING), "leak"),
    Mutation("the memory of private conversations", _forgetting_conversations, "leak"),
    Mutation("masking", masking_forgets, "wall", "stopped before it was sent"),
    Mutation("the second look", second_look_is_blind, "wall", "still held a value"),
    Mutation("the look at the last bytes", gives("tidegate.backends.transport.check_masked", None), "leak"),
    Mutation(
        "who has a shadow", gives("tidegate.pipeline.shadow._may_be_shadowed", True), "wall", "a shadow was stopped"
    ),
)
