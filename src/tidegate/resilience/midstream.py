"""An answer that broke off: whether another backend may go on with it, and what it is asked then. Pure.

A continuation is Chat Prefix Completion: the same conversation, and behind it the answer so far as a prefix. Who is asked
is not decided here.
"""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.core.errors import GatewayError
from tidegate.core.events import Event, Finish, Frame, Reasoning, Start, Text, ToolCall
from tidegate.core.messages import Message, Part, ReasoningPart, TextPart
from tidegate.core.requests import ChatRequest, Request
from tidegate.core.rulebook import Rule
from tidegate.resilience.rules import FINISHED, UNFIT_REQUEST, UNFIT_TEXT

LONGEST_SAID = 4 * 1024 * 1024
"""Characters of one answer that are held for this."""
_MOST_LAST = 4
"""Frames of which the bytes are held: some formats have events that change nothing between those that do."""
_CHARACTERS_PER_TOKEN = 4
"""As many as a token of a natural language has on average, at most."""


class Said:
    """What an answer has given out so far."""

    __slots__ = (
        "_characters",
        "_most_characters",
        "_reasoning",
        "_text",
        "finished",
        "last",
        "pieces",
        "start",
        "whole",
    )

    def __init__(self, most_characters: int = LONGEST_SAID) -> None:
        self._reasoning: list[str] = []
        self._text: list[str] = []
        self._characters = 0
        self._most_characters = most_characters
        self.start = Start()
        self.last: tuple[bytes, ...] = ()
        """The bytes of the last frames that were passed on as they came."""
        self.pieces = 0
        self.finished = False
        self.whole = True
        """Whether it is one thought and one text behind it, and all of it is held."""

    def hear(self, frames: list[Frame]) -> None:
        for frame in frames:
            try:
                events = frame.events
            except GatewayError:  # what cannot be read went out as it came
                self._give_up()
                continue
            if frame.wire is not None:
                self.last = (*self.last[1 - _MOST_LAST :], frame.wire)
            for event in events:
                self._take(event)

    @property
    def reasoning(self) -> str:
        return "".join(self._reasoning)

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def events(self) -> tuple[Event, ...]:
        """As few as say the same."""
        said: list[Event] = [self.start]
        if self._reasoning:
            said.append(Reasoning(self.reasoning))
        if self._text:
            said.append(Text(self.text))
        return tuple(said)

    @property
    def about_tokens(self) -> int:
        """How many it has used. Nobody reported it: a piece of a stream is a token, and some servers send several in one."""
        return max(self.pieces, self._characters // _CHARACTERS_PER_TOKEN)

    def _take(self, event: Event) -> None:
        match event:
            case Start():
                self.start = event
            case Reasoning(text):
                if self._text:
                    self._give_up()
                self._add(self._reasoning, text)
            case Text(text):
                self._add(self._text, text)
            case ToolCall():
                self._give_up()
            case Finish():
                self.finished = True
            case _:
                pass

    def _add(self, kind: list[str], text: str) -> None:
        if not self.whole:
            return
        kind.append(text)
        self.pieces += bool(text)
        self._characters += len(text)
        if self._characters > self._most_characters:
            self._give_up()

    def _give_up(self) -> None:
        self.whole = False
        self._reasoning.clear()
        self._text.clear()


def obstacle(request: Request, said: Said) -> Rule | None:
    """The rule by which nobody may go on with this answer; None: it may be tried."""
    if said.finished:
        return FINISHED
    if not isinstance(request, ChatRequest) or not _may_be_continued(request):
        return UNFIT_REQUEST
    return None if _is_prefix(request, said) else UNFIT_TEXT


def continuation(request: ChatRequest, said: Said) -> ChatRequest:
    """The request for the rest, in the chat format: another has no word for a prefix."""
    *earlier, last = request.messages
    before = last if last.prefix else None
    if before is None:
        earlier = list(request.messages)
    thought = _joined(before, ReasoningPart) + said.reasoning
    text = TextPart(_joined(before, TextPart) + said.text)
    parts: tuple[Part, ...] = (ReasoningPart(thought), text) if thought else (text,)
    turn = Message("assistant", parts, None if before is None else before.name, prefix=True)
    left = None if request.max_tokens is None else request.max_tokens - said.about_tokens
    return replace(request, messages=(*earlier, turn), max_tokens=left, stream=True, codec="openai_chat")


def _may_be_continued(request: ChatRequest) -> bool:
    last = request.messages[-1] if request.messages else None
    return (
        last is not None
        and not request.tools
        and not any(message.has_calls or message.role == "tool" for message in request.messages)
        and (request.response_format or {}).get("type", "text") == "text"
        and not request.logprobs
        and request.n in (None, 1)
        and (last.role != "assistant" or _is_plain_prefix(last))
    )


def _is_plain_prefix(turn: Message) -> bool:
    """One thought and one text at most, so that it can be made longer."""
    kinds = [type(part) for part in turn.parts]
    return turn.prefix and set(kinds) <= {ReasoningPart, TextPart} and len(kinds) == len(set(kinds))


def _is_prefix(request: ChatRequest, said: Said) -> bool:
    """Whether what was said may stand behind the conversation as a prefix, and the rest will be what was asked for."""
    last = request.messages[-1]
    before = last if last.prefix else None
    text = _joined(before, TextPart) + said.text
    if not said.whole or not (said.text or said.reasoning):
        return False
    if said.reasoning and (not request.thinks or _joined(before, TextPart)):
        return False
    if request.max_tokens is not None and said.about_tokens >= request.max_tokens:
        return False
    return not any(_begins_in(stop, text) for stop in request.stop)


def _joined(turn: Message | None, kind: type[ReasoningPart | TextPart]) -> str:
    return "" if turn is None else "".join(part.text for part in turn.parts if isinstance(part, kind))


def _begins_in(stop: str, text: str) -> bool:
    """Whether the text ends in a beginning of the stop string: whoever goes on would not see the whole of it."""
    return any(text.endswith(stop[:length]) for length in range(1, len(stop)))
