"""Which candidate is asked next, and after what pause. No clock and no sleep of its own: both come in.

Candidates are asked in the order of the decision, each once and without a pause. One that its breaker leaves alone is
asked when nobody else is left. Then those whose error says `same` are asked again, each after a pause of its own that
grows. One that is loading its model is waited for longer than that, and one that says when to come back is asked then.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tidegate.core.decision import Candidate
from tidegate.core.errors import BackendLoading, BreakerOpen, GatewayError, NotSupported

_FIRST_LOADING_S = 0.25
_LONGEST_LOADING_S = 5.0
"""A small model is up in a second, and a large one is not kept busy with questions."""
_LONGEST_TOLD_S = 60.0


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

    def pause_s(self, failures: int) -> float:
        """Before a backend is asked again that has failed so often."""
        # Two to a power that a configuration may make large: bounded, so that it stays a number.
        pause_s = min(self.backoff_s * 2.0 ** min(failures - 1, 60), self.longest_backoff_s)
        return pause_s * (1 - self.jitter * self.chance())

    def refused_pause_s(self, refused: int, waited_s: float) -> float | None:
        """Before one is asked again that another request was trying; the pauses last as long as the longest one together."""
        left_s = self.longest_backoff_s - waited_s
        return None if left_s <= 0 else min(self.pause_s(refused), left_s)

    def loading_pause_s(self, asked: int, waited_s: float) -> float | None:
        """Before a backend is asked again that was loading so often; the pauses last `load_s` together."""
        left_s = self.load_s - waited_s
        return None if left_s <= 0 else min(_FIRST_LOADING_S * 2.0 ** min(asked - 1, 60), _LONGEST_LOADING_S, left_s)


RETRY = RetryPolicy()


@dataclass(slots=True)
class _History:
    last: GatewayError
    failures: int = 0
    loading: int = 0
    loading_s: float = 0.0
    refused: int = 0
    refused_s: float = 0.0


class Tries:
    """The attempts of one request. Times are sums of its pauses."""

    def __init__(self, policy: RetryPolicy, candidates: Sequence[Candidate]) -> None:
        self._policy = policy
        self._candidates = candidates
        self._round = list(candidates)
        self._left_alone: list[Candidate] = []
        self._later: list[tuple[float, Candidate]] = []
        self._paused_s = 0.0
        self._history: dict[Candidate, _History] = {}
        self._last_resort = False
        self.failure: GatewayError | None = None
        """What the client hears if nobody answers."""
        self.asked = False
        """Whether the candidate that was given last was sent the request. What its line refused is not asked again: the
        line was the waiting."""

    @property
    def sole(self) -> bool:
        """Whether nobody else is left to ask now, beside the candidate that was given last."""
        return self._last_resort or not (self._round or self._left_alone)

    def take(self) -> Candidate | None:
        """The next candidate to be asked at once; None: a pause is due, or it is over."""
        if not self._round:
            if not self._left_alone:
                return None
            self._round, self._left_alone, self._last_resort = self._left_alone, [], True
        self.asked = False
        return self._round.pop(0)

    async def after_pause(self, left_s: float) -> Candidate:
        """The first candidate of the next round. Raises the telling failure when there is none within this time."""
        due_s = min((due_s for due_s, _ in self._later), default=None)
        if due_s is None or due_s - self._paused_s >= left_s:
            assert self.failure is not None, "a decision without candidates is asked of nobody"
            raise self.failure
        await self._policy.sleep(due_s - self._paused_s)
        self._paused_s, self._last_resort = due_s, False
        due = [candidate for when_s, candidate in self._later if when_s <= due_s]
        self._later = [one for one in self._later if one[0] > due_s]
        self._round = sorted(due, key=self._candidates.index)
        self.asked = False
        return self._round.pop(0)

    def last_error(self, candidate: Candidate) -> GatewayError | None:
        history = self._history.get(candidate)
        return None if history is None else history.last

    def failed(self, candidate: Candidate, error: GatewayError) -> None:
        """Note how it went. Raises the error if nobody may be asked after it."""
        if error.retry == "never":
            raise error
        self.failure = _telling(self.failure, error)
        if isinstance(error, BreakerOpen) and not self.sole:
            self._left_alone.append(candidate)
        elif error.retry == "same" and (self.asked or isinstance(error, BreakerOpen)):
            pause_s = self._pause_s(candidate, error)
            if pause_s is not None:
                self._later.append((self._paused_s + pause_s, candidate))

    def _pause_s(self, candidate: Candidate, error: GatewayError) -> float | None:
        """Until it is asked again; None: it is not."""
        history = self._history.setdefault(candidate, _History(error))
        history.last = error
        match error:
            case BackendLoading():
                history.loading += 1
                pause_s = self._policy.loading_pause_s(history.loading, history.loading_s)
                history.loading_s += pause_s or 0.0
                return pause_s
            case BreakerOpen():  # when it says to come back is for the client: it may be over at any moment
                history.refused += 1
                pause_s = self._policy.refused_pause_s(history.refused, history.refused_s)
                history.refused_s += pause_s or 0.0
                return pause_s
            case _:
                history.failures += 1
                told_s = error.retry_after_s or 0.0
                if history.failures >= self._policy.attempts or told_s > _LONGEST_TOLD_S:
                    return None
                return max(self._policy.pause_s(history.failures), told_s)


def _telling(before: GatewayError | None, error: GatewayError) -> GatewayError:
    """The error that the client hears if nobody answers: the last failure. One that says less gives way to it.

    What failed could have answered and may do so later; "not supported" would say that asking again is of no use, and
    "left alone" only that something had failed before.
    """
    return error if before is None or _weight(error) >= _weight(before) else before


def _weight(error: GatewayError) -> int:
    match error:
        case NotSupported():
            return 0
        case BreakerOpen():
            return 1
        case _:
            return 2
