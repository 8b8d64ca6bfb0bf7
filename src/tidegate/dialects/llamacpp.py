"""llama.cpp's server, as found on the network and as embedded. Checked on b11549 (xllamacpp 2026.10.11549), 2026-11-22."""

from __future__ import annotations

from tidegate.codecs.answers import load_answer
from tidegate.core.errors import BackendLoading, BackendOverloaded, GatewayError
from tidegate.core.requests import ChatRequest
from tidegate.core.rulebook import Rulebook
from tidegate.dialects.base import FOR_LOCAL_RUNTIMES, Dialect
from tidegate.dialects.defaults import contract_length, contract_sampling
from tidegate.dialects.emptiness import refuse_empty
from tidegate.dialects.errors import by_status, error_object, window_exceeded
from tidegate.dialects.openai_shape import always_stream
from tidegate.dialects.readers import Fields
from tidegate.dialects.tells import TellsSlots

_RUN = "llama.cpp b11549, run 2026-11-22"
LLAMACPP_RULES = Rulebook("LCP", "llama.cpp server")

STREAM = LLAMACPP_RULES.rule(
    "LCP001",
    "always asked for a stream; an unstreamed answer is put together by the gateway",
    why="An unstreamed request keeps generating after its client has left (still busy after 30 s); a streamed one stops "
    "within 0.05 s and frees its slot.",
    source=_RUN,
    checked="2026-11-22",
)

THINKING = LLAMACPP_RULES.rule(
    "LCP002",
    "thinking is switched by chat_template_kwargs.enable_thinking, always explicitly",
    why="`thinking` is accepted and ignored, and the template's own default may differ from the contract's (on). Effort "
    "names are mapped as the hosted API maps them, because unknown ones are ignored.",
    source=_RUN,
    checked="2026-11-22",
)

SAMPLING = LLAMACPP_RULES.rule(
    "LCP003",
    "top_k and min_p are switched off; temperature and top_p are 1 unless asked otherwise, always in thinking mode",
    why="The contract has neither top_k nor min_p and its temperature and top_p are 1, but the server's defaults are 40, "
    "0.05, 0.8 and 0.95. Thinking forces temperature 1 on the hosted API.",
    source=_RUN + "; DeepSeek thinking-mode guide, 2026-08-16",
    checked="2026-11-22",
)

LENGTH = LLAMACPP_RULES.rule(
    "LCP004",
    "a missing max_tokens becomes the contract's default",
    why="The server's default is unlimited; the contract's is 8,192, in thinking mode 65,536, at maximum effort 131,072.",
    source=_RUN + "; DeepSeek create-chat-completion reference, 2026-08-27",
    checked="2026-11-22",
)

PREFIX = LLAMACPP_RULES.rule(
    "LCP005",
    "a prefix is sent as a trailing assistant message without its flag",
    why="The server continues a trailing assistant message by itself and does not know `prefix`; streamed, it returns "
    "only the continuation, as the contract says.",
    source=_RUN,
    checked="2026-11-22",
)

TOOL_CHOICE = LLAMACPP_RULES.rule(
    "LCP006",
    "tool_choice `required` or a named function is passed on but not enforced by the server",
    why="The server accepts it and may still answer in prose: check for `tool_calls` before you rely on them.",
    source="https://github.com/ggml-org/llama.cpp/issues/27217, open on 2026-08-17; " + _RUN,
    checked="2026-11-22",
)

_EFFORTS = {"minimal": "low", "medium": "high", "xhigh": "high", "ultra": "max"}


def switch_thinking(request: ChatRequest, fields: Fields) -> bool:
    fields.pop("thinking", None)
    effort = fields.pop("reasoning_effort", None)
    fields["chat_template_kwargs"] = {"enable_thinking": request.thinks}
    if request.thinks:
        fields["reasoning_effort"] = "high" if effort in (None, "none") else _EFFORTS.get(effort, effort)
    return True


def plain_sampling(request: ChatRequest, fields: Fields) -> bool:
    fields.update(top_k=0, min_p=0)
    contract_sampling(request, fields)
    return True


def bare_prefix(request: ChatRequest, fields: Fields) -> bool:
    fields["messages"][-1].pop("prefix", None)
    return request.messages[-1].prefix


def unenforced_choice(request: ChatRequest, _fields: Fields) -> bool:
    return bool(request.tools) and request.tool_choice not in (None, "none", "auto")


def read_error(status: int, body: bytes) -> GatewayError:
    match error_object(body):
        case {"type": "exceed_context_size_error", "n_ctx": int(window), "n_prompt_tokens": int(asked)}:
            return window_exceeded(window, str(asked))
        case {"type": "unavailable_error", "message": "Loading model"}:
            return BackendLoading(
                "the backend is still loading its model; raise `[timeouts] load_s` or try again later"
            )
        case {"type": "unavailable_error"}:
            return BackendOverloaded("the backend cannot take a request now (HTTP 503); try again later")
        case _:
            return by_status(status, None)


def slots_in(props: bytes) -> int | None:
    """Excess requests are deferred without limit (b11549), so the gateway must know how many are worked on."""
    total = load_answer(props).get("total_slots")
    return total if isinstance(total, int) and not isinstance(total, bool) and total > 0 else None


FOR_ANY_LLAMACPP = (
    (STREAM, always_stream),
    (THINKING, switch_thinking),
    (PREFIX, bare_prefix),
    (TOOL_CHOICE, unenforced_choice),
    *FOR_LOCAL_RUNTIMES,
)

LLAMACPP = Dialect(
    name="llamacpp",
    title="llama.cpp server",
    rules=LLAMACPP_RULES,
    read_error=read_error,
    on_request=((LENGTH, contract_length), (SAMPLING, plain_sampling), *FOR_ANY_LLAMACPP),
    stages=(refuse_empty,),
    always_streams=True,
    tells_slots=TellsSlots("/props", slots_in),
)
