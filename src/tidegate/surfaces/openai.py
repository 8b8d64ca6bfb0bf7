"""The formats of the OpenAI-shaped surfaces: chat completions, and fill-in-the-middle on the beta base."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tidegate.catalog.contracts import Contract
from tidegate.codecs.openai_chat import answer as chat_answer
from tidegate.codecs.openai_chat import check as chat_check
from tidegate.codecs.openai_chat import chunks as chat_chunks
from tidegate.codecs.openai_chat import request as chat_request
from tidegate.codecs.openai_completions import answer as fim_answer
from tidegate.codecs.openai_completions import chunks as fim_chunks
from tidegate.codecs.openai_completions import request as fim_request
from tidegate.core.errors import GatewayError
from tidegate.core.events import Resumed
from tidegate.core.fold import Answer
from tidegate.core.requests import ChatRequest, FimRequest, Request
from tidegate.surfaces.errors import error_event
from tidegate.surfaces.formats import Encoder, Identity, having_said


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """`beta` is the base that also takes Chat Prefix Completion."""

    contract: Contract
    beta: bool
    surface: str = "openai_chat"
    key_header: bytes | None = None

    def read(self, body: bytes) -> ChatRequest:
        return chat_request.decode_request(body, self.contract)

    def known_as(self, model: str, knows: Callable[[str], bool]) -> str:
        return model

    def check(self, request: Request) -> None:
        """Reasoning that was not passed back is the gateway's to mend (REQ005, DSK001), so it is not refused here."""
        assert isinstance(request, ChatRequest)
        chat_check.check_request(request, self.contract, beta=self.beta, passback=False)

    def encoder(self, request: Request, identity: Identity) -> Encoder:
        assert isinstance(request, ChatRequest)
        usage, before = bool(request.include_usage), request.thought_before
        return chat_chunks.ChunkEncoder(include_usage=usage, thought_before=before, **identity._asdict())

    def resumed(self, request: Request, identity: Identity, resumed: Resumed) -> Encoder:
        return having_said(self.encoder(request, identity), resumed)

    def whole(self, answer: Answer, identity: Identity) -> bytes:
        return chat_answer.encode_answer(answer, **identity._asdict())

    def broken_off(self, error: GatewayError) -> bytes:
        return error_event(error)


@dataclass(frozen=True, slots=True)
class FimFormat:
    """Off the beta base every request is refused with a hint where to send it."""

    contract: Contract
    beta: bool
    surface: str = "openai_completions"
    key_header: bytes | None = None

    def read(self, body: bytes) -> FimRequest:
        if not self.beta:
            raise self.contract.mistake("beta_completions")
        return fim_request.decode_request(body, self.contract)

    def known_as(self, model: str, knows: Callable[[str], bool]) -> str:
        return model

    def check(self, request: Request) -> None:
        assert isinstance(request, FimRequest)
        fim_request.check_request(request, self.contract)

    def encoder(self, request: Request, identity: Identity) -> Encoder:
        return fim_chunks.ChunkEncoder(include_usage=bool(request.include_usage), **identity._asdict())

    def resumed(self, request: Request, identity: Identity, resumed: Resumed) -> Encoder:
        return having_said(self.encoder(request, identity), resumed)

    def whole(self, answer: Answer, identity: Identity) -> bytes:
        return fim_answer.encode_answer(answer, **identity._asdict())

    def broken_off(self, error: GatewayError) -> bytes:
        return error_event(error)
