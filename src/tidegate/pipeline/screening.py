"""What a request holds, and what follows from it: detection, the rows of the policy, conversations, and pseudonyms.

Stands between the surface's request and routing's decision, and again before a masked request is sent. It only ever
raises a class; whatever fails here keeps the request at home.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from msgspec.structs import replace

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import Decision, Snapshot
from tidegate.core.errors import BoundaryBreach, Unmaskable
from tidegate.core.exchange import Exchange
from tidegate.core.findings import NOTHING_SEEN, Finding, Sight
from tidegate.core.fold import Answer
from tidegate.core.messages import Message, TextPart
from tidegate.core.requests import Request
from tidegate.pipeline.ahead import Ahead, Spread
from tidegate.pipeline.hearing import CutKeeper, Keeper
from tidegate.privacy.conversations import Conversations, opening_of
from tidegate.privacy.detection import Detection
from tidegate.privacy.masking.mask import Masked, Veil, mask
from tidegate.privacy.masking.pseudonyms import Vault
from tidegate.privacy.texts.passages import passages
from tidegate.privacy.texts.places import Place
from tidegate.routing.policy import Ask, Policy
from tidegate.routing.rows import Facts, rule_on

R = TypeVar("R", bound=Request)
_INLINE_BYTES = 100_000
"""A larger request is masked in a thread, so that the others need not wait."""


@dataclass(frozen=True, slots=True)
class Screened:
    """A request that was looked at: what routing needs to know, and what was seen, for the masking. `name` is what the
    client calls its conversation."""

    ask: Ask
    sight: Sight
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Decided(Generic[R]):
    """A request as it was meant, who may answer it, and what was seen in it."""

    request: R
    decision: Decision
    screened: Screened


@dataclass(frozen=True, slots=True)
class Covered:
    """A request with pseudonyms, and whether what was remembered for it is in it."""

    request: Request
    veil: Veil
    put_back: bool


class Screening:
    """`wall_clock` gives unix seconds."""

    def __init__(
        self,
        policy: Policy,
        detection: Detection,
        conversations: Conversations,
        vault: Vault,
        wall_clock: Callable[[], float],
        spread: Spread | None = None,
    ) -> None:
        """`spread` tells the other processes; None: there are none."""
        self._policy = policy
        self._detection = detection
        self._conversations = conversations
        self._vault = vault
        self._wall_clock = wall_clock
        self._spread = spread

    async def screen(self, exchange: Exchange, ask: Ask, request: Request, name: str | None) -> Screened:
        """With the first tier. `name` is what the client calls the conversation."""
        sight = await self._detection.look(request)
        was_private = self._conversations.was_private(exchange.client, name, request, self._wall_clock())
        if was_private:
            ask = replace(ask, was_private=True)
        return self._ruled(exchange, Screened(ask, sight, name))

    def looks_closer(self, decision: Decision, snapshot: Snapshot) -> bool:
        """Whether the slow tiers must look too: the request could leave."""
        if not self._detection.has_slow:
            return False
        asked = {candidate.backend for candidate in decision.candidates}
        return any(view.name in asked and view.boundary is Boundary.EXTERNAL for view in snapshot.backends)

    async def screen_closer(self, exchange: Exchange, request: Request, before: Screened) -> Screened:
        sight = await self._detection.look_slowly(request, before.sight)
        return self._ruled(exchange, Screened(before.ask, sight, before.name))

    async def note(self, exchange: Exchange, request: Request, decision: Decision, name: str | None) -> None:
        """Remember the conversation of a private request, from now on and whatever becomes of it, in all processes."""
        if not self._sticks(decision):
            return
        exchange.conversation = self._conversations.marks(exchange.client, name, request)
        await self._known(exchange.conversation)

    def ahead(self, exchange: Exchange, request: Request, decision: Decision) -> Ahead | None:
        """Who makes the answer to a private request known before it is given out; None: that need not be."""
        if not self._sticks(decision):
            return None
        marks = partial(self._conversations.answer_marks, exchange.client, request)
        return Ahead(marks, self._known)

    async def _known(self, marks: tuple[str, ...]) -> None:
        now_s = self._wall_clock()
        self._conversations.remember(marks, now_s)
        if self._spread is not None and marks:
            await self._spread(marks, now_s)

    def keeper(self, request: Request, decision: Decision) -> Keeper | None:
        """Who remembers the answer to a private request, so that it is known when it comes back."""
        if not self._sticks(decision):
            return None

        def keep(exchange: Exchange, answer: Answer) -> None:
            self._mark(exchange, request, Message("assistant", (TextPart(answer.text), *answer.tool_calls)))

        return keep

    def cut_keeper(self, request: Request, decision: Decision) -> CutKeeper | None:
        """The same for an answer that broke off: what was given out of it may come back too."""
        if not self._sticks(decision):
            return None

        def keep(exchange: Exchange, said: str) -> None:
            self._mark(exchange, request, Message("assistant", (TextPart(said),)))

        return keep

    def _mark(self, exchange: Exchange, request: Request, turn: Message) -> None:
        marks = self._conversations.answer_marks(exchange.client, request, turn)
        exchange.conversation = (*exchange.conversation, *marks)
        self._conversations.remember(marks, self._wall_clock())

    async def mask(self, exchange: Exchange, told: Request, asked: Request, screened: Screened) -> Covered:
        """The request with pseudonyms, looked at again: nothing that was to be masked is left in it.

        `told` is `asked`, or more with what was remembered for it. If that holds what the policy has not ruled on, it stays
        away.
        """
        sight, masks, put_back = screened.sight, screened.ask.ruling.masks, told is not asked
        if put_back:
            more = await self._detection.look_slowly(told, await self._detection.look(told))
            if more.tags - sight.tags:
                told, put_back = asked, False
            else:
                sight = more
        key = repr((exchange.client, screened.name)).encode("utf-8", "backslashreplace") + b"\0" + opening_of(asked)
        coiner = self._vault.coiner(key, self._wall_clock())
        if exchange.request_bytes > _INLINE_BYTES:
            masked = await asyncio.to_thread(mask, told, _to_mask(sight, masks), coiner)
        else:
            masked = mask(told, _to_mask(sight, masks), coiner)
        check_again(masked, await self._detection.look(masked.request), masks)
        return Covered(masked.request, masked.veil, put_back)

    def _ruled(self, exchange: Exchange, seen: Screened) -> Screened:
        if seen.sight is NOTHING_SEEN and not self._policy.rows:
            return seen
        ask, tags = seen.ask, seen.sight.tags
        facts = Facts(exchange.client, self._names(ask), tags, exchange.request_bytes, exchange.arrived_at)
        ruling = rule_on(facts, self._policy)
        exchange.found, exchange.rows, exchange.action = seen.sight.counts, ruling.spoke, ruling.action
        return Screened(replace(ask, ruling=ruling), seen.sight, seen.name)

    def _names(self, ask: Ask) -> tuple[str, ...]:
        """The name that was asked for and what else it means: a row about either applies."""
        meant = self._policy.contract.legacy_names.get(ask.model)
        return tuple(filter(None, (ask.model, ask.renamed_from, meant.model if meant else "")))

    def _sticks(self, decision: Decision) -> bool:
        """Where everything is private anyway there is nothing to remember."""
        return (
            self._conversations.on
            and decision.masked_class is DataClass.PRIVATE
            and self._policy.default_class is not DataClass.PRIVATE
        )


def check_again(masked: Masked, again: Sight, masks: frozenset[str]) -> None:
    """Nothing that was to be masked may be found again, but for the pseudonyms: `password: SECRET_...` reads like one."""
    if again.failed:
        raise Unmaskable(f"The masked request could not be looked at again ({again.failed}), so it may not leave")
    if not again.tags & masks:
        return
    texts = {passage.place: passage.text for passage in passages(masked.request)}
    for place, found in again.places:
        for finding in found:
            if finding.tag not in masks:
                continue
            said = texts[place][finding.start : finding.end]
            rest = said
            for pseudonym in masked.veil.pairs:
                rest = rest.replace(pseudonym, "")
            if rest == said:
                raise BoundaryBreach(
                    f"stopped before it was sent: {finding.code} was still there after it was masked; nothing was sent"
                )
            if any(character.isalnum() for character in rest):
                raise Unmaskable(
                    f"{place} still reads like {finding.code} with pseudonyms in it, so the request may not leave; change "
                    "that field, or the policy's row with action = mask"
                )


def _to_mask(sight: Sight, masks: frozenset[str]) -> dict[Place, tuple[Finding, ...]]:
    wanted = {place: tuple(one for one in found if one.tag in masks) for place, found in sight.places}
    return {place: found for place, found in wanted.items() if found}
