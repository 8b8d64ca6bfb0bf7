"""What a model on a backend can do, fact by fact: declared by its dialect, measured by a probe, or unknown. Frozen values.

`Traits` are what a server says of itself or shows by its behaviour; a dialect is fitted to them. `Fact`s are what follows
for the features of the contract, and what routing reads. Nothing is measured here.
"""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

Basis = Literal["declared", "measured", "unknown"]
Way = Literal["native", "emulated", "refused"]
"""As the runtime does it itself, by a numbered emulation of ours, or not at all."""

Feature = Literal["thinking_off", "json", "tools", "forced_tools", "prefix", "fim"]
"""What a request can depend on: an answer without it would be wrong and might look right."""

FEATURES: tuple[Feature, ...] = get_args(Feature)

Encoding = Literal["v4", "v4.1"]
"""The prompt formats of DeepSeek that can be written here, for the raw completion endpoint."""


class Traits(Struct, frozen=True, kw_only=True, gc=False):
    """What is known of one model on one server. None is unknown, and a dialect does then as it does by default.

    `window_tokens`: the context really in force. `encoding`: the model was trained on this prompt format of DeepSeek.
    `splits_reasoning`: reasoning comes in a field of its own. `parses_calls`: tool calls come in a field of their own.
    `continues`: a trailing assistant message is continued as it stands. `infills`: a prompt with a suffix is infilled.
    `opens_inside`: with thinking on the prompt ends in `<think>`, so the model does not write that tag.
    """

    version: str | None = None
    window_tokens: int | None = None
    encoding: Encoding | None = None
    splits_reasoning: bool | None = None
    parses_calls: bool | None = None
    continues: bool | None = None
    infills: bool | None = None
    opens_inside: bool | None = None


UNKNOWN_TRAITS = Traits()


class Fact(Struct, frozen=True, gc=False):
    """How one feature is had. `code` is the rule that says why; `checked` a date, `version` the server's then."""

    feature: Feature
    way: Way | None
    basis: Basis
    code: str = ""
    version: str = ""
    checked: str = ""


class Profile(Struct, frozen=True, gc=False):
    """One model on one backend."""

    model: str
    traits: Traits = UNKNOWN_TRAITS
    facts: tuple[Fact, ...] = ()

    def fact(self, feature: Feature) -> Fact:
        return next((fact for fact in self.facts if fact.feature == feature), Fact(feature, None, "unknown"))

    def offers(self, feature: Feature) -> bool:
        """Whether it is declared or measured to work, by itself or by emulation."""
        return self.fact(feature).way in ("native", "emulated")
