"""Fits a dialect to a server of known traits: the raw path, prefixes and suffixes where it can have them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from msgspec.structs import replace as changed

from tidegate.core.errors import NotSupported
from tidegate.core.messages import Message, TextPart
from tidegate.core.profile import Fact, Feature, Traits, Way
from tidegate.core.requests import ChatRequest, FimRequest, ToolSpec
from tidegate.core.rulebook import Rule
from tidegate.dialects.base import NO_FIM, Dialect, Encoded, RequestQuirk
from tidegate.dialects.fim import FimPath
from tidegate.dialects.raw import TextEndpoint
from tidegate.dialects.raw_path import Makes, RawPath
from tidegate.dialects.raw_rules import FILLED, FORMAT, RAW
from tidegate.dialects.readers import Stage
from tidegate.dialects.uncut import within


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFitting:
    """What a dialect becomes where more is known; callable as its `fit`.

    `raw`: the endpoint for chats, and `chat_is_wrong` says for which. `fim`: the endpoint for completions; `infills`: a
    suffix is sent there as one while nobody knows, neither whether it is heeded nor the model's encoding. `refuses`: the
    rule that refuses prefixes until it is known that they are continued; then `continues` stands in its place.
    `may_cut`: the server may drop a part of a prompt beyond its window, so what cannot fit is not sent.
    """

    raw: TextEndpoint | None = None
    chat_is_wrong: Callable[[ChatRequest, Traits], bool] | None = None
    stages: tuple[Makes, ...] = ()
    fim: TextEndpoint | None = None
    fim_stages: tuple[Callable[[FimRequest], Stage], ...] = ()
    infills: bool = False
    refuses: Rule | None = None
    continues: RequestQuirk | None = None
    may_cut: bool = False

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
        if self.may_cut and traits.window_tokens is not None:
            dialect = _within(dialect, traits.window_tokens)
        if self.fim is not None:
            dialect = replace(dialect, fim=self._completions(self.fim, traits))
        if traits.continues and self.continues is not None:
            quirks = tuple(self.continues if quirk[0] is self.refuses else quirk for quirk in dialect.on_request)
            dialect = replace(dialect, on_request=quirks)
        return replace(dialect, declares=tuple(self._fact(dialect, traits, fact) for fact in dialect.declares))

    def _fact(self, dialect: Dialect, traits: Traits, fact: Fact) -> Fact:
        """What the dialect declares of this feature once it is fitted."""
        if fact.feature == "fim":
            return fact if self.fim is None else _said(fact, *self._suffix(traits))
        sample = _SAMPLES[fact.feature]
        try:
            raw = dialect.raw is not None and dialect.raw(sample, "m") is not None
        except NotSupported:
            return _said(fact, "refused", FORMAT if fact.feature == "json" else RAW)
        if raw:
            return _said(fact, "emulated", RAW)
        if fact.feature == "prefix" and traits.continues and self.continues is not None:
            return _said(fact, "native", self.continues[0])
        return fact

    def _suffix(self, traits: Traits) -> tuple[Way, Rule]:
        assert self.fim is not None
        path = self._completions(self.fim, traits)
        if path.infills:
            return "native", NO_FIM  # a server that cannot says so itself
        return ("refused", NO_FIM) if path.encoding is None else ("emulated", FILLED)

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


def _within(dialect: Dialect, window_tokens: int) -> Dialect:
    fits, raw = within(window_tokens), dialect.raw

    def checked(request: ChatRequest, model: str) -> Encoded | None:
        fits[1](request, {})
        return raw(request, model) if raw is not None else None

    return replace(dialect, on_request=(fits, *dialect.on_request), raw=None if raw is None else checked)


def _said(fact: Fact, way: Way, rule: Rule) -> Fact:
    return changed(fact, way=way, basis="declared", code=rule.code, checked=rule.checked)


def _sample(*more: Message, **fields: Any) -> ChatRequest:
    asked = Message("user", (TextPart("Say it as json."),))
    return ChatRequest(model="m", messages=(asked, *more), thinking="disabled", **fields)


_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
_TOOLS = (ToolSpec("f", "f", _SCHEMA),)
_SAMPLES: dict[Feature, ChatRequest] = {
    "thinking_off": _sample(),
    "json": _sample(
        response_format={"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": _SCHEMA}}
    ),
    "tools": _sample(tools=_TOOLS),
    "forced_tools": _sample(tools=_TOOLS, tool_choice="required"),
    "prefix": _sample(Message("assistant", (TextPart("{"),), prefix=True)),
}
"""A request that depends on the feature: which road it takes tells how the feature is had."""
