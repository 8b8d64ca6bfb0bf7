"""One more exchange for the same request: a shadow's, or that of one answer of several. Opened here so that both keep the
same of the first: who asked, what was found, where it came from. Asks nobody by itself.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from tidegate.core.decision import Decision
from tidegate.core.events import Frame
from tidegate.core.exchange import Exchange
from tidegate.core.requests import Request
from tidegate.core.rulebook import Rule
from tidegate.pipeline.screening import Decided
from tidegate.routing.policy import Ask

R = TypeVar("R", bound=Request)


class Asker(Protocol):
    """The gateway, as far as one who asks again needs it."""

    def exchange(self, surface: str) -> AbstractContextManager[Exchange]: ...

    async def decide(self, exchange: Exchange, ask: Ask, request: R, conversation: str | None = None) -> Decided[R]: ...

    def answer(self, exchange: Exchange, decided: Decided[Any]) -> AsyncGenerator[list[Frame]]: ...


@contextmanager
def beside(asker: Asker, origin: Exchange, surface: str) -> Generator[Exchange]:
    """An exchange of its own, with its own ledger row, that names the one it belongs to."""
    with asker.exchange(surface) as exchange:
        exchange.shadow_of = origin.exchange_id
        exchange.client = origin.client
        exchange.request_bytes = origin.request_bytes
        exchange.request_hash = origin.request_hash
        exchange.asked_model = origin.asked_model
        exchange.streamed = origin.streamed
        exchange.wished_class = origin.wished_class
        exchange.found = dict(origin.found)
        exchange.rows = origin.rows
        exchange.action = origin.action
        exchange.conversation = origin.conversation
        exchange.rewritten = origin.rewritten
        yield exchange


def with_rule(decision: Decision, rule: Rule) -> Decision:
    return replace(decision, rules=(*decision.rules, rule.code))
