"""Token counts of one answer. None means "not reported"; 0 means "reported as zero". They are never mixed."""

from __future__ import annotations

from msgspec import Struct


class Usage(Struct, frozen=True, kw_only=True, gc=False):
    """Tokens as the backend counted them.

    `prompt` = `cache_hit` + `cache_miss` where the cache is reported; `reasoning` is a part of `output`.
    """

    prompt: int | None = None
    output: int | None = None
    cache_hit: int | None = None
    reasoning: int | None = None

    @property
    def cache_miss(self) -> int | None:
        if self.prompt is None or self.cache_hit is None or self.cache_hit > self.prompt:
            return None
        return self.prompt - self.cache_hit

    @property
    def total(self) -> int | None:
        if self.prompt is None or self.output is None:
            return None
        return self.prompt + self.output
