"""Both brains fit the role; that they do is the type checker's finding, written down where it can be read."""

from __future__ import annotations

import inspect

from tidegate.cli.embedded_brain import EmbeddedBrain
from tidegate.simulator.brain import Brain
from tidegate.simulator.responder import ScriptedBrain


def test_brains_answer_in_pieces_that_can_be_left():
    scripted: Brain = ScriptedBrain()
    for kind in (type(scripted), EmbeddedBrain):
        assert inspect.isasyncgenfunction(kind.answer)
        assert list(inspect.signature(kind.answer).parameters) == ["self", "task"]
