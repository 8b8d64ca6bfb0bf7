"""The simulated Messages surface. All the knowledge of its format is the codec's."""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.asgi import Scope, header
from tidegate.catalog.contracts.contract import Contract
from tidegate.codecs.anthropic_messages.answer import encode_answer
from tidegate.codecs.anthropic_messages.counts import stop_reason
from tidegate.codecs.anthropic_messages.encoder import MessageEncoder, error_frame, frame
from tidegate.codecs.anthropic_messages.request import check_request, decode_request, mapped_model
from tidegate.core.errors import GatewayError
from tidegate.core.events import Finish
from tidegate.core.fold import Answer
from tidegate.core.requests import ChatRequest, Request
from tidegate.core.usage import Usage
from tidegate.simulator.chat import bearer
from tidegate.simulator.surface import Encoder, Identity


class MessagesSurface:
    name = "anthropic_messages"
    last_words = frame("message_stop")

    def key(self, scope: Scope) -> str | None:
        """Authorization wins where both are sent (create-message reference, 2026-10)."""
        return bearer(scope) or header(scope, b"x-api-key")

    def decode(self, body: bytes, contract: Contract) -> ChatRequest:
        request = decode_request(body, contract, quoting=True)
        return replace(request, model=mapped_model(request.model, contract))

    def check(self, request: Request, contract: Contract, *, beta: bool, passback: bool) -> None:
        assert isinstance(request, ChatRequest)
        check_request(request, contract, passback=passback, quoting=True)

    def check_finish(self, finish: Finish) -> None:
        stop_reason(finish.reason, finish.stop)

    def error_event(self, error: GatewayError) -> bytes:
        return error_frame(error)

    def encoder(self, request: Request, identity: Identity, prompt: Usage) -> Encoder:
        thinks = isinstance(request, ChatRequest) and request.thinks
        return MessageEncoder(answer_id=identity.answer_id, model=identity.model, usage=prompt, thinks=thinks)

    def whole(self, answer: Answer, request: Request, identity: Identity) -> bytes:
        return encode_answer(answer, answer_id=identity.answer_id, model=identity.model)
