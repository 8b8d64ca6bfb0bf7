"""Says that nobody knows what the cache held, for servers that never tell. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.core.events import Event, UsageReport
from tidegate.core.requests import ChatRequest
from tidegate.dialects.base import COMMON
from tidegate.dialects.stages import Reporting

UNKNOWN = COMMON.rule(
    "REQ031",
    "cached tokens are unknown",
    why="The server does not report them, whether it has a cache or not. Unknown is null, not 0: a 0 would be a cache miss "
    "that nobody measured.",
    source="Ollama source fb30760, 2026-08-21, not run; LM Studio documentation, 2026-04-29; transformers 5.19.0, run "
    "2026-11-22",
    checked="2026-11-24",
)


class CacheUnknown(Reporting):
    def take(self, event: Event) -> Iterable[Event]:
        self._applied = self._applied or (isinstance(event, UsageReport) and event.usage.cache_hit is None)
        return (event,)


def tell_unknown_cache(_request: ChatRequest) -> CacheUnknown:
    return CacheUnknown(UNKNOWN.code)
