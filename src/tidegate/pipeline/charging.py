"""What a request of a key with a budget can cost at most, and what is counted against the budget where nobody reported it.

Only where a key has a budget: for all others nothing here runs. Estimates are bounds and never middles: a budget that is
kept on average is not kept.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from tidegate.backends.base import Answering, Backend
from tidegate.catalog.contracts import Contract
from tidegate.core.boundary import Boundary
from tidegate.core.decision import Candidate
from tidegate.core.errors import BrokenContract, BudgetSpent, ConnectionLost, GatewayError, PolicyRefusal
from tidegate.core.events import Frame, Reasoning, Text, ToolCall
from tidegate.core.exchange import Exchange
from tidegate.core.messages import OpaquePart
from tidegate.core.requests import ChatRequest, Request
from tidegate.core.usage import Usage
from tidegate.resilience.guard import Ask, Asking

Price = Callable[[str, Usage | None, datetime], Decimal | None]
Batches = AsyncGenerator[list[Frame]]

_TEMPLATE_TOKENS = 1_024
"""Around all messages: the prompt's frame, the preambles of tools and efforts (with the templates of deepseek-recipe 0.2.0
fewer than 200 more than the body has bytes, 2026-11-24)."""
_MESSAGE_TOKENS = 16
"""Around each message and tool; their names and marks are in the bytes that were counted."""
_IMAGE_TOKENS = 1_200
"""An image that is named by a URL; one that is sent has more bytes than tokens (at most 994: HTTP captures, 2026-09-10)."""
_UNHEARD_TOKENS = 256
"""Made and on their way when an answer is cut."""
_FOUND_TOKENS = 64
"""By which a pseudonym may be longer than what it stands for."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """No fewer tokens than a request can have in its prompt and in its answer."""

    prompt: int
    output: int


def bounds_of(request: Request, request_bytes: int, contract: Contract, *, found: int = 0, put_back: int = 0) -> Bounds:
    """A token is at least one byte of what was sent, so bytes are a bound. `found` values may be masked by longer ones,
    and `put_back` bytes of reasoning may be added."""
    most_output = max((model.output_tokens for model in contract.models.values()), default=0)
    context = max((model.context_tokens for model in contract.models.values()), default=0)
    around, answers = _TEMPLATE_TOKENS, 1
    if isinstance(request, ChatRequest):
        images = sum(isinstance(part, OpaquePart) for message in request.messages for part in message.parts)
        around += _MESSAGE_TOKENS * (len(request.messages) + len(request.tools)) + _IMAGE_TOKENS * images
        answers = request.n or 1
        usual = contract.default_max_tokens(thinks=request.thinks, effort=contract.applied_effort(request))
    else:
        usual = contract.default_max_tokens(thinks=False, effort="off")
    prompt = request_bytes + around + _FOUND_TOKENS * found + put_back
    output = usual if request.max_tokens is None else min(request.max_tokens, most_output)
    return Bounds(min(prompt, context), output * max(answers, 1))


class Bill:
    """Of one exchange: what may be asked at all, the most that it can cost, and what is unknown of it in the end."""

    def __init__(
        self,
        exchange: Exchange,
        request: Request,
        bounds: Bounds,
        price: Price,
        find: Callable[[str], Backend | None],
    ) -> None:
        self._exchange = exchange
        self._bounds = bounds
        self._streamed = bool(request.stream)
        self._price = price
        self._find = find
        self._at = datetime.fromtimestamp(exchange.arrived_at, UTC)
        self._unknown_usd = Decimal(0)
        self._extended_usd = Decimal(0)
        """How much of that is reserved beside what one attempt can cost."""
        self._answering: Candidate | None = None
        """Outside, and what it says is not accounted for yet."""
        self._heard_bytes = 0
        self._carried_bytes = 0
        """Heard from others before, and perhaps sent along to who goes on."""

    def counted(self, asking: Asking) -> Asking:
        """The same, with what a budget needs to know of it."""
        kept = self._affordable(asking.candidates)
        return replace(asking, candidates=kept, ask=self._watching(asking.ask), most_usd=lambda: self._most_usd(kept))

    def _affordable(self, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """Without those outside whose price is not known: what cannot be counted cannot be kept within a budget."""
        kept = tuple(one for one in candidates if not self._is_outside(one) or self._most(one) is not None)
        if candidates and not kept:
            raise PolicyRefusal(
                f"The price of {candidates[0].model!r} at {candidates[0].backend!r} is not known, so a key with a budget may "
                "not ask it; ask another model, or with a key without `budget_usd_per_day` and `budget_usd_per_month`"
            )
        return kept

    def _most_usd(self, candidates: Sequence[Candidate]) -> Decimal:
        """With the dearest of them, nothing of it cached."""
        prices = [self._most(one) for one in candidates if self._is_outside(one)]
        return max((one for one in prices if one is not None), default=Decimal(0))

    def _watching(self, ask: Ask) -> Ask:
        """Asks, and notes what an attempt that failed may have cost."""

        async def asked(backend: Backend, candidate: Candidate) -> tuple[Answering, list[Frame]]:
            self._cut_off()
            await self._extend()
            sent = len(self._exchange.sends)
            try:
                answer = await ask(backend, candidate)
            except BaseException as error:
                if len(self._exchange.sends) > sent and self._is_outside(candidate) and _may_cost(error):
                    self._unknown_usd += self._at_most(candidate.model, self._so_far(0))
                raise
            self._answering = candidate if self._is_outside(candidate) else None
            self._heard_bytes = 0
            return answer

        return asked

    async def heard(self, batches: Batches) -> Batches:
        """Hands the answer on and counts what is said in it. At its end, `charged_usd` is what nobody will report."""
        try:
            async with aclosing(batches):
                async for frames in batches:
                    if self._answering is not None:
                        self._heard_bytes += _said_bytes(frames)
                    yield frames
        finally:
            exchange = self._exchange
            if self._answering is not None and self._reported(exchange) is None:
                self._cut_off()
            if self._unknown_usd:
                exchange.charged_usd = self._unknown_usd

    def _reported(self, exchange: Exchange) -> Decimal | None:
        return None if exchange.model is None else self._price(exchange.model, exchange.usage, self._at)

    def _cut_off(self) -> None:
        """What answered last broke off, or never said what it used."""
        candidate, self._answering = self._answering, None
        if candidate is not None:
            self._unknown_usd += self._at_most(candidate.model, self._so_far(self._heard_bytes))
            self._carried_bytes += self._heard_bytes

    async def _extend(self) -> None:
        """What was lost is lost, and the next attempt can cost as much again."""
        more_usd, grant = self._unknown_usd - self._extended_usd, self._exchange.grant
        if more_usd and grant is not None:
            if not await grant.extend(more_usd):
                raise BudgetSpent(
                    "An attempt failed that may have cost something, and what is left of this key's budget is not enough for "
                    "another one; wait, or raise its budget"
                )
            self._extended_usd = self._unknown_usd

    def _so_far(self, heard_bytes: int) -> Usage:
        """An answer in one piece may have been made whole before it was lost. Where usage was reported in part, it counts."""
        said = self._exchange.usage
        output = min(self._bounds.output, heard_bytes + _UNHEARD_TOKENS) if self._streamed else self._bounds.output
        return Usage(
            prompt=said.prompt if said is not None and said.prompt is not None else self._prompt,
            output=said.output if said is not None and said.output is not None else output,
            cache_hit=0,
        )

    @property
    def _prompt(self) -> int:
        return self._bounds.prompt + self._carried_bytes

    def _most(self, candidate: Candidate) -> Decimal | None:
        most = Usage(prompt=self._bounds.prompt, output=self._bounds.output, cache_hit=0)
        return self._price(candidate.model, most, self._at)

    def _at_most(self, model: str, usage: Usage) -> Decimal:
        return self._price(model, usage, self._at) or Decimal(0)

    def _is_outside(self, candidate: Candidate) -> bool:
        backend = self._find(candidate.backend)
        return backend is None or backend.view.boundary is Boundary.EXTERNAL


def _may_cost(error: BaseException) -> bool:
    """An answer with an error costs nothing; one that was cut, or that nobody waited for, may."""
    if not isinstance(error, GatewayError):
        return True
    return error.after_sending or isinstance(error, BrokenContract | ConnectionLost)


def _said_bytes(frames: list[Frame]) -> int:
    said = 0
    try:
        for frame in frames:
            for event in frame.events:
                match event:
                    case Reasoning(text) | Text(text) | ToolCall(arguments=text):
                        said += len(text.encode("utf-8", "surrogatepass")) + 1
                    case _:
                        said += 1
    except GatewayError:  # it goes to the client as it came, and nobody can read it
        return sum(len(frame.wire or b"") for frame in frames)
    return said


def charge(exchange: Exchange) -> None:
    """What counts against the key: what it cost, and what it may have cost beside."""
    if exchange.terms is not None and exchange.cost_usd is not None:
        exchange.charged_usd = (exchange.charged_usd or Decimal(0)) + exchange.cost_usd
