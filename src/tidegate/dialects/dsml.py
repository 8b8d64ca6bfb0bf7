"""The stage that keeps DSML from clients: calls that a server left in the text, or in the reasoning, become tool calls.

What is trimmed is what DeepSeek's own parser trims: the newlines before a block. Where that parser guesses, this stage
refuses: it makes a call without arguments of a block that holds something else, and of one whose tags are wrong
(deepseek-recipe 0.2.0, run 2026-11-24). Unlike it, text behind a block is kept, and further blocks are read.
"""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.codecs.call_ids import call_id_of
from tidegate.core.errors import BadAnswer
from tidegate.core.events import Event, Finish, Reasoning, Start, Text, ToolCall
from tidegate.core.messages import ToolCallPart
from tidegate.core.requests import ChatRequest
from tidegate.dialects.base import COMMON
from tidegate.dialects.dsml_block import HEAD, MARK, BlockReader, Unreadable, begun

_SEEN = (
    "deepseek-recipe 0.2.0 and llama.cpp b11549, run 2026-11-22 and 2026-11-24; vllm-project/vllm#40801, #45877, #54686; "
    "sgl-project/sglang#35736, #40236"
)

CALLS = COMMON.rule(
    "REQ020",
    "tool calls that a local runtime left in the text as DSML become tool calls",
    why="Runtimes without the right tool parser, and some with it, pass on what the model wrote. V3.2's, V4's and V4.1's "
    "markup is read, also inside reasoning and with the wrong bars that were seen. A call that was cut ends with `length` "
    "and the arguments as far as they came.",
    source=_SEEN,
    checked="2026-11-24",
)

TAKEN_OUT = COMMON.rule(
    "REQ021",
    "DSML is taken out of the text where no call is allowed, and where the runtime has sent calls itself",
    why="Without tools or with tool_choice `none` nobody expects a call; a runtime that parses calls and shows their "
    "markup too would have each of them executed twice.",
    source="vLLM 0.32.0 takes it out, llama.cpp b11549 leaves it, run 2026-11-22; sgl-project/sglang#35736, 2026-08-20",
    checked="2026-11-24",
)

UNREADABLE = COMMON.rule(
    "REQ022",
    "an answer of a local runtime with DSML that cannot be read is refused",
    why="A call whose name, arguments or end is missing would have to be guessed, and shown as text it looks like an "
    "answer. A model that writes about DSML tags in its answer is refused for that reason too.",
    source=_SEEN,
    checked="2026-11-24",
)

_Said = Text | Reasoning
_SLICE_CHARACTERS = 2048
_MOST_NEWLINES = 256
"""A model that writes newlines without end must not be held back without end."""
_HOW = f"see {UNREADABLE.code}; start its server with the tool parser of this model"


