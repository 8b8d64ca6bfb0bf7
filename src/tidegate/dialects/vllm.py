"""vLLM's OpenAI server. Behaviour recorded on 0.32.0, 2026-11-22; what was only read in its source says so."""

from __future__ import annotations

import re

from tidegate.core.errors import BackendRefused, GatewayError, NotSupported
from tidegate.core.requests import ChatRequest, NamedTool
from tidegate.core.rulebook import Rule, Rulebook
from tidegate.dialects import openai_shape as shape
from tidegate.dialects import questions
from tidegate.dialects import vllm_raw as raw
from tidegate.dialects.answering import CHECKS, READS
from tidegate.dialects.base import FOR_LOCAL_RUNTIMES, NO_FIM, Dialect
from tidegate.dialects.declared import declared, native, refused
from tidegate.dialects.emptiness import refuse_empty
from tidegate.dialects.errors import by_status, error_object, known_message, window_exceeded
from tidegate.dialects.fitting import fills_window, in_turn, keeps_reminders, splits_from_inside
from tidegate.dialects.prefixes import continuing
from tidegate.dialects.raw_fitting import RawFitting
from tidegate.dialects.refusals import asks_prefix, refusal
from tidegate.dialects.reminders import AS_SYSTEM
from tidegate.dialects.stages import AnswerInReasoning, CallsFinish
from tidegate.dialects.thinking import splitting
from tidegate.dialects.told_format import TOLD_FORMAT, tell_schema

VLLM_RULES = Rulebook("VLL", "vLLM")
_RUN = "vLLM 0.32.0, run 2026-11-22"
_READ = "vLLM 0.32.0 source, 2026-11-24"


def _rule(code: str, title: str, why: str, source: str = _RUN) -> Rule:
    return VLLM_RULES.rule(code, title, why=why, source=source, checked=source[-10:])


STREAM = _rule(
    "VLL001",
    "always asked for a stream; an unstreamed answer is put together by the gateway",
    "A call that max_tokens cut comes back unstreamed as `{}` with tool_calls, ready to be executed; only the stream says "
    "`length`. A whole answer with an empty call, from something between us and the server, is refused.",
)
THINKING = _rule(
    "VLL002",
    "thinking is switched by chat_template_kwargs, always explicitly; effort is named only while it is on",
    "The field `thinking` is ignored. Templates know `thinking` or `enable_thinking`, so both are sent. Effort max keeps "
    "thinking on whatever the switch says, and medium means less than in the contract, so efforts are mapped.",
)
SAMPLING = _rule(
    "VLL003",
    "temperature and top_p are 1 unless asked otherwise, always in thinking mode; the contract has no other sampling",
    "The server takes what is not said, top_k and penalties too, from the model's generation_config.",
    _READ,
)
LENGTH = _rule(
    "VLL004",
    "a missing max_tokens becomes the contract's default or the context window, whichever is less; without a known window "
    "it stays missing",
    "The server answers 400 to max_tokens beyond its window, and the contract's default (8,192, in thinking mode 65,536 or "
    "131,072) may be. Prompt and max_tokens together may exceed it: the answer is then cut at the window.",
)
PREFIX = _rule(
    "VLL005",
    "Chat Prefix Completion is refused while nothing is known of the model",
    "In DeepSeek's tokenizer modes the text is closed and answered again, with or without continue_final_message: a wrong "
    "answer that looks right. A model of a known encoding goes the raw path (RAW001), one that was seen to be continued is "
    "told so (VLL015).",
    f"https://github.com/vllm-project/vllm/issues/46256; {_RUN}",
)
REASONING = _rule(
    "VLL006",
    "reasoning arrives as `reasoning` and is renamed to `reasoning_content`",
    "vLLM removed the contract's name from its output in early 2026; on input it still knows it.",
)
ANSWER = _rule(
    "VLL007",
    "an answer that arrived as reasoning although thinking was off is moved to the content",
    "The R1 parser takes all before `</think>` for reasoning, also when the prompt has closed it and none comes. With "
    "thinking off, reasoning is held back until content follows or the answer ends.",
)
INLINE = _rule(
    "VLL008",
    "reasoning inside the content is split off",
    "Without --reasoning-parser tags come as text. R1 and V4 do not write `<think>`, so their reasoning can be told in a "
    "stream only where the server is known to have no parser; else only what begins with the tag.",
)
TOOLS = _rule(
    "VLL009",
    "tools are refused by a server without a tool parser",
    "It needs --enable-auto-tool-choice and --tool-call-parser; another candidate may have them.",
    _READ,
)
NAMED = _rule(
    "VLL010",
    "a call of the function that tool_choice names ends with tool_calls",
    "The server ends it with `stop`; the contract ends any call with tool_calls.",
)
LONE_CHOICE = _rule(
    "VLL011", "tool_choice without tools is not sent", "The contract ignores it, the server answers 400.", _READ
)
JSON = _rule(
    "VLL012",
    "JSON mode holds by grammar only: the model is not told of it",
    "The V4 prompt does not mention response_format, and the grammar allows whitespace without end.",
)
CACHE = _rule(
    "VLL013",
    "cached tokens are unknown",
    "The server counts them only with --enable-prompt-tokens-details. Unknown is null, not 0.",
)
STRICT_CALLS = _rule(
    "VLL014",
    "forced tools are sent with `strict`",
    "A forced call is always made, but without `function.strict` its arguments are any JSON object, schema or not.",
    "vLLM 0.32.0, run 2026-11-24",
)

