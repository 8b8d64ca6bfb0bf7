"""The server of Hugging Face transformers. Checked on 5.19.0 with SmolLM2-135M-Instruct, run 2026-11-22."""

from __future__ import annotations

from dataclasses import replace

from tidegate.codecs import sse
from tidegate.codecs.answers import DONE
from tidegate.codecs.openai_chat.chunks import ChunkDecoder
from tidegate.core.errors import BackendRefused, GatewayError
from tidegate.core.events import End, Event, Finish
from tidegate.core.requests import ChatRequest
from tidegate.core.rulebook import Rule, Rulebook
from tidegate.dialects import openai_shape as shape
from tidegate.dialects.answering import CHECKS, READS
from tidegate.dialects.base import FOR_LOCAL_RUNTIMES, NO_FIM, Dialect
from tidegate.dialects.cache_fields import tell_unknown_cache
from tidegate.dialects.declared import declared, native, refused, unknown
from tidegate.dialects.defaults import as_contract
from tidegate.dialects.emptiness import refuse_empty
from tidegate.dialects.errors import by_status
from tidegate.dialects.readers import CHAT, Fields
from tidegate.dialects.refusals import asks_forced_tool, asks_format, asks_logprobs, asks_prefix, refusal
from tidegate.dialects.reminders import AS_SYSTEM
from tidegate.dialects.stops import StopCutter
from tidegate.dialects.thinking import splitting

_RUN = "transformers 5.19.0, run 2026-11-22"
TRANSFORMERS_SERVE_RULES = Rulebook("TRS", "transformers serve")


def _rule(code: str, title: str, why: str, source: str = _RUN, checked: str = "2026-11-22") -> Rule:
    return TRANSFORMERS_SERVE_RULES.rule(code, title, why=why, source=source, checked=checked)


THINKING = _rule(
    "TRS001",
    "the thinking switch and effort are not passed on; the default of the model's template holds",
    "`thinking` is answered with 422 as an unexpected field, `reasoning_effort` is accepted and ignored.",
)
END = _rule(
    "TRS002",
    "a stream ends with its finish reason",
    "The server never sends `[DONE]`. Its last chunk holds the finish reason and, unasked, the usage.",
)
REFUSED = _rule(
    "TRS003",
    "Chat Prefix Completion, response formats, forced tools and logprobs are refused",
    "All are accepted and without effect: the assistant's text is closed and answered again, and JSON, tool calls and "
    "logprobs do not come.",
)
TOOLS = _rule(
    "TRS004",
    "tools are passed on, and reach the model only if its chat template knows them",
    "A template without tools drops them, and the answer is prose.",
)
STOP = _rule(
    "TRS005",
    "a stop string at the end of the text is cut off",
    "The server stops at it and leaves it in the text; the contract's answer ends before it.",
)
DEFAULTS = _rule(
    "TRS006",
    "max_tokens, temperature and top_p are sent as the contract has them by default",
    "Where they are missing, the model's generation_config.json decides. Its other settings, such as top_k, hold.",
    "transformers source at 0084b91, read 2026-11-24; DeepSeek create-chat-completion reference, 2026-08-27",
    "2026-11-24",
)
WINDOW = _rule(
    "TRS007",
    "a prompt longer than the model's window is answered all the same",
    "The server does not check: 12,031 tokens were answered by a model of 8,192. What comes then may be noise.",
)
INLINE = _rule(
    "TRS008",
    "reasoning inside `<think>` becomes `reasoning_content`",
    "The server separates it for some model families only; the text of others passes as the model wrote it.",
    "transformers 5.19 source, read 2026-11-22",
)


def drop_thinking(_request: ChatRequest, fields: Fields) -> bool:
    fields.pop("thinking", None)
    fields.pop("reasoning_effort", None)
    return True


def pass_tools(request: ChatRequest, _fields: Fields) -> bool:
    return bool(request.tools)


def cut_stops(request: ChatRequest) -> StopCutter | None:
    return StopCutter(STOP, request.stop) if request.stop else None


class Events(sse.Decoder):
    """Events without the `[DONE]` that this version does not send; a later one may."""

    def feed(self, piece: bytes) -> list[sse.ServerEvent]:
        return [event for event in super().feed(piece) if event.data != DONE]


class Chunks(ChunkDecoder):
    """Chunks of which the one with the finish reason is the last (TRS002)."""

    def decode(self, chunk: Fields) -> tuple[Event, ...]:
        events = super().decode(chunk)
        return (*events, End()) if any(isinstance(event, Finish) for event in events) else events


def read_error(status: int, _body: bytes) -> GatewayError:
    """`{"detail": ...}`, or plain text for 500: no text of it is needed. Its 400 means a model that it does not serve, its
    422 a field that this version does not know: we sent it, not the client."""
    if status == 422:
        return BackendRefused("the backend does not know a field of the request (HTTP 422); update transformers there")
    return by_status(404 if status == 400 else status, None)


TRANSFORMERS_SERVE = Dialect(
    name="transformers_serve",
    title="transformers serve",
    rules=TRANSFORMERS_SERVE_RULES,
    read_error=read_error,
    on_meaning=(AS_SYSTEM,),
    on_request=(
        refusal(REFUSED, "prefix", asks_prefix),
        refusal(REFUSED, "response_format", asks_format),
        refusal(REFUSED, "tool_choice", asks_forced_tool),
        refusal(REFUSED, "logprobs", asks_logprobs),
        (THINKING, drop_thinking),
        (DEFAULTS, as_contract),
        (TOOLS, pass_tools),
        (WINDOW, shape.state_always),
        *FOR_LOCAL_RUNTIMES,
    ),
    stages=(splitting(INLINE), cut_stops, *READS, tell_unknown_cache, *CHECKS, refuse_empty),
    declares=declared(
        "5.19.0",
        thinking_off=unknown(THINKING),
        json=refused(REFUSED),
        tools=native(TOOLS),
        forced_tools=refused(REFUSED),
        prefix=refused(REFUSED),
        fim=refused(NO_FIM),
    ),
    wire=replace(CHAT, chunks=Chunks, content=None, framing=Events),
    slots=1,  # it is not known to bound what it begins at once
)
