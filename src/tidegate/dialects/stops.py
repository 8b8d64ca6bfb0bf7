"""Cuts a stop string off the end of an answer, for runtimes that stop at it and leave it in the text."""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.core.events import Event, Finish, Text
from tidegate.core.rulebook import Rule


class StopCutter:
    """Holds back what may be the beginning of a stop string; from a whole one on, nothing is said."""

    def __init__(self, rule: Rule, stops: tuple[str, ...]) -> None:
        self._rule = rule
        self._stops = stops
        self._held = ""
        self._cut = False

    @property
    def quirks(self) -> tuple[str, ...]:
        return (self._rule.code,) if self._cut else ()

    def take(self, event: Event) -> Iterable[Event]:
        match event:
            case Text(text):
                said = "" if self._cut else self._passing(self._held + text)
                return (Text(said),) if said else ()
            case Finish():
                held, self._held = self._held, ""
                return (Text(held), event) if held else (event,)
            case _:
                return (event,)

    def _passing(self, text: str) -> str:
        """What of the text is sure to be said; the rest is held back or cut off."""
        found = [(place + len(stop), place) for stop in self._stops if (place := text.find(stop)) >= 0]
        if found:
            self._cut, self._held = True, ""
            return text[: min(found)[1]]  # the first to be complete is the one that a server stops at
        kept = max(_begun(text, stop) for stop in self._stops)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept]


def _begun(text: str, stop: str) -> int:
    """How many characters at the end of the text begin this stop string."""
    return next((size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0)