CONTINUED = _rule(
    "VLL015",
    "a prefix is sent with continue_final_message, where the model was seen to be continued; not one with reasoning",
    "Templates of other models than DeepSeek's newest are cut off behind the text. They lose the reasoning beside it.",
)

CUT = _rule(
    "VLL016",
    "a call that max_tokens cut stays open",
    "DeepSeek's V4 parser closes the arguments in the stream's last chunk, and sends `{}` for a call cut before its first "
    "one. The closing brace is taken back, so that nothing parses what the model did not finish.",
    "vLLM 0.32.0, run 2026-11-24",
)

_INPUT = re.compile(
    r"This model's maximum context length is (\d{1,12}) tokens\. However, your prompt contains "
    r"(?:((?:at least )?\d{1,12}) input tokens|\d+ char)"
)
_OUTPUT = re.compile(r"max_(?:completion_)?tokens=(\d{1,12}) cannot be greater than max_model_len=(\d{1,12})")
_NO_PARSER = re.compile(
    r'("auto" tool choice|tool_choice=.{1,300}) requires --(enable-auto-tool-choice|tool-call-parser)'
)
_TEXTS = ("temperature must be ", "top_p must be ", "max_tokens must be ", "Requested sample logprobs of ")


def read_error(status: int, body: bytes) -> GatewayError:
    error = error_object(body)
    message = str(error.get("message", ""))
    if found := _INPUT.match(message):
        return window_exceeded(int(found[1]), found[2] or f"more than {found[1]}")
    if found := _OUTPUT.match(message):
        return window_exceeded(int(found[2]), found[1], "completion")
    if _NO_PARSER.match(message):
        return NotSupported(f"tools are not supported by this backend, see {TOOLS.code}; use another `model`")
    if message.startswith("suffix is only supported for"):
        return NotSupported(f"`suffix` is not supported by the model at this backend, see {NO_FIM.code}")
    if status == 404 and error.get("param") == "model":
        return BackendRefused("the backend does not serve this model (HTTP 404); check `models` of that backend")
    return by_status(status, known_message(error, _TEXTS))


SPLITTING = splitting(INLINE)


def _answer_in_reasoning(request: ChatRequest) -> AnswerInReasoning | None:
    """Also behind a prefix whose thought is over: the parser takes the continuation for one."""
    return None if request.thinks and not request.thought_before else AnswerInReasoning(ANSWER.code)


FIT = RawFitting(
    raw=raw.COMPLETIONS,
    chat_is_wrong=raw.chat_is_wrong,
    stages=(*CHECKS, refuse_empty),
    fim=raw.FIM_COMPLETIONS,
    infills=True,
    refuses=PREFIX,
    continues=continuing(CONTINUED, {"continue_final_message": True, "add_generation_prompt": False}),
)

VLLM = Dialect(
    name="vllm",
    title="vLLM",
    rules=VLLM_RULES,
    read_error=read_error,
    questions=questions.VLLM,
    on_meaning=(AS_SYSTEM, (TOLD_FORMAT, tell_schema)),
    on_request=(
        (STREAM, shape.always_stream),
        (THINKING, shape.switch_by_template),
        (SAMPLING, shape.plain_sampling(top_k_off=0)),
        (LENGTH, shape.state_missing_length),
        refusal(PREFIX, "prefix", asks_prefix),
        (LONE_CHOICE, shape.drop_lone_choice),
        (JSON, shape.state_json),
        (STRICT_CALLS, shape.force_strictly),
        *FOR_LOCAL_RUNTIMES,
    ),
    on_chunk=(
        (REASONING, shape.rename_reasoning),
        (STREAM, shape.refuse_empty_call),
        (CUT, shape.reopen_cut_call),
        (CACHE, shape.lacks_cache),
    ),
    stages=(
        _answer_in_reasoning,
        SPLITTING,
        *READS,
        lambda request: CallsFinish(NAMED.code) if isinstance(request.tool_choice, NamedTool) else None,
        *CHECKS,
        refuse_empty,
    ),
    fit=in_turn(fills_window(LENGTH, prompt_counts=False), splits_from_inside(INLINE, SPLITTING), keeps_reminders, FIT),
    declares=declared(
        "0.32.0",
        thinking_off=native(THINKING),
        json=native(JSON),
        tools=native(TOOLS),
        forced_tools=native(STRICT_CALLS),
        prefix=refused(PREFIX),
        fim=native(NO_FIM),
    ),
    always_streams=True,
    fim=FIT.unknown(),
)
