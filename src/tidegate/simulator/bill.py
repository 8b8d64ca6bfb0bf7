"""What one answer costs its account and leaves in the cache. Booked once, whether it was whole or broken off."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.core.usage import Usage
from tidegate.simulator.accounts import Account, cost_of
from tidegate.simulator.cache import Owner
from tidegate.simulator.generation import Generation
from tidegate.simulator.parts import Parts
from tidegate.simulator.preparation import Prepared
from tidegate.simulator.seen import Seen


@dataclass(slots=True)
class Bill:
    """`hit` is how much of the prompt was found in the cache when the request came."""

    parts: Parts
    seen: Seen
    account: Account
    owner: Owner
    prepared: Prepared
    hit: int
    generation: Generation
    usage: Usage | None = None

    @property
    def prompt(self) -> Usage:
        """What is known before the answer begins."""
        return Usage(prompt=len(self.prepared.tokens), cache_hit=self.hit)

    def book(self) -> Usage:
        if self.usage is not None:
            return self.usage
        parts, generation, tokens = self.parts, self.generation, self.prepared.tokens
        thinks = self.prepared.task.effort != "off"
        usage = self.usage = Usage(
            prompt=len(tokens),
            output=len(generation.output_ids),
            cache_hit=self.hit,
            reasoning=generation.reasoning_tokens if thinks else None,
        )
        now = parts.clock.now()
        cost = cost_of(parts.contract, self.prepared.request.model, usage, now, self.account.currency)
        self.account.charge(cost)
        parts.cache.store(self.owner, tokens, generation.output_ids, now.timestamp())
        parts.seen.keep_output(self.seen, generation.output_ids)
        self.seen.cost = cost
        self.seen.usage = {name: getattr(usage, name) for name in ("prompt", "output", "cache_hit", "reasoning")}
        return usage
