"""An answer is paid and remembered once."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.samples import request_body

from tidegate.core.usage import Usage
from tidegate.simulator.bill import Bill
from tidegate.simulator.chat import ChatSurface
from tidegate.simulator.generation import Generation
from tidegate.simulator.preparation import prepare
from tidegate.simulator.speech import Speech

from .conftest import Caller


async def test_it_is_booked_once_with_what_was_produced(simulator: Callable[..., Caller]):
    parts = simulator().parts
    account = parts.accounts.of("sk-test-0000")
    assert account is not None
    body = request_body(model="deepseek-flash", messages=[{"role": "user", "content": "Return exactly: one two"}])
    prepared = prepare(parts, ChatSurface(), body, beta=False)
    generation = Generation(parts.brain, prepared.task, Speech(prepared.renderer, prepared.manner("id", leaks=False)))
    running = generation.events()
    for _ in range(3):
        await anext(running)
    await running.aclose()
    seen = parts.note("POST", "/chat/completions")
    bill = Bill(parts, seen, account, ("a", ""), prepared, 0, generation)
    usage = bill.book()
    assert usage == Usage(prompt=len(prepared.tokens), output=3, cache_hit=0, reasoning=3)
    assert seen.usage == {"prompt": usage.prompt, "output": 3, "cache_hit": 0, "reasoning": 3}
    paid = account.spent
    assert paid == seen.cost and paid > 0
    assert bill.book() is usage
    assert account.spent == paid
