"""Words that one worker says to all others: the steward only passes them on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tidegate.steward.link import Hears, Link

WRONG_KEY = "keys.wrong"
"""An address that sent a wrong key."""
MEASURED = "profiles.measured"
"""What a model can do: the others need not measure it."""
ALERT = "watch.alert"
"""Something to be told outside: the first worker does."""


class RelayDesk:
    def __init__(
        self, workers: Callable[[], Iterable[Link]], words: Iterable[str] = (WRONG_KEY, ALERT, MEASURED)
    ) -> None:
        self._workers = workers
        self.hears: Hears = {word: self._passing(word) for word in words}

    def _passing(self, word: str) -> Callable[[Link, Any], None]:
        def pass_on(link: Link, value: Any) -> None:
            for other in self._workers():
                if other is not link:
                    other.tell(word, value)

        return pass_on
