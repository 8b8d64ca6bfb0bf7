"""What one worker finds out about a backend counts for all: three failures over all workers open a breaker, not three each.

Each worker has breakers of its own, asked without a word to anybody; what changes one is told to the others. In the
milliseconds that takes, two workers may both let a request through to try a backend: one request more, and no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct

from tidegate.core.errors import BreakerOpen, ClientLeft, GatewayError
from tidegate.resilience.breaker import BreakerView, Key, Moment, OwnBreakers
from tidegate.steward.errors import Told, error_of, told
from tidegate.steward.link import Hears, Link

NOTED, TRYING, SEEN = "breakers.noted", "breakers.trying", "breakers.seen"


class _Note(Struct, frozen=True, array_like=True):
    backend: str
    model: str
    error: Told | None
    moment: Moment
    probe: bool
    asked: str


class BreakerDesk:
    """The steward's half: passes on what it hears, and says for a worker that is gone how its tries went."""

    def __init__(self, workers: Callable[[], Iterable[Link]]) -> None:
        self._workers = workers
        self._trying: dict[Link, set[Key]] = {}
        self.hears: Hears = {NOTED: self._noted, TRYING: self._tries, SEEN: self._seen}

    def end(self, link: Link) -> None:
        gone = told(ClientLeft("the process that tried it is gone"))
        for backend, model in self._trying.pop(link, ()):
            self._pass_on(link, NOTED, _Note(backend, model, gone, "begin", True, ""))

    def _noted(self, link: Link, value: Any) -> None:
        note = msgspec.convert(value, _Note)
        if note.probe:
            self._trying.get(link, set()).discard((note.backend, note.model))
        self._pass_on(link, NOTED, note)

    def _tries(self, link: Link, value: Any) -> None:
        backend, model = msgspec.convert(value, Key)
        self._trying.setdefault(link, set()).add((backend, model))
        self._pass_on(link, TRYING, (backend, model))

    def _seen(self, link: Link, value: Any) -> None:
        self._pass_on(link, SEEN, value)

    def _pass_on(self, link: Link, word: str, value: Any) -> None:
        for other in self._workers():
            if other is not link:
                other.tell(word, value)


class SharedBreakers:
    """The worker's half, over breakers of its own."""

    def __init__(self, own: OwnBreakers, link: Link) -> None:
        self._own = own
        self._link = link
        self._troubled: set[Key] = set()
        """Of these good news is news too."""
        self.check = own.check
        self.view: Callable[[], list[BreakerView]] = own.view
        self.hears: Hears = {NOTED: self._hear_note, TRYING: self._hear_try, SEEN: self._hear_seen}

    def admit(self, backend: str, model: str, *, sole: bool) -> bool:
        tries = self._own.admit(backend, model, sole=sole)
        if tries:
            self._link.tell(TRYING, (backend, model))
        return tries

    def note(
        self,
        backend: str,
        model: str,
        error: GatewayError | None,
        moment: Moment = "begin",
        *,
        probe: bool = False,
        asked: str = "",
    ) -> None:
        self._own.note(backend, model, error, moment, probe=probe, asked=asked)
        if self._is_news(backend, model, error, moment) or probe:
            said = None if error is None else told(error)
            self._link.tell(NOTED, _Note(backend, model, said, moment, probe, asked))

    def seen(self, backend: str) -> None:
        self._own.seen(backend)
        if any(name == backend for name, _model in self._troubled):
            self._link.tell(SEEN, backend)

    def adjust(self, failures: int, open_s: float, longest_open_s: float) -> None:
        self._own.adjust(failures, open_s, longest_open_s)

    def forget(self, backend: str) -> None:
        self._own.forget(backend)

    def _is_news(self, backend: str, model: str, error: GatewayError | None, moment: Moment) -> bool:
        key = backend, model
        if error is not None:
            if error.trips:
                self._troubled.add(key)
            return error.trips
        if key not in self._troubled:
            return False
        if moment == "end":
            self._troubled.discard(key)
        return True

    def _hear_note(self, _link: Link, value: Any) -> None:
        note = msgspec.convert(value, _Note)
        error = None if note.error is None else error_of(note.error)
        self._is_news(note.backend, note.model, error, note.moment)
        self._own.note(note.backend, note.model, error, note.moment, probe=note.probe, asked=note.asked)

    def _hear_try(self, _link: Link, value: Any) -> None:
        backend, model = msgspec.convert(value, Key)
        with suppress(BreakerOpen):
            self._own.admit(backend, model, sole=True)

    def _hear_seen(self, _link: Link, value: Any) -> None:
        self._own.seen(msgspec.convert(value, str))