class DsmlCalls:
    """Reads blocks of DSML out of text and reasoning, and holds back only what may begin one."""

    def __init__(self, request: ChatRequest) -> None:
        self._request = request
        self._allowed = bool(request.tools) and request.tool_choice != "none"
        self._start = Start()
        self._held: list[_Said] = []
        self._block: BlockReader | None = None
        self._kind: type[_Said] = Text
        self._after = False
        self._bare = False
        self._parsed_there = False
        self._calls = 0
        self._codes: list[str] = []

    @property
    def quirks(self) -> tuple[str, ...]:
        return tuple(self._codes)

    def take(self, event: Event) -> Iterable[Event]:
        if isinstance(event, (Text, Reasoning)):
            return self._take_said(event)
        match event:
            case ToolCall():
                if self._calls:
                    raise BadAnswer(f"the backend's answer holds calls as text and as calls, {_HOW}")
                self._parsed_there, self._block = True, None
                return (*self._settle(), event)
            case Finish():
                return self._finish(event)
            case Start():
                self._start = event
                return (event,)
            case _:
                return (event,)

    def _take_said(self, event: _Said) -> Iterable[Event]:
        text = event.text
        waits = self._held or self._after or self._block is not None
        if not waits and "<" not in text and not text.endswith("\n"):
            return (event,)
        if len(text) > _SLICE_CHARACTERS and (self._block is not None or MARK.search(text)):
            return self._read_in_slices(event)
        return self._read(event)

    def _read_in_slices(self, event: _Said) -> list[Event]:
        """A whole answer of many calls would be copied anew for each of them."""
        ends = range(_SLICE_CHARACTERS, len(event.text), _SLICE_CHARACTERS)
        said = self._read(type(event)(event.text[:_SLICE_CHARACTERS], event.logprobs))
        for end in ends:
            said += self._read(type(event)(event.text[end : end + _SLICE_CHARACTERS]))
        return said

    def _read(self, event: _Said) -> list[Event]:
        said: list[Event] = []
        if type(event) is not self._kind:
            if self._block is not None and not self._block.complete:
                raise BadAnswer(f"the backend's answer ends its reasoning inside a tool call, {_HOW}")
            said += self._settle()
            self._block, self._kind = None, type(event)
        if self._block is not None:
            return [*said, *self._feed(event.text)]
        self._held.append(event)
        return [*said, *self._look()]

    def _look(self) -> list[Event]:
        """Says what is sure to be no DSML, and begins a block where there is one."""
        if self._after and not self._skip_blank():
            return []
        whole = "".join(piece.text for piece in self._held)
        mark, place = MARK.search(whole), begun(whole)
        found = HEAD.match(whole, mark.start()) if mark else None
        if mark and found is None and mark.start() != place:
            raise BadAnswer(f"the backend's answer holds tool-call markup that cannot be read, {_HOW}")
        end = found.start() if found else place
        said = self._release(max(len(whole[:end].rstrip("\n")), end - _MOST_NEWLINES))
        if found is None:
            return said
        self._bare = self._bare and not said
        self._held.clear()
        if found["end"] or found["word"] == "parameter":
            return [*said, *self._closing(found["word"], whole[found.end() :])]
        self._block = BlockReader(bare=found["word"] == "invoke")
        return [*said, *self._feed(whole[found.start() :])]

    def _skip_blank(self) -> bool:
        """What is blank behind a block separates it from nothing. Whether there is more."""
        piece = self._held.pop()
        if text := piece.text.lstrip():
            self._held.append(self._kind(text, piece.logprobs))
            self._after = False
        return not self._after

    def _closing(self, word: str, rest: str) -> list[Event]:
        """A tag that closes nothing. Where the prompt has opened the block, only its end comes from the model."""
        if not self._bare or word in ("invoke", "parameter"):
            raise BadAnswer(f"the backend's answer holds tool-call markup out of place, {_HOW}")
        return self._go_on(rest)

    def _feed(self, text: str) -> list[Event]:
        block = self._block
        assert block is not None
        code = CALLS.code if self._allowed and not self._parsed_there else TAKEN_OUT.code
        if code not in self._codes:
            self._codes.append(code)
        try:
            pieces = block.feed(text)
        except Unreadable:
            raise BadAnswer(f"the backend's answer holds a tool call that cannot be read, {_HOW}") from None
        said: list[Event] = [self._call(*piece) for piece in pieces] if code == CALLS.code else []
        if block.over:
            self._block, self._bare = None, block.bare
            said += self._go_on(block.rest)
        return said

    def _go_on(self, rest: str) -> list[Event]:
        self._after = True
        if not rest:
            return []
        self._held.append(self._kind(rest))
        return self._look()

    def _call(self, name: str | None, arguments: str) -> ToolCall:
        if name is None:
            return ToolCall(self._calls - 1, None, None, arguments)
        self._calls += 1
        return ToolCall(self._calls - 1, self._new_id(name), name, arguments)

    def _new_id(self, name: str) -> str:
        """One that the conversation does not have yet."""
        messages = self._request.messages
        taken = {part.call_id for message in messages for part in message.parts if isinstance(part, ToolCallPart)}
        index, salt = self._calls - 1, 0
        begun_by = (self._start.answer_id, self._start.created, len(messages), name)
        while (call_id := call_id_of(index, *begun_by, salt)) in taken:
            salt += 1
        return call_id

    def _release(self, size: int | None = None) -> list[Event]:
        """Of what is held, this many characters, each piece as it came. Logprobs of a cut piece go with its first part."""
        said: list[Event] = []
        while self._held and (size is None or size > 0):
            piece = self._held.pop(0)
            kind, text = type(piece), piece.text
            if size is not None and len(text) > size:
                self._held.insert(0, kind(text[size:]))
                text = text[:size]
            said.append(kind(text, piece.logprobs))
            size = None if size is None else size - len(text)
        return said

    def _settle(self) -> list[Event]:
        """What is held is as far as it goes: text, or the begin of a tag that will not come."""
        if MARK.search("".join(piece.text for piece in self._held)):
            self._held.clear()
        return self._release()

    def _finish(self, finish: Finish) -> list[Event]:
        held = len(self._held)
        said = self._settle()
        cut = len(said) < held or (self._block is not None and not self._block.complete)
        if cut and finish.reason in ("stop", "tool_calls") and not self._parsed_there:
            raise BadAnswer(f"the backend's answer stops inside a tool call, {_HOW}; or leave out `stop`")
        if self._calls and finish.reason == "stop":
            finish = Finish("tool_calls")
        return [*said, finish]


def read_dsml(request: ChatRequest) -> DsmlCalls:
    return DsmlCalls(request)
