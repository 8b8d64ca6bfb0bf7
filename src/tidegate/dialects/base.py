"""What a dialect is: one runtime's way of speaking, as numbered quirks around the OpenAI-shaped codecs. Pure.

A quirk on the way out changes the request's JSON, a quirk on the way back changes a chunk's or answer's JSON into the
contract's; each reports whether it applied. A dialect without quirks on the way back is transparent: its frames keep
their bytes and only those that carry finish or usage are decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from tidegate.codecs.anthropic_messages.outgoing import encode_request as messages_body
from tidegate.codecs.json_text import dump_fields
from tidegate.codecs.openai_chat.request import request_fields
from tidegate.codecs.openai_completions.request import request_fields as fim_fields
from tidegate.core.errors import GatewayError, NotSupported
from tidegate.core.profile import Fact, Traits
from tidegate.core.requests import ChatRequest, FimRequest, Request
from tidegate.core.rulebook import Rule, Rulebook
from tidegate.dialects.metadata import Question
from tidegate.dialects.readers import CHAT, FIM, MESSAGES, AnswerQuirk, AnswerReader, Fields, Stage, StreamReader, Wire
from tidegate.dialects.tells import TellsLoaded, TellsSlots

COMMON = Rulebook("REQ", "Every request")

EXTRAS = COMMON.rule(
    "REQ001",
    "fields outside the contract are not passed on",
    why="The hosted API ignores them, and elsewhere a field such as `fallbacks` or `api_base` could change where a "
    "prompt goes.",
    source="DeepSeek create-chat-completion reference, 2026-08-27; BerriAI/litellm 1.109.1, run with a client-sent "
    "`fallbacks`, 2026-11-22",
    checked="2026-11-22",
)

PENALTIES = COMMON.rule(
    "REQ002",
    "frequency_penalty and presence_penalty are not passed to local runtimes",
    why="The contract deprecates them and gives them no effect; a local runtime would apply them and answer otherwise.",
    source="DeepSeek create-chat-completion reference, 2026-08-27",
    checked="2026-11-22",
)

USER_ID = COMMON.rule(
    "REQ003",
    "user_id is not passed to local runtimes",
    why="It isolates caches and moderation of the hosted API; a local runtime has no use for it, some refuse it.",
    source="DeepSeek rate-limit reference, 2026-08-02; transformers serve 5.19 answers 422 to unknown fields, 2026-11-22",
    checked="2026-11-22",
)

USAGE = COMMON.rule(
    "REQ004",
    "usage is asked for explicitly and moved onto the last content chunk",
    why="The hosted API always sends usage on the chunk with the finish reason; OpenAI-compatible servers send it only "
    "when asked, in a chunk of its own without choices.",
    source="DeepSeek create-chat-completion reference, 2026-08-27; llama.cpp b11549 and vLLM 0.32.0, run 2026-11-22",
    checked="2026-11-22",
)

PUT_BACK = COMMON.rule(
    "REQ005",
    "reasoning that the client dropped is put back as it was answered",
    why="The contract wants the reasoning of earlier turns while tools are sent, and many clients lose it. The gateway "
    "remembers it in memory only, for the same client and the same turn, and puts it back only where its data class may "
    "go. See `[replay] memory_bytes`.",
    source="DeepSeek create-chat-completion reference, 2026-08-27; langchain-openai and others drop it, 2026-04 to "
    "2026-11; BerriAI/litellm#37636",
    checked="2026-11-24",
)

NO_FIM = COMMON.rule(
    "REQ006",
    "fill-in-the-middle is refused by a backend that has no word for it",
    why="Which tokens mark prompt, suffix and gap differs from model to model, and a server that is told the wrong ones "
    "answers nonsense that looks right. Another candidate of the same decision is asked, if there is one.",
    source="DeepSeek create-completion reference, 2026-08-02; llama.cpp b11549, run 2026-11-22",
    checked="2026-11-24",
)

MeaningQuirk = tuple[Rule, Callable[[ChatRequest], ChatRequest]]
RequestQuirk = tuple[Rule, Callable[[ChatRequest, Fields], bool]]


def drop_penalties(_request: ChatRequest, fields: Fields) -> bool:
    dropped = [fields.pop(name, None) for name in ("frequency_penalty", "presence_penalty")]
    return dropped != [None, None]


def drop_user_id(_request: ChatRequest, fields: Fields) -> bool:
    return fields.pop("user_id", None) is not None


def ask_for_usage(request: ChatRequest, fields: Fields) -> bool:
    if fields.get("stream"):
        fields["stream_options"] = {"include_usage": True}
    return bool(fields.get("stream")) and not request.include_usage


FOR_LOCAL_RUNTIMES: tuple[RequestQuirk, ...] = (
    (PENALTIES, drop_penalties),
    (USER_ID, drop_user_id),
    (USAGE, ask_for_usage),
)


class Encoded(Struct, frozen=True, gc=False):
    """A request ready for the wire: where to, its body, the quirks applied, whether and how the answer is streamed.

    `passes`: the answer's bytes may go to the client as they come, who speaks this codec. `on_chunk`: the quirks of this
    answer's chunks, where they are not those of the chat endpoint.
    """

    path: str
    body: bytes
    quirks: tuple[str, ...]
    streamed: bool
    wire: Wire
    passes: bool
    stages: tuple[Stage, ...] = ()
    on_chunk: tuple[AnswerQuirk, ...] | None = None


@dataclass(frozen=True, slots=True)
class RemoteModels:
    """How a server tells which of its models another machine runs: `names` reads what is at `path`, None if it does not say.

    `plain` brings two spellings of one name together.
    """

    path: str
    names: Callable[[Fields], frozenset[str] | None]
    plain: Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One runtime's speech. Quirks run in their order.

    `on_meaning` changes a request whatever codec carries it, `on_request` its chat JSON; `on_chunk` sees each chunk of a
    stream or the whole answer; `stages` change the events that were read, and are made for the request as the client
    meant it, with the backend's `model` in it. `declares` says how each feature is had by this dialect as it stands;
    `questions` ask the server about itself and `fit` gives the dialect for one of which more is known. `write` and
    `wire` are the codec of the chat endpoint. `beta_chat_path` takes what the contract offers on the beta base only; a
    path that is None is not spoken. `raw` takes the chats that the chat endpoint would answer wrongly, and gives None
    for the others; `fim` writes a completion where it cannot go to `fim_path` as it came. `keep_home` gives the name by
    which a server that can pass requests on answers itself, and raises `NotSupported` for a model that it does not run
    itself. `slots` is how many requests the runtime works on at once unless it `tells_slots`; None: no cap is needed or
    known.
    """

    name: str
    title: str
    rules: Rulebook
    read_error: Callable[[int, bytes], GatewayError]
    chat_path: str = "/v1/chat/completions"
    beta_chat_path: str | None = None
    fim_path: str | None = None
    messages_path: str | None = None
    models_path: str = "/v1/models"
    on_meaning: tuple[MeaningQuirk, ...] = ()
    on_request: tuple[RequestQuirk, ...] = ()
    on_chunk: tuple[AnswerQuirk, ...] = ()
    stages: tuple[Callable[[ChatRequest], Stage | None], ...] = ()
    keep_home: tuple[Rule, Callable[[str], str]] | None = None
    declares: tuple[Fact, ...] = ()
    questions: tuple[Question, ...] = ()
    fit: Callable[[Dialect, Traits], Dialect] | None = None
    raw: Callable[[ChatRequest, str], Encoded | None] | None = None
    fim: Callable[[FimRequest, str], Encoded] | None = None
    remote_models: RemoteModels | None = None
    write: Callable[[ChatRequest], Fields] = request_fields
    wire: Wire = CHAT
    always_streams: bool = False
    transparent: bool = False
    slots: int | None = None
    tells_slots: TellsSlots | None = None
    tells_loaded: TellsLoaded | None = None

    def fitted(self, traits: Traits) -> Dialect:
        """This dialect for a server of these traits."""
        return self if self.fit is None else self.fit(self, traits)

    def encode(self, request: Request, model: str, *, at_home: bool = False) -> Encoded:
        """`at_home`: the request must not leave the backend's boundary."""
        applied: list[str] = []
        if at_home and self.keep_home is not None:
            rule, name_at_home = self.keep_home
            model = name_at_home(model)
            applied.append(rule.code)
        if request.extras:
            applied.append(EXTRAS.code)
            request = replace(request, extras={})
        match request:
            case ChatRequest():
                if self.raw is not None and (past := self.raw(request, model)) is not None:
                    return replace(past, quirks=(*applied, *past.quirks))
                meant = request
                for rule, change in self.on_meaning:
                    if (changed := change(request)) is not request:
                        request = changed
                        applied.append(rule.code)
                if request.codec == MESSAGES.codec and self.messages_path is not None:
                    body = messages_body(replace(request, model=model))
                    return self._untranslated(self.messages_path, body, applied, request.stream, MESSAGES)
                return self._encode_chat(request, meant, model, applied)
            case FimRequest():
                return self._encode_fim(request, model, applied)
            case _:
                assert_never(request)

    def _encode_chat(self, request: ChatRequest, meant: ChatRequest, model: str, applied: list[str]) -> Encoded:
        fields = self.write(request)
        fields["model"] = model
        streamed = request.stream or self.always_streams
        if streamed:
            fields["stream"] = True
        for rule, apply in self.on_request:
            if apply(request, fields):
                applied.append(rule.code)
        path = self.beta_chat_path if self.beta_chat_path is not None and _asks_for_beta(request) else self.chat_path
        passes = self.transparent and request.codec == self.wire.codec
        asked = replace(meant, model=model) if self.stages else meant
        stages = tuple(stage for make in self.stages if (stage := make(asked)) is not None)
        return Encoded(path, dump_fields(fields), tuple(applied), streamed, self.wire, passes=passes, stages=stages)

    def _encode_fim(self, request: FimRequest, model: str, applied: list[str]) -> Encoded:
        if self.fim is not None:
            written = self.fim(request, model)
            return replace(written, quirks=(*applied, *written.quirks))
        if self.fim_path is None:
            raise NotSupported(
                f"FIM completion is not supported by this backend, see {NO_FIM.code}; use another `model`"
            )
        fields = fim_fields(request)
        fields["model"] = model
        return self._untranslated(self.fim_path, dump_fields(fields), applied, request.stream, FIM)

    def _untranslated(self, path: str, body: bytes, applied: list[str], streamed: bool, wire: Wire) -> Encoded:
        """A request that leaves in the codec it came in."""
        return Encoded(path, body, tuple(applied), streamed, wire, passes=self.transparent)

    def may_list(self, model: str) -> bool:
        """Whether a model that the server lists may be asked for at home."""
        if self.keep_home is None:
            return True
        try:
            self.keep_home[1](model)
        except NotSupported:
            return False
        return True

    def reader(self, encoded: Encoded, *, got_stream: bool) -> StreamReader | AnswerReader:
        """A server may ignore `stream` and answer whole; then the bytes cannot pass as they are."""
        on_chunk = self.on_chunk if encoded.on_chunk is None else encoded.on_chunk
        if got_stream:
            stages, passes = encoded.stages, encoded.passes
            return StreamReader(encoded.wire, on_chunk, stages, passes=passes, read_error=self.read_error)
        passes = encoded.passes and not encoded.streamed
        return AnswerReader(encoded.wire, on_chunk, encoded.stages, passes=passes)


def _asks_for_beta(request: ChatRequest) -> bool:
    """Chat Prefix Completion and strict tools are the beta base's (DeepSeek API reference, 2026-08-02)."""
    return request.messages[-1].prefix or any(tool.strict for tool in request.tools)
