"""Fits a dialect to a server of known traits: the raw path, prefixes and suffixes where it can have them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tidegate.core.profile import Traits
from tidegate.core.requests import ChatRequest, FimRequest
from tidegate.core.rulebook import Rule
from tidegate.dialects.base import Dialect, RequestQuirk
from tidegate.dialects.fim import FimPath
from tidegate.dialects.raw import TextEndpoint
from tidegate.dialects.raw_path import Makes, RawPath
from tidegate.dialects.readers import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFitting:
    """What a dialect becomes where more is known; callable as its `fit`.

    `raw`: the endpoint for chats, and `chat_is_wrong` says for which. `fim`: the endpoint for completions; `infills`: a
    suffix is sent there as one while nobody knows, neither whether it is heeded nor the model's encoding. `refuses`: the
    rule that refuses prefixes until it is known that they are continued; then `continues` stands in its place.
    """

    raw: TextEndpoint | None = None
    chat_is_wrong: Callable[[ChatRequest, Traits], bool] | None = None
    stages: tuple[Makes, ...] = ()
    fim: TextEndpoint | None = None
    fim_stages: tuple[Callable[[FimRequest], Stage], ...] = ()
    infills: bool = False
    refuses: Rule | None = None
    continues: RequestQuirk | None = None

    def __call__(self, dialect: Dialect, traits: Traits) -> Dialect:
        if traits.encoding is not None and self.raw is not None and self.chat_is_wrong is not None:
            wrong = self.chat_is_wrong
            path = RawPath(
                endpoint=self.raw,
                encoding=traits.encoding,
                wrong=lambda request: wrong(request, traits),
                window_tokens=traits.window_tokens,
                stages=self.stages,
            )
            dialect = replace(dialect, raw=path)
        if self.fim is not None:
            dialect = replace(dialect, fim=self._completions(self.fim, traits))
        if traits.continues and self.continues is not None:
            quirks = tuple(self.continues if quirk[0] is self.refuses else quirk for quirk in dialect.on_request)
            dialect = replace(dialect, on_request=quirks)
        return dialect

    def _completions(self, endpoint: TextEndpoint, traits: Traits) -> FimPath:
        return FimPath(
            endpoint=endpoint,
            infills=self.infills and traits.encoding is None if traits.infills is None else traits.infills,
            encoding=traits.encoding,
            window_tokens=traits.window_tokens,
            stages=self.fim_stages,
        )

    def unknown(self) -> FimPath | None:
        """How completions go while nothing is known."""
        return None if self.fim is None else self._completions(self.fim, Traits())
