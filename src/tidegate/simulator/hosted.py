"""The hosted API's small paths, models and balance. They need a key like everything else, and take faults by header."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from tidegate.asgi import Receive, Scope, Send, header
from tidegate.catalog.contracts.contract import Contract, HostedModel
from tidegate.codecs.model_list import hosted_model_fields, model_fields
from tidegate.core.errors import ClientMistake
from tidegate.simulator.accounts import Account
from tidegate.simulator.chat import bearer
from tidegate.simulator.delivery import Delivery
from tidegate.simulator.fault_kinds import STATUSES
from tidegate.simulator.faults import parse_faults
from tidegate.simulator.parts import Parts
from tidegate.simulator.refusals import Refusal, refusal, refusal_of, refusal_on_order
from tidegate.simulator.seen import Seen

MODELS_PATH = "/models/"
Answer = Callable[[str, Account], dict[str, Any]]


class Hosted:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def models(self, scope: Scope, _receive: Receive, send: Send) -> None:
        contract = self._parts.contract
        entries = [model_entry(model, contract) for model in contract.models.values()]
        await self._get(scope, send, lambda _path, _account: {"object": "list", "data": entries})

    async def model(self, scope: Scope, _receive: Receive, send: Send) -> None:
        await self._get(scope, send, self._one_model)

    async def balance(self, scope: Scope, _receive: Receive, send: Send) -> None:
        await self._get(scope, send, lambda _path, account: account.balance_answer())

    def _one_model(self, path: str, _account: Account) -> dict[str, Any]:
        contract = self._parts.contract
        found = contract.models.get(path.partition(MODELS_PATH)[2])
        if found is None:
            raise refusal(contract, "unknown_path")
        return model_entry(found, contract)

    async def _get(self, scope: Scope, send: Send, answer: Answer) -> None:
        seen = self._parts.note(scope["method"], scope["path"])
        delivery = Delivery(send, seen.request_id)
        try:
            refuse_on_order(self._parts, scope, seen)
            account = admitted(self._parts, bearer(scope), seen)
            await delivery.whole(orjson.dumps(answer(scope["path"], account)), "application/json")
            seen.outcome, seen.status = "answered", 200
        except Refusal as refused:
            seen.outcome, seen.status = "refused", refused.status
            await delivery.refuse(refused)
        finally:
            self._parts.on_done(seen)


def admitted(parts: Parts, key: str | None, seen: Seen) -> Account:
    """The account behind the key."""
    if not key:
        raise refusal(parts.contract, "no_key")
    account = parts.accounts.of(key)
    if account is None:
        raise refusal(parts.contract, "bad_key", tail=key[-4:], request_id=seen.request_id)
    seen.account = account.name
    return account


def refuse_on_order(parts: Parts, scope: Scope, seen: Seen) -> None:
    """Status faults of the header. Armed faults wait for a completion: who polls models must not use them up."""
    try:
        faults = parse_faults(header(scope, b"x-sim-fault") or "")
    except ClientMistake as mistake:
        raise refusal_of(parts.contract, mistake, 400) from None
    seen.faults = [str(fault) for fault in faults]
    for fault in sorted(faults, key=lambda fault: fault.name in STATUSES):
        if fault.name not in STATUSES:
            spoils = ClientMistake(
                f"x-sim-fault: {fault.name} spoils a completion; this path has only statuses to fail with"
            )
            raise refusal_of(parts.contract, spoils, 400)
        raise refusal_on_order(parts.contract, fault)


def model_entry(model: HostedModel, contract: Contract) -> dict[str, Any]:
    return model_fields(model.name, "deepseek") | hosted_model_fields(model, contract)
