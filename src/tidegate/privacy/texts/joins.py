"""Texts that a backend puts together, put together: half of a value in each of two parts is a value. Pure.

Of a long part only both ends are taken: the rest is looked at where it stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tidegate.privacy.texts.places import Place

WINDOW = 2048
"""Characters: longer than a private key of 2,048 bits in PEM."""
FIM_WINDOW = 512
_GAP = "\n\n"


class Piece(NamedTuple):
    """From `at` on the joined text has `length` characters of `place`, which begin there at `start`."""

    at: int
    length: int
    place: Place
    start: int


class Joined(NamedTuple):
    text: str
    pieces: tuple[Piece, ...]

    def home(self, start: int, end: int) -> tuple[Place, int, int] | None:
        """Where these characters stand; None if they stand in two places."""
        for piece in self.pieces:
            if piece.at <= start and end <= piece.at + piece.length:
                return piece.place, start - piece.at + piece.start, end - piece.at + piece.start
        return None


def joined(texts: Iterable[tuple[Place, str]], glue: str, window: int = WINDOW) -> Joined:
    said: list[str] = []
    pieces: list[Piece] = []
    length = 0

    def add(text: str, place: Place | None = None, start: int = 0) -> None:
        nonlocal length
        if place is not None:
            pieces.append(Piece(length, len(text), place, start))
        said.append(text)
        length += len(text)

    for place, text in texts:
        if said:
            add(glue)
        if len(text) <= 2 * window:
            add(text, place)
        else:
            add(text[:window], place)
            add(_GAP)
            add(text[-window:], place, len(text) - window)
    return Joined("".join(said), tuple(pieces))
