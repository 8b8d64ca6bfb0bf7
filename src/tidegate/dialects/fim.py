"""Completions, with or without a suffix, over a local runtime's raw completion endpoint. Pure.

A suffix goes the runtime's own way where it has one, in DeepSeek's marks where the model is known to read them, and is
refused otherwise: what marks prompt, suffix and gap differs from model to model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs.json_text import dump_fields
from tidegate.core.errors import NotSupported
from tidegate.core.events import Event, Start, Text
from tidegate.core.profile import Encoding
from tidegate.core.requests import FimRequest
from tidegate.dialects.base import NO_FIM, PENALTIES, Encoded
from tidegate.dialects.emptiness import SaysSomething
from tidegate.dialects.raw import Ask, TextEndpoint
from tidegate.dialects.raw_rules import ECHO, FILLED, LENGTH, MARKERS, STREAMED
from tidegate.dialects.readers import Stage
from tidegate.dialects.recipe import broken_up

_DEFAULT_TOKENS: int = contract_named(DEFAULT_PROFILE).limits["FIM max_tokens"].most


class Echo:
    """Says the prompt first."""

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt
        self.quirks: tuple[str, ...] = ()  # said with the request already

    def take(self, event: Event) -> Iterable[Event]:
        return (event, Text(self._prompt)) if isinstance(event, Start) and self._prompt else (event,)


@dataclass(frozen=True, slots=True, kw_only=True)
class FimPath:
    """`infills`: a suffix may be sent as one. `window_tokens`: what the server has, where it is known. `stages` see the
    answer first."""

    endpoint: TextEndpoint
    infills: bool = True
    encoding: Encoding | None = None
    window_tokens: int | None = None
    stages: tuple[Callable[[FimRequest], Stage], ...] = ()

    def __call__(self, request: FimRequest, model: str) -> Encoded:
        if request.echo and request.logprobs is not None:
            raise NotSupported(f"echo with logprobs is not supported by this backend, see {ECHO.code}")
        own_way = self.endpoint.infill if self.infills and request.suffix is not None else None
        endpoint = own_way or self.endpoint
        prompt, suffix = request.prompt, request.suffix
        marked = suffix is not None and own_way is None
        if suffix is not None and own_way is None:
            prompt, suffix = self._marked(prompt, suffix), None
        applied = {
            FILLED: marked,
            MARKERS: marked and prompt != _joined(request.prompt, request.suffix or ""),
            PENALTIES: (request.frequency_penalty, request.presence_penalty) != (None, None),
            LENGTH: request.max_tokens is None,
            ECHO: bool(request.echo),
            STREAMED: not request.stream,
        }
        asked = replace(request, model=model)
        default = min(_DEFAULT_TOKENS, self.window_tokens or _DEFAULT_TOKENS)
        ask = Ask(
            model=model,
            prompt=prompt,
            rendered=marked,
            suffix=suffix,
            most=request.max_tokens or default,
            temperature=1 if request.temperature is None else request.temperature,
            top_p=1 if request.top_p is None else request.top_p,
            stop=request.stop,
            logprobs=request.logprobs,
        )
        return Encoded(
            endpoint.path,
            dump_fields(endpoint.write(ask)),
            tuple(rule.code for rule, applies in applied.items() if applies),
            streamed=True,
            wire=endpoint.wire,
            passes=False,
            stages=(
                *(make(asked) for make in self.stages),
                SaysSomething(trusts_counts=True),
                *((Echo(request.prompt),) if request.echo else ()),
            ),
        )

    def _marked(self, prompt: str, suffix: str) -> str:
        if self.encoding is None:
            raise NotSupported(
                f"`suffix` is not supported by this backend, see {NO_FIM.code}; leave it out or use another `model`"
            )
        return _joined(broken_up(prompt), broken_up(suffix))


def _joined(prompt: str, suffix: str) -> str:
    return f"<｜fim▁begin｜>{prompt}<｜fim▁hole｜>{suffix}<｜fim▁end｜>"
