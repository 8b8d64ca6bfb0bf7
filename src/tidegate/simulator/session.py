"""The journey of one simulated request, top to bottom: key, shape, rules, money, place in line, answer, bill.

The order of the checks is inferred from what clients report; the hosted API's own is not known. What was produced is
charged and cached also when the client left half-way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, contextmanager

from tidegate.asgi import ClientWatch, Receive, Scope, Send, header, read_body, require_json
from tidegate.core.errors import BodyTooLarge, ClientLeft, ClientMistake, GatewayError
from tidegate.core.events import End, Event, Finish, Start, UsageReport
from tidegate.core.fold import Folding
from tidegate.core.requests import Request
from tidegate.core.usage import Usage
from tidegate.simulator.accounts import Account, concurrency_limit
from tidegate.simulator.bill import Bill
from tidegate.simulator.delivery import STREAM_TYPE, Broken, Delivery
from tidegate.simulator.fault_kinds import STATUSES
from tidegate.simulator.faults import Fault, parse_faults
from tidegate.simulator.generation import Generation, Spoiling
from tidegate.simulator.hosted import admitted
from tidegate.simulator.parts import Parts
from tidegate.simulator.preparation import Prepared, prepare
from tidegate.simulator.queue import NotServed, OnWait
from tidegate.simulator.refusals import Refusal, refusal, refusal_of, refusal_on_order
from tidegate.simulator.speech import Speech
from tidegate.simulator.surface import Encoder, Identity, Surface

BODY_LIMIT_BYTES = 48 * 1024 * 1024
_LONG_BODY_BYTES = 16 * 1024
_BREATH_EVENTS = 32


class Session:
    """One request to one surface. `serve` never raises what a client caused."""

    def __init__(self, parts: Parts, surface: Surface, send: Send, *, beta: bool) -> None:
        self._parts = parts
        self._surface = surface
        self._send = send
        self._beta = beta
        self._faults: Mapping[str, Fault] = {}
        self._streams = False

    async def serve(self, scope: Scope, receive: Receive) -> None:
        seen = self._seen = self._parts.note(scope["method"], scope["path"])
        self._delivery = Delivery(self._send, seen.request_id)
        try:
            await self._answer_or_refuse(scope, receive)
        except ClientLeft:
            seen.outcome = "left"
        except (Broken, NotServed):
            seen.outcome = "broken"  # returning without an end makes the server close the connection
        except asyncio.CancelledError:
            seen.outcome = "broken"  # the server stops
            raise
        except Exception:
            seen.outcome, seen.status = "broken", 500  # the server says so, and logs it
            raise
        finally:
            self._parts.on_done(seen)

    async def _answer_or_refuse(self, scope: Scope, receive: Receive) -> None:
        try:
            await self._answer(scope, receive)
            self._seen.outcome, self._seen.status = "answered", 200
        except Refusal as refused:
            await self._refuse(refused)
        except ClientLeft:
            raise
        except (
            GatewayError
        ) as error:  # the brain is an engine, and it could not answer; or the format has no word for it
            if not self._delivery.started:
                await self._refuse(refusal(self._parts.contract, "overloaded"))
                return
            await self._delivery.write(self._surface.error_event(error) if self._streams else b"")
            raise Broken from None

    async def _refuse(self, refused: Refusal) -> None:
        self._seen.outcome, self._seen.status = "refused", refused.status
        await self._delivery.refuse(refused)

    async def _answer(self, scope: Scope, receive: Receive) -> None:
        parts = self._parts
        try:
            faults = parse_faults(header(scope, b"x-sim-fault") or "") or parts.faults.take()
            body = await read_body(scope, receive, BODY_LIMIT_BYTES)
            key = self._surface.key(scope)
            if parts.accounts.accepts(key):
                parts.seen.keep_body(self._seen, body)
            self._take(faults)
            account = admitted(parts, key, self._seen)
            require_json(scope)
            prepared = await self._prepared(body)
        except BodyTooLarge:
            raise refusal_of(parts.contract, BodyTooLarge("The request body is larger than 48 MiB"), 413) from None
        except ClientMistake as mistake:
            raise refusal_of(parts.contract, mistake, parts.settings.shape_status) from None
        self._seen.model, self._streams = prepared.request.model, bool(prepared.request.stream)
        if account.balance <= 0:
            raise refusal(parts.contract, "no_balance")
        with self._counted(account, prepared.request.model), ClientWatch(receive):
            await self._in_turn(prepared, account)

    async def _prepared(self, body: bytes) -> Prepared:
        """Long prompts are tokenised beside the loop: 600,000 tokens take a second (measured 2026-11-24)."""
        if len(body) < _LONG_BODY_BYTES:
            return prepare(self._parts, self._surface, body, beta=self._beta)
        return await asyncio.to_thread(prepare, self._parts, self._surface, body, beta=self._beta)

    def _take(self, faults: tuple[Fault, ...]) -> None:
        self._seen.faults = [str(fault) for fault in faults]
        self._faults = {fault.name: fault for fault in faults}
        if cut := self._faults.get("cut"):
            self._delivery = Delivery(self._send, self._seen.request_id, int(cut.value))
        for fault in faults:
            if fault.name in STATUSES:
                raise refusal_on_order(self._parts.contract, fault)

    @contextmanager
    def _counted(self, account: Account, model: str) -> Generator[None]:
        """Open from here to the end of the answer, as the limit counts."""
        limit = concurrency_limit(self._parts.contract, model, account)
        account.open_requests[model] += 1
        try:
            if account.open_requests[model] > limit:
                raise refusal(
                    self._parts.contract, "concurrency", concurrency=account.open_requests[model], limit=limit
                )
            yield
        finally:
            account.open_requests[model] -= 1

    async def _in_turn(self, prepared: Prepared, account: Account) -> None:
        line, streams = self._parts.line, prepared.request.stream

        async def on_wait() -> None:
            if not self._delivery.started:
                await self._delivery.begin(STREAM_TYPE if streams else "application/json")
            await self._delivery.write(b": keep-alive\n\n" if streams else b"\n")

        await line.enter(on_wait)
        try:
            if queued := self._faults.get("queue"):
                await self._wait_as_ordered(queued.number, on_wait)
            await self._produce(prepared, account)
        finally:
            line.leave()

    async def _wait_as_ordered(self, seconds: float, on_wait: OnWait) -> None:
        close_after_s = self._parts.contract.value("queue", "close_after_s")
        await self._parts.line.pass_time(min(seconds, close_after_s), on_wait)
        if seconds >= close_after_s:
            raise NotServed

    # -- the answer ----------------------------------------------------------------------------------------------------

    async def _produce(self, prepared: Prepared, account: Account) -> None:
        parts, request = self._parts, prepared.request
        owner = (account.name, getattr(request, "user_id", None) or "")
        hit = parts.cache.lookup(owner, prepared.tokens, parts.clock.now_s())
        identity = self._identity(request)
        manner = prepared.manner(identity.answer_id, leaks="dsml" in self._faults)
        speech = Speech(prepared.renderer, manner)
        generation = Generation(parts.brain, prepared.task, speech, _spoiling(self._faults))
        bill, is_due = Bill(parts, self._seen, account, owner, prepared, hit, generation), True
        try:
            if slow := self._faults.get("slow"):
                await parts.clock.sleep(slow.number)
            async with aclosing(self._events(generation, bill)) as events:
                if request.stream:
                    await self._stream(events, self._surface.encoder(request, identity, bill.prompt))
                else:
                    await self._whole(events, request, identity)
        except GatewayError:
            is_due = self._delivery.started and request.stream  # what was refused is not charged
            raise
        finally:
            if is_due:
                bill.book()

    def _identity(self, request: Request) -> Identity:
        remapped = self._faults.get("remap")
        return Identity(
            answer_id=self._seen.request_id,
            model=remapped.value if remapped else request.model,
            created=int(self._parts.clock.now_s()),
        )

    async def _events(self, generation: Generation, bill: Bill) -> AsyncGenerator[Event, None]:
        """Booked before the end is told, so that who has the answer also finds it paid."""
        yield Start()
        async with aclosing(generation.events()) as content:
            async for event in content:
                if isinstance(event, Finish):
                    self._seen.finish = event.reason
                    self._surface.check_finish(event)
                yield event
        usage = bill.book()
        yield UsageReport(_wrong(usage) if "wrong_usage" in self._faults else usage)
        yield End()

    async def _stream(self, events: AsyncGenerator[Event, None], encoder: Encoder) -> None:
        stall, shown = self._faults.get("stall"), 0
        if not self._delivery.started:
            await self._delivery.begin(STREAM_TYPE)
        async for event in events:
            data = encoder.encode(event)
            if "no_done" in self._faults:
                data = data.removesuffix(self._surface.last_words)
            await self._delivery.write(data)
            shown += not isinstance(event, Start)
            if stall and shown >= stall.number:
                await self._stand_still()
            if not shown % _BREATH_EVENTS:
                await asyncio.sleep(0)  # a scripted brain never waits, and others want to speak too
        await self._delivery.end()

    async def _whole(self, events: AsyncGenerator[Event, None], request: Request, identity: Identity) -> None:
        folding, taken = Folding(), 0
        async for event in events:
            folding.add(event)
            taken += 1
            if not taken % _BREATH_EVENTS:
                await asyncio.sleep(0)
        if "stall" in self._faults:
            await self._delivery.begin("application/json")
            await self._delivery.write(b"\n")  # as keep-alives are; the server holds a head until a byte comes after it
            await self._stand_still()
        await self._delivery.whole(self._surface.whole(folding.answer(), request, identity), "application/json")

    async def _stand_still(self) -> None:
        """Until the client leaves, or the connection is closed without an end."""
        await self._parts.clock.sleep(self._parts.contract.value("queue", "close_after_s"))
        raise Broken


def _wrong(usage: Usage) -> Usage:
    prompt, output = usage.prompt or 0, usage.output or 0
    return Usage(prompt=prompt * 10, output=output + 1000, cache_hit=prompt * 10, reasoning=usage.reasoning)


def _spoiling(faults: Mapping[str, Fault]) -> Spoiling:
    early = faults.get("content_filter") or faults.get("insufficient_system_resource")
    return Spoiling(
        is_empty="empty" in faults,
        ends_as=early.name if early else "",
        ends_after_events=int(early.value) if early else 0,
        cuts_arguments="truncated_arguments" in faults,
    )
