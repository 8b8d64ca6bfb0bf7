"""The simulated fill-in-the-middle surface, `POST /beta/completions`. All the knowledge of its format is the codec's.

Off the beta base it refuses every request, as the hosted API does. `echo` puts the prompt in front of the text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from tidegate.asgi import Scope
from tidegate.catalog.contracts.contract import Contract
from tidegate.codecs import sse
from tidegate.codecs.answers import DONE
from tidegate.codecs.openai_completions.answer import encode_answer
from tidegate.codecs.openai_completions.chunks import ChunkEncoder
from tidegate.codecs.openai_completions.request import check_request, decode_request
from tidegate.core.errors import GatewayError
from tidegate.core.events import Event, Finish, Start, Text
from tidegate.core.fold import Answer, fold, unfold
from tidegate.core.requests import FimRequest, Request
from tidegate.core.usage import Usage
from tidegate.simulator.chat import bearer
from tidegate.simulator.surface import Encoder, Identity


class FimSurface:
    name = "openai_completions"
    last_words = sse.encode(DONE)

    def __init__(self, *, beta: bool) -> None:
        self._beta = beta

    def key(self, scope: Scope) -> str | None:
        return bearer(scope)

    def decode(self, body: bytes, contract: Contract) -> FimRequest:
        if not self._beta:
            raise contract.mistake("beta_completions")
        return decode_request(body, contract, quoting=True)

    def check(self, request: Request, contract: Contract, *, beta: bool, passback: bool) -> None:
        assert isinstance(request, FimRequest)
        check_request(request, contract)

    def check_finish(self, finish: Finish) -> None:
        """This format has a word for every end."""

    def error_event(self, error: GatewayError) -> bytes:
        return b""

    def encoder(self, request: Request, identity: Identity, prompt: Usage) -> Encoder:
        assert isinstance(request, FimRequest)
        return _Filling(ChunkEncoder(include_usage=bool(request.include_usage), **identity._asdict()), request)

    def whole(self, answer: Answer, request: Request, identity: Identity) -> bytes:
        assert isinstance(request, FimRequest)
        placed = _Placing(request)
        events = [each for event in unfold(answer) for each in placed.take(event)]
        return encode_answer(fold(events), **identity._asdict())


class _Placing:
    """Puts the prompt in front if it is to be echoed, and tells each token its place in the text."""

    def __init__(self, request: FimRequest) -> None:
        self._echoed = request.prompt if request.echo else ""
        self._offset = 0

    def take(self, event: Event) -> Iterable[Event]:
        yield replace(event, logprobs=self._placed(event.logprobs)) if isinstance(event, Text) else event
        if isinstance(event, Start) and self._echoed:
            self._offset = len(self._echoed)
            yield Text(self._echoed)

    def _placed(self, tokens: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        """Completions have the alternatives of a token as one object, token to number."""
        if tokens is None:
            return None
        found: list[dict[str, Any]] = []
        for token in tokens:
            others = {other["token"]: other["logprob"] for other in token["top_logprobs"]}
            found.append({**token, "top_logprobs": others, "text_offset": self._offset})
            self._offset += len(token["token"])
        return tuple(found)


class _Filling:
    def __init__(self, chunks: ChunkEncoder, request: FimRequest) -> None:
        self._chunks = chunks
        self._placed = _Placing(request)

    def encode(self, event: Event) -> bytes:
        return b"".join(self._chunks.encode(each) for each in self._placed.take(event))
