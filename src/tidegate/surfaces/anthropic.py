"""The format of the Messages surface, as DeepSeek serves it. Errors keep DeepSeek's envelope (third-party probe, 2026-09-23)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from tidegate.catalog.contracts import Contract
from tidegate.codecs.anthropic_messages.answer import encode_answer
from tidegate.codecs.anthropic_messages.encoder import MessageEncoder, error_frame
from tidegate.codecs.anthropic_messages.request import check_request, decode_request, mapped_model
from tidegate.core.errors import GatewayError
from tidegate.core.events import Resumed
from tidegate.core.fold import Answer
from tidegate.core.requests import ChatRequest, Request
from tidegate.surfaces.formats import Identity, having_said


@dataclass(frozen=True, slots=True)
class MessagesFormat:
    contract: Contract
    surface: str = "anthropic_messages"
    key_header: bytes | None = b"x-api-key"

    def read(self, body: bytes) -> ChatRequest:
        return replace(decode_request(body, self.contract), codec="anthropic_messages")

    def known_as(self, model: str, knows: Callable[[str], bool]) -> str:
        """Another provider's model names mean ours, unless someone here has them."""
        mapped = mapped_model(model, self.contract)
        return model if mapped == model or knows(model) else mapped

    def check(self, request: Request) -> None:
        """Thinking that was not passed back is the gateway's to mend, so it is not refused here."""
        assert isinstance(request, ChatRequest)
        check_request(request, self.contract, passback=False)

    def encoder(self, request: Request, identity: Identity) -> MessageEncoder:
        thinks = isinstance(request, ChatRequest) and request.thinks
        return MessageEncoder(answer_id=identity.answer_id, model=identity.model, thinks=thinks)

    def resumed(self, request: Request, identity: Identity, resumed: Resumed) -> MessageEncoder:
        encoder = having_said(self.encoder(request, identity), resumed)
        encoder.stand(resumed.last)
        return encoder

    def whole(self, answer: Answer, identity: Identity) -> bytes:
        return encode_answer(answer, answer_id=identity.answer_id, model=identity.model)

    def broken_off(self, error: GatewayError) -> bytes:
        return error_frame(error)
