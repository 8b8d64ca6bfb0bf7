"""Faults on demand: how they are named and which are armed. Pure; `session` and `delivery` commit them.

A request names its own in the header `x-sim-fault: NAME[=VALUE][, NAME...]`; `POST /-/faults` arms one for the next
requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import assert_never

from tidegate.core.errors import ClientMistake
from tidegate.simulator.fault_kinds import BODIES, FAULTS, Takes


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    value: str = ""

    @property
    def number(self) -> float:
        return float(self.value)

    def __str__(self) -> str:
        return f"{self.name}={self.value}" if self.value else self.name


_WANTED: dict[Takes, str] = {
    "body": f"one of {', '.join(BODIES)}",
    "count": "a whole number",
    "seconds": "a number of seconds",
    "word": "a word",
    "nothing": "no value",
}


def parse_faults(text: str) -> tuple[Fault, ...]:
    """The faults of a header or an order; an unknown name is an error that lists the known ones."""
    return tuple(_parse(word.strip()) for word in text.split(",") if word.strip())


def _parse(word: str) -> Fault:
    name, _, value = (part.strip() for part in word.partition("="))
    kind = FAULTS.get(name)
    if kind is None:
        raise ClientMistake(f"x-sim-fault: there is no fault {name!r}; known are {', '.join(FAULTS)}")
    value = value or kind.otherwise
    if not _fits(kind.takes, value):
        raise ClientMistake(f"x-sim-fault: {name} takes {_WANTED[kind.takes]}, not {value!r}")
    return Fault(name, value)


def _fits(takes: Takes, value: str) -> bool:
    match takes:
        case "body":
            return value in BODIES
        case "nothing":
            return not value
        case "count":
            return value.isdecimal() and len(value) < 10
        case "seconds":
            return value.replace(".", "", 1).isdecimal() and len(value) < 10
        case "word":
            return bool(value)
        case _:
            assert_never(takes)


@dataclass(slots=True)
class Armed:
    """A fault for the next `times` requests."""

    faults: tuple[Fault, ...]
    times: int


@dataclass(slots=True)
class FaultBook:
    armed: list[Armed] = field(default_factory=list[Armed])

    def arm(self, faults: Iterable[Fault], times: int) -> None:
        self.armed.append(Armed(tuple(faults), times))

    def clear(self) -> None:
        self.armed.clear()

    def take(self) -> tuple[Fault, ...]:
        """The faults of the next request: those of the order that was armed first."""
        if not self.armed:
            return ()
        first = self.armed[0]
        first.times -= 1
        if first.times <= 0:
            self.armed.pop(0)
        return first.faults
