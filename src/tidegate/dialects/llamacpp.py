"""llama.cpp's server, as found on the network and as embedded. Checked on b11549 (xllamacpp 2026.10.11549), 2026-11-22."""

from __future__ import annotations

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs.answers import load_answer
from tidegate.core.errors import BackendLoading, BackendOverloaded, GatewayError, NotSupported
from tidegate.core.profile import Fact
from tidegate.core.requests import ChatRequest
from tidegate.core.rulebook import Rulebook
from tidegate.dialects import llamacpp_raw as raw
from tidegate.dialects import questions
from tidegate.dialects.answering import CHECKS, READS
from tidegate.dialects.base import FOR_LOCAL_RUNTIMES, NO_FIM, Dialect
from tidegate.dialects.call_reader import reading_call
from tidegate.dialects.called_by_schema import call_by_schema
from tidegate.dialects.checked_calls import CHECKED_CALLS
from tidegate.dialects.checked_json import CHECKED_JSON
from tidegate.dialects.declared import Had, declared, emulated, native, unknown
from tidegate.dialects.defaults import contract_length, contract_sampling
from tidegate.dialects.emptiness import refuse_empty
from tidegate.dialects.errors import by_status, error_object, window_exceeded
from tidegate.dialects.fitting import in_turn, keeps_reminders, splits_from_inside
from tidegate.dialects.openai_shape import always_stream
from tidegate.dialects.raw_fitting import RawFitting
from tidegate.dialects.readers import Fields
from tidegate.dialects.refusals import asks_logprobs, format_of, refusal
from tidegate.dialects.reminders import AS_SYSTEM
from tidegate.dialects.tells import TellsSlots
from tidegate.dialects.thinking import opened

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
    "tool_choice `required` or a named function is asked for as JSON by schema, see REQ013",
    why="The server accepts such a choice and may still answer in prose; a JSON schema it does enforce.",
    source="https://github.com/ggml-org/llama.cpp/issues/27217, open on 2026-08-17; " + _RUN,
    checked="2026-11-24",
)

BUDGET = LLAMACPP_RULES.rule(
    "LCP010",
    "where JSON or a forced call is asked for in thinking mode, the thought may have half of max_tokens",
    why="The grammar begins behind the thought, which can take all of max_tokens: the answer is then empty.",
    source=_RUN,
    checked="2026-11-24",
)

MODEL = LLAMACPP_RULES.rule(
    "LCP007",
    "the server does not check the model's name",
    why="It answers with the one model it runs and echoes whatever name was asked. `/v1/models` says what it is.",
    source=_RUN,
    checked="2026-11-24",
)

INLINE = LLAMACPP_RULES.rule(
    "LCP008",
    "reasoning inside the content is split off",
    why="With --reasoning-format none tags come as text. What begins with `<think>` is told from the text; where the server "
    "is known to send reasoning as text, it begins without the tag too, as R1's and V4's does.",
    source=_RUN,
    checked="2026-11-24",
)

LOGPROBS = LLAMACPP_RULES.rule(
    "LCP009",
    "logprobs together with tools are refused",
    why="The server answers 400 to both in a stream, and it is always asked for one (LCP001).",
    source=_RUN,
    checked="2026-11-24",
)


def switch_thinking(request: ChatRequest, fields: Fields) -> bool:
    fields.pop("thinking", None)
    fields.pop("reasoning_effort", None)
    fields["chat_template_kwargs"] = {"enable_thinking": request.thinks}
    if request.thinks:
        fields["reasoning_effort"] = contract_named(DEFAULT_PROFILE).applied_effort(request)
    return True


def plain_sampling(request: ChatRequest, fields: Fields) -> bool:
    fields.update(top_k=0, min_p=0)
    contract_sampling(request, fields)
    return True


def bare_prefix(request: ChatRequest, fields: Fields) -> bool:
    fields["messages"][-1].pop("prefix", None)
    return request.messages[-1].prefix


def leave_room_for_json(request: ChatRequest, fields: Fields) -> bool:
    if not request.thinks or format_of(request) not in ("json_object", "json_schema") or "max_tokens" not in fields:
        return False
    fields["thinking_budget_tokens"] = max(1, fields["max_tokens"] // 2)
    return True


def state_unchecked_model(_request: ChatRequest, _fields: Fields) -> bool:
    return True


def asks_logprobs_of_calls(request: ChatRequest) -> bool:
    return asks_logprobs(request) and bool(request.tools)


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
        case {"type": "not_supported_error"} if status == 501:
            return NotSupported(f"the model at this backend does not support this request, see {NO_FIM.code}")
        case _:
            return by_status(status, None)


def slots_in(props: bytes) -> int | None:
    """Excess requests are deferred without limit (b11549), so the gateway must know how many are worked on."""
    total = load_answer(props).get("total_slots")
    return total if isinstance(total, int) and not isinstance(total, bool) and total > 0 else None


FOR_ANY_LLAMACPP = (
    refusal(LOGPROBS, "logprobs with tools", asks_logprobs_of_calls),
    (STREAM, always_stream),
    (THINKING, switch_thinking),
    (PREFIX, bare_prefix),
    *FOR_LOCAL_RUNTIMES,
)
CALLS_BY_SCHEMA = (TOOL_CHOICE, call_by_schema)
STAGES = (*READS, reading_call, *CHECKS, refuse_empty)


def declares(fim: Had) -> tuple[Fact, ...]:
    """The same server, whatever its model can fill in."""
    return declared(
        "b11549",
        thinking_off=native(THINKING),
        json=native(CHECKED_JSON),
        tools=native(CHECKED_CALLS),
        forced_tools=emulated(TOOL_CHOICE),
        prefix=native(PREFIX),
        fim=fim,
    )


SPLITTING = opened(INLINE)
FIT = RawFitting(
    raw=raw.COMPLETION,
    chat_is_wrong=raw.chat_is_wrong,
    stages=(*CHECKS, refuse_empty),
    fim=raw.COMPLETION,
    infills=True,
)

LLAMACPP = Dialect(
    name="llamacpp",
    title="llama.cpp server",
    rules=LLAMACPP_RULES,
    read_error=read_error,
    questions=questions.LLAMACPP,
    on_meaning=(AS_SYSTEM, CALLS_BY_SCHEMA),
    on_request=(
        (MODEL, state_unchecked_model),
        (LENGTH, contract_length),
        (BUDGET, leave_room_for_json),
        (SAMPLING, plain_sampling),
        *FOR_ANY_LLAMACPP,
    ),
    stages=(SPLITTING, *STAGES),
    fit=in_turn(splits_from_inside(INLINE, SPLITTING), keeps_reminders, FIT),
    declares=declares(unknown(NO_FIM)),
    always_streams=True,
    fim=FIT.unknown(),
    tells_slots=TellsSlots("/props", slots_in),
)
