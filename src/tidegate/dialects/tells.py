"""What a server tells of itself beside its model list: its slots, and the models it has in memory. Shapes only, pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tidegate.codecs.answers import load_answer
from tidegate.core.jsonvalue import as_list, as_object
from tidegate.dialects.readers import Fields


def _as_asked(model: str) -> str:
    return model


@dataclass(frozen=True, slots=True)
class TellsLoaded:
    """Where the models in memory are listed. `listed_as` gives the name there of a model that is asked for."""

    path: str
    read: Callable[[bytes], frozenset[str]]
    listed_as: Callable[[str], str] = _as_asked


@dataclass(frozen=True, slots=True)
class TellsSlots:
    """Where the number of requests is told that are worked on at once; None if it is not there after all."""

    path: str
    read: Callable[[bytes], int | None]


def entries(body: bytes, member: str) -> Iterator[Fields]:
    """The objects in a list of the answer."""
    for entry in as_list(load_answer(body).get(member)) or ():
        if (found := as_object(entry)) is not None:
            yield found
