"""Tool calls made whole: that a forced call came, of which function, and with which arguments. A stage for every local dialect.

Text before a forced call is held back until the call begins, so that a backend that only talks can still be replaced by
another. What is wrong with arguments is known at the end of the answer. Nothing is repaired.
"""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.core.errors import BadAnswer
from tidegate.core.events import End, Event, Finish, Text, ToolCall, UsageReport
from tidegate.core.jsonvalue import as_list
from tidegate.core.requests import ChatRequest, NamedTool, ToolSpec
from tidegate.dialects.base import COMMON
from tidegate.dialects.refusals import asks_forced_tool
from tidegate.dialects.stages import Reporting
from tidegate.dialects.validity import Validity, object_in

CHECKED_CALLS = COMMON.rule(
    "REQ012",
    "tool calls of a local runtime are checked: forced ones must come, arguments must be a JSON object, `length` wins",
    why="A forced call that does not come, comes for another function or, forced or strict, with arguments against their "
    "schema is an error. Arguments that are cut, or `{}` where members are required, in an answer as long as max_tokens "
    "mean that it was cut, whatever the runtime says: executing them would be wrong.",
    source="llama.cpp b11549 and vLLM 0.32.0, run 2026-11-22; https://github.com/ggml-org/llama.cpp/issues/27217",
    checked="2026-11-24",
)


class CheckedCalls(Reporting):
    """Holds the calls of one answer to the request they answer."""

    def __init__(self, request: ChatRequest) -> None:
        super().__init__(CHECKED_CALLS.code)
        choice = request.tool_choice
        self._forced = asks_forced_tool(request)
        self._named = choice.name if isinstance(choice, NamedTool) else None
        self._most = request.max_tokens
        self._tools = {tool.name: tool for tool in request.tools}
        self._wanted = {tool.name: _validity(tool) for tool in request.tools if self._is_bound(tool)}
        self._names: dict[int, str] = {}
        self._arguments: dict[int, list[str]] = {}
        self._held: list[Event] = []
        self._finish: Finish | None = None
        self._bears_doubt = False

    def take(self, event: Event) -> Iterable[Event]:
        match event:
            case Text() if self._forced and not self._names:
                self._held.append(event)
                return ()
            case ToolCall():
                self._hear(event)
                return (*self._released(), event)
            case Finish():
                return self._finished(event)
            case UsageReport() if self._finish is not None:
                self._held.append(event)
                return ()
            case End() if self._finish is not None:
                return (self._judged(self._finish), *self._released(), event)
            case _:
                return (event,)

    def _is_bound(self, tool: ToolSpec) -> bool:
        """Whether its arguments must follow its schema."""
        return (self._forced and self._named in (None, tool.name)) or bool(tool.strict)

    def _released(self) -> list[Event]:
        held, self._held = self._held, []
        return held

    def _hear(self, piece: ToolCall) -> None:
        if piece.index not in self._names:
            name = piece.name or ""
            if self._forced and (name not in self._tools or self._named not in (None, name)):
                raise _broken("the backend called another function than `tool_choice` asks for")
            self._names[piece.index] = name
            self._arguments[piece.index] = []
        self._arguments[piece.index].append(piece.arguments)

    def _finished(self, finish: Finish) -> Iterable[Event]:
        """A doubtful end waits for the usage, which says whether the answer was cut."""
        if finish.reason not in ("stop", "tool_calls"):
            return (*self._released(), finish)
        if self._forced and not self._names:
            raise _broken("the backend answered without the tool call that `tool_choice` asks for")
        doubts = [self._doubt(name, "".join(self._arguments[index])) for index, name in self._names.items()]
        if not any(doubts):
            return (finish,)
        self._finish = finish
        self._bears_doubt = "broken" not in doubts
        return ()

    def _doubt(self, name: str, arguments: str) -> str:
        given = object_in(arguments)
        wanted = self._wanted.get(name)
        if given is None or (wanted is not None and not wanted.holds(given)):
            return "broken"
        tool = self._tools.get(name)
        needs = tool is not None and bool(as_list((tool.parameters or {}).get("required")))
        return "empty" if needs and not given else ""

    def _judged(self, finish: Finish) -> Finish:
        used = next((held.usage.output for held in reversed(self._held) if isinstance(held, UsageReport)), None)
        if self._most is not None and used is not None and used >= self._most:
            self._applied = True
            return Finish("length")
        if self._bears_doubt:
            return finish
        raise _broken("the backend called a function with arguments that are not what its `parameters` ask for")


def _validity(tool: ToolSpec) -> Validity:
    return Validity({} if tool.parameters is None else tool.parameters, "tools", CHECKED_CALLS)


def _broken(what: str) -> BadAnswer:
    return BadAnswer(f"{what}, see {CHECKED_CALLS.code}; ask again or use another `model`")


def checked_calls(request: ChatRequest) -> CheckedCalls | None:
    return CheckedCalls(request) if request.tools and request.tool_choice != "none" else None
