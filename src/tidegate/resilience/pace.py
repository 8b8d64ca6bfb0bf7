"""How many requests a model of a backend takes at once, learned from its refusals. Pure: the time comes in.

The hosted API publishes a limit of concurrent requests and lowers it with the balance; its 429 says the number. Others
say 429 without one: then what was in flight is cut down by a part, and each full round of answers allows one more
(additive increase, multiplicative decrease: Chiu and Jain, 1989).

An overload of the backend (503) teaches nothing here: the hosted one is that of all its clients, so to slow down to
what was in flight at that moment would slow us for long and help nobody. Pauses and other candidates answer it.
"""

from __future__ import annotations

from math import inf
from typing import Literal, NamedTuple

from tidegate.core.errors import RateLimited

LearnedFrom = Literal["published", "told", "refused"]
KEPT = 0.7
"""The part of what was in flight that is tried after a refusal that says no number."""
NEARLY = 0.9
"""With this part of a told limit in flight, the limit is what was refused for."""
HELD_S = 60.0
"""How long a limit that was told is kept before one request more is tried: the balance may have been topped up."""
LONGEST_PAUSE_S = 60.0
"""Retry-After of a backend is obeyed up to this; then it is asked by whoever waits, and may say it again."""


class PaceView(NamedTuple):
    """`limit` None: none is known. `learned_from`: published, told by a refusal, or refused without a number."""

    model: str
    limit: int | None
    learned_from: LearnedFrom | None
    in_flight: int
    paused: bool


class Pace:
    """`most` is how many may be in flight now; it is 0 in a pause. `round` is how often it was lowered."""

    __slots__ = ("_held_until_s", "_passed", "_step", "in_flight", "learned_from", "limit", "most", "paused", "round")

    def __init__(self, published: int | None = None) -> None:
        self.in_flight = 0
        self.limit = published
        self.learned_from: LearnedFrom | None = None if published is None else "published"
        self.most: float = inf if published is None else published
        self.round = 0
        self.paused = False
        self._held_until_s = 0.0
        self._passed = 0
        self._step = 1

    @property
    def is_blank(self) -> bool:
        """Nothing would be lost with it."""
        return not self.in_flight and not self.paused and self.learned_from in (None, "published")

    def passed(self, now_s: float) -> None:
        """One was answered while the limit was reached: only then does it say that more may be possible."""
        if self.limit is None or self.paused or now_s < self._held_until_s:
            return
        self._passed += 1
        if self._passed >= self.limit:
            self._set(self.limit + self._step)
            # What was told is told again when it is passed, so the search may quicken; a guess gropes its way.
            self._step += self.learned_from == "told"

    def refused(self, error: RateLimited, began: int, now_s: float) -> None:
        """`began` is the round in which the refused request set out. It still counts as in flight."""
        is_fresh = began == self.round  # else it set out before the limit was lowered, and says little new
        told, at_work = error.limit, self.in_flight
        if told is not None and (at_work >= told * NEARLY if is_fresh else told < (self.limit or inf)):
            # One that was not passed from here: an answer that ended here is still open there.
            limit = told if at_work > told or not is_fresh else at_work - 1
            self.learned_from, self._held_until_s = "told", now_s + HELD_S
        elif is_fresh:  # with a number far from what is at work here, others use the same account
            limit = int(at_work * KEPT)
            self.learned_from, self._held_until_s = "refused", 0.0
        else:
            return
        self.round += is_fresh
        self._step = 1
        self._set(max(1, limit))

    def pause(self, paused: bool) -> None:
        self.paused = paused
        self._set(self.limit)

    def _set(self, limit: int | None) -> None:
        self.limit = limit
        self._passed = 0
        self.most = 0 if self.paused else inf if limit is None else limit

    def view(self, model: str) -> PaceView:
        return PaceView(model, self.limit, self.learned_from, self.in_flight, self.paused)
