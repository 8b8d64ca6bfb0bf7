"""All targets of an alias answer, and the client gets one answer that holds them, one below the other.

The first is handed on as it comes; the others are asked at the same time, collected, and sent after it. Each has an
exchange of its own, so that class, tokens and cost are booked where they were; the client's exchange names no backend.
Chat in plain text only: what one answer cannot say for several is refused by the name of its field.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from tidegate.core.decision import Candidate, Decision
from tidegate.core.errors import BrokenContract, GatewayError, NotSupported
from tidegate.core.events import End, Event, Finish, Frame, Reasoning, Start, Text, ToolCall, UsageReport, frame_of
from tidegate.core.exchange import Exchange
from tidegate.core.requests import ChatRequest, Request
from tidegate.core.terms import Terms
from tidegate.core.usage import Usage
from tidegate.pipeline.beside import Asker, beside
from tidegate.pipeline.screening import Decided

SURFACE = "each"
HEADING = "### "


async def answer_each(asker: Asker, exchange: Exchange, decided: Decided[Any]) -> AsyncGenerator[list[Frame]]:
    decision = decided.decision
    check(decided.request)
    first, *others = decision.candidates
    later = [asyncio.create_task(_collected(asker, exchange, decided, one)) for one in others]
    joining = Joining(decision)
    try:
        joining.begin(first)
        failure: GatewayError | None = None
        try:
            async with aclosing(_part(asker, exchange, decided, first)) as batches:
                async for events in batches:
                    if said := joining.hear(events):
                        yield _frames(exchange, said)
        except GatewayError as error:
            failure = _noted(error)
        if said := joining.close(failure):
            yield _frames(exchange, said)
        for one, task in zip(others, later, strict=True):
            collected = await task
            joining.begin(one)
            if said := [*joining.hear(collected.events), *joining.close(collected.failure)]:
                yield _frames(exchange, said)
        exchange.attempts = joining.attempts
        yield _frames(exchange, joining.end())
    finally:
        exchange.attempts = joining.attempts
        for task in later:
            task.cancel()
        await asyncio.gather(*later, return_exceptions=True)
    exchange.status, exchange.finish = 200, joining.finish


def check(request: Request) -> None:
    """Refuse what one answer cannot say for several."""
    if not isinstance(request, ChatRequest):
        raise _not_supported("FIM completion")
    asked = {
        "`tools`": bool(request.tools),
        "`response_format`": (request.response_format or {}).get("type", "text") != "text",
        "Chat Prefix Completion (`prefix`)": bool(request.messages) and request.messages[-1].prefix,
        "`n`": request.n not in (None, 1),
        "`logprobs`": bool(request.logprobs),
    }
    for what, is_asked in asked.items():
        if is_asked:
            raise _not_supported(what)


def _not_supported(what: str) -> NotSupported:
    return NotSupported(
        f'{what} is not supported by this `model`: it is an alias with `answers` = "each", whose answer holds those of '
        "several backends; ask one of them, or set `answers` of the alias to first"
    )


@dataclass(frozen=True, slots=True)
class _Collected:
    events: list[Event]
    failure: GatewayError | None = None


async def _collected(asker: Asker, origin: Exchange, decided: Decided[Any], candidate: Candidate) -> _Collected:
    """All of one part, and why it went no further."""
    events: list[Event] = []
    try:
        async with aclosing(_part(asker, origin, decided, candidate)) as batches:
            async for some in batches:
                events += some
    except GatewayError as error:
        return _Collected(events, _noted(error))
    return _Collected(events)


def _noted(error: GatewayError) -> GatewayError:
    """A part that failed is a line in the answer; a wall that had to hold, or a fault of our own, is the end of it."""
    if error.fault == "gateway":
        raise error
    return error


async def _part(
    asker: Asker, origin: Exchange, decided: Decided[Any], candidate: Candidate
) -> AsyncGenerator[list[Event]]:
    """What one candidate says, and no other in its place. It is the client's money that it costs."""
    with beside(asker, origin, SURFACE) as exchange:
        exchange.terms = _terms_of(origin, first=candidate is decided.decision.candidates[0])
        exchange.decision = replace(decided.decision, candidates=(candidate,), each=False)
        exchange.data_class = decided.decision.data_class
        async with aclosing(asker.answer(exchange, replace(decided, decision=exchange.decision))) as batches:
            async for frames in batches:
                yield [event for frame in frames for event in frame.events]


