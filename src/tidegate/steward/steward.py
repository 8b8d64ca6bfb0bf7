"""The steward's desks behind one line per worker. It answers no client and reads no content."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tidegate.backends.engine import Engine
from tidegate.resilience.lanes import Lanes
from tidegate.steward.breakers import BreakerDesk
from tidegate.steward.engine import EngineDesk
from tidegate.steward.lanes import LaneDesk
from tidegate.steward.line import Answers, Hears, Line
from tidegate.steward.marks import MarkDesk
from tidegate.steward.others import OthersDesk


class Steward:
    def __init__(self, lanes: Lanes, engine: Engine | None = None) -> None:
        self.lines: list[Line] = []
        """Of all workers that are connected."""
        self.end_worker: Callable[[Line], None] = Line.close
        """How a worker is ended that does not answer: the crew kills it."""
        self.lanes = LaneDesk(lanes)
        self._breakers = BreakerDesk(self._workers)
        self._marks = MarkDesk(self._workers, lambda line: self.end_worker(line))
        self._others = OthersDesk(self._workers)
        self._engine = None if engine is None else EngineDesk(engine, self._workers)

    def new_line(self, answers: Answers, hears: Hears) -> Line:
        """The steward's end of a line to a worker that comes up. The other words are the crew's."""
        own = (self.lanes.answers, self._marks.answers, self._others.answers)
        more = () if self._engine is None else (self._engine.answers,)
        line = Line(
            _joined(answers, *own, *more),
            _joined(hears, self.lanes.hears, self._breakers.hears),
            on_back=self.lanes.back,
            on_end=self._end,
        )
        self.lines.append(line)
        return line

    def _workers(self) -> Iterable[Line]:
        return tuple(self.lines)

    def _end(self, line: Line) -> None:
        self.lines.remove(line)
        self.lanes.end(line)
        self._breakers.end(line)


def _joined(*parts: dict[str, object]) -> dict[str, object]:
    return {word: value for part in parts for word, value in part.items()}
