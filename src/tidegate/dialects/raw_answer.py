"""The stage that turns the raw text of an answer into its parts: thought, text and calls, as DeepSeek's parser finds them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from msgspec.structs import replace

from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.usage import Usage
from tidegate.dialects.raw import Tally
from tidegate.dialects.raw_rules import CACHE, EOS, STRAY
from tidegate.dialects.recipe import EOS as EOS_TEXT
from tidegate.dialects.recipe import Parser

_CLOSING = "</think>"


class RawAnswer:
    """Once a stop string was found the answer ends at once, whatever still comes; so it does if anything is said behind an
    end token."""

    def __init__(self, parser: Parser, tally: Tally, *, thinks: bool, calls: bool) -> None:
        """`thinks`: the text begins inside the thought. `calls`: tools were offered."""
        self._parser = parser
        self._tally = tally
        self._calls = calls
        self._thought = _ThoughtCount(thinks=thinks)
        self._held = ""
        self._said_all = False
        self._over = False
        self._stray = False
        self._used: Usage | None = None
        self._quirks: list[str] = []

    @property
    def quirks(self) -> list[str]:
        return self._quirks

    def take(self, event: Event) -> Iterable[Event]:
        if self._over:
            return ()
        match event:
            case Start():
                return (event, *self._offered(self._parser.opening))
            case Text(text):
                return self._read(text)
            case Finish(reason):
                return self._finish(reason)
            case UsageReport(usage):
                return (self._report(usage),)
            case End():
                self._settle()
                return (event,)
            case Reasoning() | ToolCall():
                raise BrokenContract("the backend parsed what it was asked to leave raw")
            case _:
                assert_never(event)

    def _read(self, text: str) -> list[Event]:
        if self._said_all:
            return self._end() if text else []
        self._thought.count(text, self._tally.usage)
        said, mark, behind = (self._held + text).partition(EOS_TEXT)
        if mark:
            return self._end_token(said, behind)
        begun = next((n for n in range(len(EOS_TEXT) - 1, 0, -1) if said.endswith(EOS_TEXT[:n])), 0)
        said, self._held = said[: len(said) - begun], said[len(said) - begun :]
        events = self._offered(self._parser.feed(said)) if said else []
        return [*events, *self._end()] if self._parser.finished else events

    def _end_token(self, said: str, behind: str) -> list[Event]:
        """The server may end here itself and tell what was used; if it says more, it does not know the token."""
        self._note(EOS.code)
        self._said_all, self._held = True, ""
        events = self._offered(self._parser.feed(said)) if said else []
        if not self._parser.finished:
            events += self._offered(self._parser.finish("stop"))
        return [*events, *self._end()] if behind else events

    def _finish(self, reason: str) -> list[Event]:
        if self._said_all:
            return []
        held, self._held = self._held, ""
        events = self._offered(self._parser.feed(held)) if held else []
        if self._parser.finished:
            return events
        return [*events, *self._offered(self._parser.finish(reason))]

    def _end(self) -> list[Event]:
        self._over = True
        used = self._tally.usage
        reports: list[Event] = [] if used is None else [self._report(used)]
        self._settle()
        return [*reports, End()]

    def _report(self, usage: Usage) -> UsageReport:
        """May come more than once; the last one counts."""
        self._used = replace(usage, reasoning=self._thought.tokens(usage))
        return UsageReport(self._used)

    def _settle(self) -> None:
        if self._used is not None and self._used.cache_hit is None:
            self._note(CACHE.code)

    def _offered(self, events: tuple[Event, ...]) -> list[Event]:
        """Without calls, where no tools were offered."""
        if any(isinstance(event, ToolCall) for event in events):
            self._thought.interrupt()
        if self._calls:
            return list(events)
        kept: list[Event] = []
        for event in events:
            if isinstance(event, ToolCall):
                self._stray = True
                self._note(STRAY.code)
            elif self._stray and isinstance(event, Finish) and event.reason == "tool_calls":
                kept.append(Finish("stop"))
            else:
                kept.append(event)
        return kept

    def _note(self, code: str) -> None:
        if code not in self._quirks:
            self._quirks.append(code)


class _ThoughtCount:
    """How many tokens the thought had, without the tag that closes it; None is unknown.

    Where the server counts while it sends, its counts are taken. Where it does not, a piece is a token: that is believed
    only if the pieces are as many as the tokens counted in the end (the last of which may be without text).
    """

    def __init__(self, *, thinks: bool) -> None:
        self._known = thinks
        self._open = thinks
        self._tail = ""
        self._pieces = 0
        self._told: int | None = None
        self._before = 0  # tokens before the piece in which a closing tag may have begun
        self._blurred = False  # that piece holds more than the tag, and more than one token

    def count(self, text: str, used: Usage | None) -> None:
        before = self._pieces if self._told is None else self._told
        self._pieces += 1
        self._told = used.output if used is not None else None
        if not self._open:
            return
        alone = self._told is None or self._told - before <= 1
        seen = self._tail + text
        place = seen.find(_CLOSING)
        self._open = place < 0
        longest = min(len(_CLOSING) - 1, len(seen))
        kept = next((n for n in range(longest, 0, -1) if _CLOSING.startswith(seen[-n:])), 0) if self._open else 0
        begun = len(seen) - kept if self._open else place
        if begun >= len(self._tail):  # the tag, or what may be one, begins in this piece
            self._before = before
            self._blurred = begun > len(self._tail) and not alone
        self._tail = seen[len(seen) - kept :]
        if not self._open:
            self._known = self._known and not self._blurred

    def interrupt(self) -> None:
        """A call begins inside the thought: nothing tells its tokens from the thought's."""
        self._known = self._known and not self._open

    def tokens(self, usage: Usage) -> int | None:
        believed = self._told is not None or usage.output in (self._pieces, self._pieces + 1)
        if usage.reasoning is not None or not self._known or not believed:
            return usage.reasoning
        return usage.output if self._open else self._before
