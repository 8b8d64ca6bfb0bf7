"""Asking the other workers: for an exchange that one of them has not written yet, and for what they count."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from tidegate.core.errors import GatewayError
from tidegate.steward.link import Answers, Link

ASK = "others.ask"
OWN = "own."
LIMIT_S = 2.0
"""A worker that does not answer in this time is left out of what is shown."""


class OthersDesk:
    """The steward's half: asks all others at once, and gives the answers there were."""

    def __init__(self, workers: Callable[[], Iterable[Link]], limit_s: float = LIMIT_S) -> None:
        self._workers = workers
        self._limit_s = limit_s
        self.answers: Answers = {ASK: self._ask}

    async def _ask(self, link: Link, _number: int, value: Any) -> list[Any]:
        what, about = value
        found = await asyncio.gather(
            *(self._one(other, OWN + str(what), about) for other in self._workers() if other is not link)
        )
        return [one for one in found if one is not None]

    async def _one(self, other: Link, word: str, about: Any) -> Any:
        try:
            async with asyncio.timeout(self._limit_s):
                return await other.ask(word, about)
        except (TimeoutError, GatewayError):
            return None


class Others:
    """The worker's half. `own` is what this worker answers of itself; None: it has nothing."""

    def __init__(self, link: Link, own: Mapping[str, Callable[[Any], Awaitable[Any]]]) -> None:
        self._link = link
        self.answers: Answers = {OWN + what: _answering(answer) for what, answer in own.items()}

    async def ask(self, what: str, about: Any = None) -> list[Any]:
        """The answers of the other workers, in no order. Without the steward there are none."""
        try:
            return await self._link.ask(ASK, (what, about), list[Any])
        except GatewayError:
            return []


def _answering(answer: Callable[[Any], Awaitable[Any]]) -> Callable[[Link, int, Any], Awaitable[Any]]:
    async def answered(_link: Link, _number: int, about: Any) -> Any:
        return await answer(about)

    return answered
