"""Stages that several dialects share, each under a rule of its own dialect. Pure; one is made for each answer.

The one that splits inline reasoning has a file of its own: `thinking`.
"""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.core.events import Event, Finish, Reasoning, Text, ToolCall


class Reporting:
    """A stage that reports one code, once it applied."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._applied = False

    @property
    def quirks(self) -> tuple[str, ...]:
        return (self._code,) if self._applied else ()


class AnswerInReasoning(Reporting):
    """Gives the answer back that a reasoning parser took for reasoning although thinking was off.

    Reasoning is held back until text follows: then the model did think. If the model ended its turn without any, what it
    said is the answer. One that was cut may be a thought, and stays one.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self._held: list[Reasoning] = []

    def take(self, event: Event) -> Iterable[Event]:
        if isinstance(event, Reasoning):
            self._held.append(event)
            return ()
        held, self._held = self._held, []
        if held and isinstance(event, Finish) and event.reason == "stop":
            self._applied = True
            return (*(Text(one.text, one.logprobs) for one in held), event)
        return (*held, event)


class CallsFinish(Reporting):
    """Ends an answer that holds a call with `tool_calls`, where the server says `stop`."""

    _called = False

    def take(self, event: Event) -> Iterable[Event]:
        self._called = self._called or isinstance(event, ToolCall)
        if self._called and isinstance(event, Finish) and event.reason == "stop":
            self._applied = True
            return (Finish("tool_calls"),)
        return (event,)