def _terms_of(origin: Exchange, *, first: bool) -> Terms | None:
    """All parts are within the budget; as requests they are one."""
    terms = origin.terms
    return terms if terms is None or first else replace(terms, rate_per_minute=None, concurrency=None)


def _frames(exchange: Exchange, events: list[Event]) -> list[Frame]:
    if exchange.first_frame_s is None:
        exchange.first_frame_s = exchange.elapsed_s()
    return [frame_of(*events)]


class Joining:
    """Events of several answers to those of one. Notes on failures wait until something was said: if nobody answers, the
    client gets an error and no answer made of notes."""

    def __init__(self, decision: Decision) -> None:
        self._left_out = [f"{one.backend} {one.code}" for one in decision.verdicts if not one.kept]
        self._heading = ""
        self._headed: set[type] = set()
        self._spoken: set[type] = set()
        """Kinds of words that had a heading, in this part and in any."""
        self._held: list[Event] = []
        self._begun = False
        self._ended = False
        self._backend = ""
        self._finishes: list[str] = []
        self._usages: list[Usage | None] = []
        self._usage: Usage | None = None
        self._failure: GatewayError | None = None
        self.attempts: list[str] = []

    @property
    def finish(self) -> str:
        """What all say, or else that one was cut, or else stop."""
        reasons = set(self._finishes)
        return reasons.pop() if len(reasons) == 1 else "length" if "length" in reasons else "stop"

    def begin(self, candidate: Candidate) -> None:
        self._backend = candidate.backend
        self._heading = f"{HEADING}{candidate.backend}/{candidate.model}\n\n"
        self._headed = set()
        self._usage = None
        self._ended = False

    def hear(self, events: list[Event]) -> list[Event]:
        said: list[Event] = []
        for event in events:
            match event:
                case Reasoning(text):
                    said += [*self._head(Reasoning), Reasoning(text)]
                case Text(text):
                    said += [*self._head(Text), Text(text)]
                case ToolCall(name=str()):
                    said += [*self._head(Text), Text("(a tool call, although no tools were sent)")]
                case Finish(reason):
                    self._finishes.append(reason)
                case UsageReport(usage):
                    self._usage = usage
                case End():
                    self._ended = True
                case _:  # its start; more of a tool call
                    pass
        return self._told(said, real=bool(said))

    def close(self, failure: GatewayError | None) -> list[Event]:
        """The part is over, or never was."""
        if failure is None and not self._ended:
            failure = BrokenContract("the backend's answer has no proper end")
        headed = Text in self._headed
        if failure is None:
            self._usages.append(self._usage)
            self.attempts.append(f"{self._backend}:ok")
            return self._told([] if headed else [*self._head(Text), Text("(no text)")], real=True)
        name = type(failure).__name__
        self._failure = self._failure or failure
        self.attempts.append(f"{self._backend}:{name}")
        note = f"\n\n(broke off: {name})" if headed else f"(no answer: {name})"
        return self._told([*self._head(Text), Text(note)], real=False)

    def end(self) -> list[Event]:
        if not self._usages:
            raise self._failure or BrokenContract("no backend answered")
        note = f"\n\n(left out by rule: {', '.join(self._left_out)})" if self._left_out else ""
        said: list[Event] = [Text(note)] if note else []
        return [*self._told(said, real=True), Finish(self.finish), UsageReport(total(self._usages)), End()]

    def _head(self, kind: type[Reasoning | Text]) -> list[Event]:
        """Before the first words of a part: a heading, in its thoughts and in its text."""
        if kind in self._headed:
            return []
        gap = "\n\n" if kind in self._spoken else ""
        self._headed.add(kind)
        self._spoken.add(kind)
        return [kind(gap + self._heading)]

    def _told(self, said: list[Event], *, real: bool) -> list[Event]:
        said = [*self._held, *said]
        if not real and not self._begun:
            self._held = said
            return []
        self._held = []
        if said and not self._begun:
            self._begun = True
            return [Start(), *said]
        return said


def total(usages: list[Usage | None]) -> Usage:
    """The sum over all parts; what one of them did not report is not known of the whole."""

    def sum_of(counts: list[int | None]) -> int | None:
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    found = [usage or Usage() for usage in usages]
    return Usage(
        prompt=sum_of([usage.prompt for usage in found]),
        output=sum_of([usage.output for usage in found]),
        cache_hit=sum_of([usage.cache_hit for usage in found]),
        reasoning=sum(usage.reasoning or 0 for usage in found) if any(u.reasoning is not None for u in found) else None,
    )
