"""The simulated chat-completions surface. All the knowledge of its format is the codec's."""

from __future__ import annotations

from tidegate.asgi import Scope, header
from tidegate.catalog.contracts.contract import Contract
from tidegate.codecs import sse
from tidegate.codecs.answers import DONE
from tidegate.codecs.openai_chat.answer import encode_answer
from tidegate.codecs.openai_chat.check import check_request
from tidegate.codecs.openai_chat.chunks import ChunkEncoder
from tidegate.codecs.openai_chat.request import decode_request
from tidegate.core.errors import GatewayError
from tidegate.core.events import Finish
from tidegate.core.fold import Answer
from tidegate.core.requests import ChatRequest, Request
from tidegate.core.usage import Usage
from tidegate.simulator.surface import Encoder, Identity


class ChatSurface:
    name = "openai_chat"
    last_words = sse.encode(DONE)

    def key(self, scope: Scope) -> str | None:
        return bearer(scope)

    def decode(self, body: bytes, contract: Contract) -> ChatRequest:
        return decode_request(body, contract, quoting=True)

    def check(self, request: Request, contract: Contract, *, beta: bool, passback: bool) -> None:
        assert isinstance(request, ChatRequest)
        check_request(request, contract, beta=beta, passback=passback, quoting=True)

    def check_finish(self, finish: Finish) -> None:
        """This format has a word for every end."""

    def error_event(self, error: GatewayError) -> bytes:
        return b""

    def encoder(self, request: Request, identity: Identity, prompt: Usage) -> Encoder:
        assert isinstance(request, ChatRequest)
        usage, before = bool(request.include_usage), request.thought_before
        return ChunkEncoder(include_usage=usage, thought_before=before, **identity._asdict())

    def whole(self, answer: Answer, request: Request, identity: Identity) -> bytes:
        return encode_answer(answer, **identity._asdict())


def bearer(scope: Scope) -> str | None:
    kind, _, key = (header(scope, b"authorization") or "").partition(" ")
    return key.strip() if kind.lower() == "bearer" else None
