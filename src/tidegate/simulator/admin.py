"""What tests and people do to a running simulator, under `/-/`: look, arm faults, move the clock, fill accounts.

No key: it stands on a developer's machine. Bodies are JSON and the Host is a local name, which keeps web pages out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import orjson

from tidegate.asgi import Receive, Scope, Send, read_body, require_json, require_local_name, respond
from tidegate.core.errors import ClientMistake, GatewayError, MethodNotAllowed, NotFound
from tidegate.core.jsonvalue import as_object
from tidegate.simulator.accounts import Account, read_money
from tidegate.simulator.clock import EARLIEST, LATEST
from tidegate.simulator.faults import parse_faults
from tidegate.simulator.parts import Parts
from tidegate.simulator.seen import KEPT_REQUESTS, seen_view

_ORDER_LIMIT_BYTES = 64 * 1024
_SHOWN_REQUESTS = 100
_MOST_TIMES = 1_000_000
_CLOCK_SPAN = f"expected a time from {EARLIEST:%Y} on and before {LATEST:%Y}"
Act = Callable[["Admin", dict[str, Any]], Any]


class Admin:
    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        act = _ACTS.get((scope["method"], scope["path"]))
        try:
            if act is None:
                raise _unknown(scope["path"])
            if act is not Admin.health:
                require_local_name(scope, "send `Host: localhost`")
            order = _query(scope)
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

    def requests(self, order: dict[str, Any]) -> Any:
        text = order.get("limit", str(_SHOWN_REQUESTS))
        if not (text.isascii() and text.isdecimal() and 0 < int(text[:9]) <= KEPT_REQUESTS) or len(text) > 4:
            raise ClientMistake(f"limit: expected a whole number from 1 to {KEPT_REQUESTS}")
        return {"requests": [seen_view(seen) for seen in self.parts.seen.newest(int(text))]}

    def forget_requests(self, _order: dict[str, Any]) -> Any:
        self.parts.seen.clear()
        return {"requests": []}

    def faults(self, _order: dict[str, Any]) -> Any:
        armed = self.parts.faults.armed
        return {"armed": [{"fault": ", ".join(map(str, one.faults)), "times": one.times} for one in armed]}

    def arm(self, order: dict[str, Any]) -> Any:
        times = order.get("times", 1)
        if not isinstance(times, int) or isinstance(times, bool) or not 1 <= times < _MOST_TIMES:
            raise ClientMistake(f"times: expected a whole number from 1 on, below {_MOST_TIMES}")
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
        elif isinstance(seconds := order.get("advance_s"), int | float) and not isinstance(seconds, bool):
            self._advance(seconds)
        else:
            raise ClientMistake(
                "expected `at`, a time such as 2026-11-24T02:30:00Z, or `advance_s`, a number of seconds"
            )
        return self.clock(order)

    def _advance(self, seconds: float) -> None:
        try:
            self.parts.clock.advance(seconds)
        except ValueError:
            raise ClientMistake(f"advance_s: {_CLOCK_SPAN}") from None

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


def _account_view(account: Account) -> dict[str, Any]:
    return {
        "key": account.name,
        "currency": account.currency,
        "balance": f"{account.balance:f}",
        "granted": f"{account.granted:f}",
        "topped_up": f"{account.topped_up:f}",
        "spent": f"{account.spent:f}",
        "open_requests": dict(account.open_requests),
    }


def _unknown(path: str) -> GatewayError:
    methods = [method for method, known in _ACTS if known == path]
    if methods:
        return MethodNotAllowed(f"This path takes {', '.join(methods)}")
    return NotFound(f"The simulator has {', '.join(f'{method} {known}' for method, known in _ACTS)}")


def _query(scope: Scope) -> dict[str, Any]:
    return dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))


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
    found = read_money(value)
    if found is None:
        raise ClientMistake(f'{name}: expected an amount such as "10.00", from 0 to a thousand millions')
    return found


def read_time(text: str, name: str) -> datetime:
    """A time of day in ISO 8601; without an offset it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ClientMistake(f"{name}: expected a time such as 2026-11-24T02:30:00Z, not {text!r}") from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if not EARLIEST <= found < LATEST:
        raise ClientMistake(f"{name}: {_CLOCK_SPAN}")
    return found
