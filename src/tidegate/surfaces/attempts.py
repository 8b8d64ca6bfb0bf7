"""Wrong keys, counted by the address that sends them: after some of them an address is told to wait.

Holds addresses and ids of keys, never a key. A key that was right from an address before stays right there, so what one
program does wrong behind a shared address (a proxy's, say) locks out no other that has already come in from there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

BURST = 10
"""Wrong keys that an address may send at once."""
EACH_S = 6.0
"""After that, one more in this time."""
MOST_ADDRESSES = 4096
_NETWORK_BITS = 64
"""Whoever has one IPv6 address has its whole /64, so that counts as one (RFC 6177)."""


@dataclass(slots=True)
class _Caller:
    owed: float = 0.0
    """Wrong keys not yet forgotten, as of `at_s`."""
    at_s: float = 0.0
    known: set[str] = field(default_factory=set[str])


class Attempts:
    def __init__(self, now_s: Callable[[], float], burst: int = BURST, each_s: float = EACH_S) -> None:
        """`now_s` is monotonic."""
        self._now_s = now_s
        self._burst = burst
        self._each_s = each_s
        self._callers: OrderedDict[str, _Caller] = OrderedDict()
        self.wrong = 0
        """All wrong keys since the start."""

    def right(self, address: str, key_id: str) -> float:
        """A right key. 0.0: let it in; else the seconds to wait: it is new here, and could be a guess that hit."""
        caller = self._callers.get(address)
        if caller is not None and key_id in caller.known:
            return 0.0
        caller = self._caller(address)
        if wait_s := self._wait_s(caller):
            return wait_s
        caller.known.add(key_id)
        return 0.0

    def failed(self, address: str) -> float:
        """A wrong key. 0.0: say that it is wrong; else the seconds to wait: it is not even said."""
        self.wrong += 1
        caller = self._caller(address)
        if wait_s := self._wait_s(caller):
            return wait_s
        caller.owed += 1
        return 0.0

    def _wait_s(self, caller: _Caller) -> float:
        now_s = self._now_s()
        caller.owed = max(0.0, caller.owed - (now_s - caller.at_s) / self._each_s)
        caller.at_s = now_s
        return max(0.0, caller.owed - self._burst + 1) * self._each_s

    def _caller(self, address: str) -> _Caller:
        address = _network(address)
        caller = self._callers.get(address)
        if caller is None:
            caller = self._callers[address] = _Caller(at_s=self._now_s())
            if len(self._callers) > MOST_ADDRESSES:
                self._callers.popitem(last=False)
        else:
            self._callers.move_to_end(address)
        return caller


def _network(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(IPv6Address(int(found) >> _NETWORK_BITS << _NETWORK_BITS))
    return address
