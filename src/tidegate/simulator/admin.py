"""What tests and people do to a running simulator, under `/-/`: look, arm faults, move the clock, fill accounts.

No key: it stands on a developer's machine. Bodies are JSON, which also keeps web pages of other origins out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from msgspec import to_builtins

from tidegate.asgi import Receive, Scope, Send, read_body, require_json, respond
from tidegate.core.errors import ClientMistake, GatewayError
from tidegate.core.jsonvalue import as_object
from tidegate.simulator.accounts import Account
from tidegate.simulator.faults import parse_faults
from tidegate.simulator.parts import Parts, Seen

_ORDER_LIMIT_BYTES = 64 * 1024
Act = Callable[["Admin", dict[str, Any]], Any]


class Admin:
    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        act = _ACTS.get((scope["method"], scope["path"]))
        try:
            if act is None:
                known = ", ".join(f"{method} {path}" for method, path in _ACTS)
                raise ClientMistake(f"The simulator has {known}")
            order: dict[str, Any] = {}
            if scope["method"] == "POST":
                require_json(scope)
                order = _order(await read_body(scope, receive, _ORDER_LIMIT_BYTES))
            await respond(send, 200, orjson.dumps(act(self, order)))
        except GatewayError as error:
            await respond(send, error.status, orjson.dumps({"error": {"message": error.message}}))

    # -- acts ----------------------------------------------------------------------------------------------------------

    def health(self, _order: dict[str, Any]) -> Any:
        return {"ok": True, "profile": self.parts.contract.profile}

    def state(self, _order: dict[str, Any]) -> Any:
        parts = self.parts
        return {
            "profile": parts.contract.profile,
            "now": parts.clock.now().isoformat(),
            "accounts": [_account_view(account) for account in parts.accounts.all()],
            "cache": {"units": len(parts.cache)},
            "line": {"taken": parts.line.taken, "waiting": parts.line.waiting},
            "faults": self.faults(_order)["armed"],
            "requests": len(parts.seen),
        }

    def requests(self, _order: dict[str, Any]) -> Any:
        return {"requests": [seen_view(seen) for seen in self.parts.seen]}

    def forget_requests(self, _order: dict[str, Any]) -> Any:
        self.parts.seen.clear()
        return {"requests": []}

    def faults(self, _order: dict[str, Any]) -> Any:
        armed = self.parts.faults.armed
        return {"armed": [{"fault": ", ".join(map(str, one.faults)), "times": one.times} for one in armed]}

    def arm(self, order: dict[str, Any]) -> Any:
        times = order.get("times", 1)
        if not isinstance(times, int) or isinstance(times, bool) or times < 1:
            raise ClientMistake("times: expected a whole number from 1 on")
        faults = parse_faults(_text(order, "fault"))
        if not faults:
            raise ClientMistake("fault: expected the name of a fault; `tidegate explain` lists the SIM rules")
        self.parts.faults.arm(faults, times)
        return self.faults(order)

    def disarm(self, order: dict[str, Any]) -> Any:
        self.parts.faults.clear()
        return self.faults(order)

    def clock(self, _order: dict[str, Any]) -> Any:
        return {"now": self.parts.clock.now().isoformat(), "time_scale": self.parts.clock.scale}

    def move_clock(self, order: dict[str, Any]) -> Any:
        if "at" in order:
            self.parts.clock.set(read_time(_text(order, "at"), "at"))
        elif isinstance(seconds := order.get("advance_s"), int | float):
            self.parts.clock.advance(seconds)
        else:
            raise ClientMistake(
                "expected `at`, a time such as 2026-11-24T02:30:00Z, or `advance_s`, a number of seconds"
            )
        return self.clock(order)

    def set_account(self, order: dict[str, Any]) -> Any:
        granted = order.get("granted", "0")
        account = self.parts.accounts.set(
            _text(order, "key"), _money(order.get("balance"), "balance"), _money(granted, "granted")
        )
        return _account_view(account)

    def clear_cache(self, _order: dict[str, Any]) -> Any:
        self.parts.cache.clear()
        return {"units": 0}


_ACTS: dict[tuple[str, str], Act] = {
    ("GET", "/-/health"): Admin.health,
    ("GET", "/-/state"): Admin.state,
    ("GET", "/-/requests"): Admin.requests,
    ("DELETE", "/-/requests"): Admin.forget_requests,
    ("GET", "/-/faults"): Admin.faults,
    ("POST", "/-/faults"): Admin.arm,
    ("DELETE", "/-/faults"): Admin.disarm,
    ("GET", "/-/clock"): Admin.clock,
    ("POST", "/-/clock"): Admin.move_clock,
    ("POST", "/-/accounts"): Admin.set_account,
    ("DELETE", "/-/cache"): Admin.clear_cache,
}


def seen_view(seen: Seen) -> dict[str, Any]:
    return to_builtins(seen, str_keys=True)


def _account_view(account: Account) -> dict[str, Any]:
    return {
        "key": account.name,
        "currency": account.currency,
        "balance": str(account.balance),
        "granted": str(account.granted),
        "topped_up": str(account.topped_up),
        "spent": str(account.spent),
        "open_requests": dict(account.open_requests),
    }


def _order(body: bytes) -> dict[str, Any]:
    try:
        order = as_object(orjson.loads(body))
    except orjson.JSONDecodeError:
        order = None
    if order is None:
        raise ClientMistake("expected a JSON object")
    return order


def _text(order: dict[str, Any], name: str) -> str:
    value = order.get(name)
    if not isinstance(value, str) or not value:
        raise ClientMistake(f"{name}: expected a text")
    return value


def _money(value: Any, name: str) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise ClientMistake(f'{name}: expected an amount such as "10.00"')
    return found


def read_time(text: str, name: str) -> datetime:
    """A time of day in ISO 8601; without an offset it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ClientMistake(f"{name}: expected a time such as 2026-11-24T02:30:00Z, not {text!r}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
