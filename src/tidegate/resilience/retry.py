"""Which candidate is asked next, and after what pause. No clock and no sleep of its own: both come in.

Candidates are asked in the order of the decision, each once. When all have failed, those whose error says `same` are asked
again after a pause that grows. One that is loading its model is waited for longer than that.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tidegate.core.decision import Candidate
from tidegate.core.errors import BackendLoading, BackendUnreachable, GatewayError, NotSupported


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`sleep` is the waiting itself and `chance` a number in [0, 1), so that tests neither wait nor guess."""

    attempts: int = 3
    backoff_s: float = 0.5
    longest_backoff_s: float = 10.0
    jitter: float = 0.5
    deadline_s: float = 900.0
    load_s: float = 600.0
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    chance: Callable[[], float] = random.random


RETRY = RetryPolicy()


class Tries:
    """The attempts of one request."""

    def __init__(self, policy: RetryPolicy, candidates: Sequence[Candidate]) -> None:
        self._policy = policy
        self._round: list[Candidate] = list(candidates)
        self._again: list[Candidate] = []
        self._loading = False
        self._rounds = 0
        self._loading_s = 0.0
        self.failure: GatewayError | None = None

    @property
    def sole(self) -> bool:
        """Whether the candidate that was given last is the last that may be asked."""
        return not self._round and not self._again

    def take(self) -> Candidate | None:
        """The next candidate to be asked at once; None: a pause is due, or it is over."""
        return self._round.pop(0) if self._round else None

    async def after_pause(self) -> Candidate:
        """The first candidate of the next round. Raises the telling failure when there is no further one."""
        pause_s = self._pause_s()
        if pause_s is None:
            raise self.failure or BackendUnreachable("the backend behind this model has just gone; try again")
        await self._policy.sleep(pause_s)
        self._round, self._again, self._loading = self._again, [], False
        return self._round.pop(0)

    def failed(self, candidate: Candidate, error: GatewayError) -> None:
        """Note how it went. Raises the error if nobody may be asked after it."""
        if error.retry == "never":
            raise error
        self.failure = _telling(self.failure, error)
        if error.retry == "same":
            self._again.append(candidate)
        self._loading = self._loading or isinstance(error, BackendLoading)

    def _pause_s(self) -> float | None:
        policy = self._policy
        self._rounds += 1
        if not self._again:
            return None
        if self._loading:
            left_s = policy.load_s - self._loading_s
            if left_s <= 0:
                return None
            pause_s = min(0.25 * 2 ** (self._rounds - 1), 5.0, left_s)
            self._loading_s += pause_s
            return pause_s
        if self._rounds >= policy.attempts:
            return None
        pause_s = min(policy.backoff_s * 2 ** (self._rounds - 1), policy.longest_backoff_s)
        return pause_s * (1 - policy.jitter * policy.chance())


def _telling(before: GatewayError | None, error: GatewayError) -> GatewayError:
    """The error that the client hears if nobody answers: the last failure, and a "not supported" only without one.

    What failed could have answered and may do so later; "not supported" would say that asking again is of no use.
    """
    if isinstance(error, NotSupported) and before is not None and not isinstance(before, NotSupported):
        return before
    return error
