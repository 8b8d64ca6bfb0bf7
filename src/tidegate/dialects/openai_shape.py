"""Quirks that several OpenAI-shaped servers share, each under a rule of its own dialect. Pure; names no runtime.

What only one runtime does stands in that runtime's file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tidegate.core.errors import BadAnswer
from tidegate.core.jsonvalue import as_list, as_object
from tidegate.core.requests import ChatRequest
from tidegate.dialects.defaults import contract_effort, contract_sampling
from tidegate.dialects.readers import Fields
from tidegate.dialects.refusals import asks_forced_tool


def switch_by_template(request: ChatRequest, fields: Fields) -> bool:
    """Switches thinking by both names that chat templates know, and says the effort as the contract maps it.

    An effort beside a switch that is off can win over it, so it goes.
    """
    fields.pop("thinking", None)
    fields.pop("reasoning_effort", None)
    fields["chat_template_kwargs"] = {"thinking": request.thinks, "enable_thinking": request.thinks}
    if request.thinks:
        fields["reasoning_effort"] = contract_effort(request)
    return True


def plain_sampling(top_k_off: int) -> Callable[[ChatRequest, Fields], bool]:
    """Samples as the contract does, with nothing beside it; `top_k_off` is the number that switches top_k off here."""

    def apply(request: ChatRequest, fields: Fields) -> bool:
        contract_sampling(request, fields)
        fields.update(top_k=top_k_off, min_p=0, repetition_penalty=1)
        return True

    return apply


def always_stream(request: ChatRequest, fields: Fields) -> bool:
    fields["stream"] = True
    return not request.stream


def state_always(_request: ChatRequest, _fields: Fields) -> bool:
    """What holds of every answer of a server and cannot be changed by what it is sent."""
    return True


def state_missing_length(request: ChatRequest, _fields: Fields) -> bool:
    return request.max_tokens is None


def state_json(request: ChatRequest, _fields: Fields) -> bool:
    return (request.response_format or {}).get("type") == "json_object"


def force_strictly(request: ChatRequest, fields: Fields) -> bool:
    """Whether tools became strict because one of them is forced; those that were strict stay so."""
    if not asks_forced_tool(request):
        return False
    functions = [tool["function"] for tool in fields["tools"]]
    loose = [function for function in functions if not function.get("strict")]
    for function in loose:
        function["strict"] = True
    return bool(loose)


def drop_lone_choice(request: ChatRequest, fields: Fields) -> bool:
    return not request.tools and fields.pop("tool_choice", None) is not None


def _choices(chunk: Fields) -> Iterator[Fields]:
    for choice in as_list(chunk.get("choices")) or ():
        if (one := as_object(choice)) is not None:
            yield one


def rename_reasoning(chunk: Fields) -> bool:
    """`reasoning` to `reasoning_content`, with the logprobs of the piece where it is one."""
    renamed = False
    for choice in _choices(chunk):
        said = as_object(choice.get("delta")) or as_object(choice.get("message"))
        if said is None or not said.get("reasoning") or said.get("reasoning_content"):
            continue
        said["reasoning_content"] = said.pop("reasoning")
        logprobs = as_object(choice.get("logprobs"))
        if logprobs is not None and "delta" in choice and not said.get("content"):
            logprobs["reasoning_content"] = logprobs.pop("content", None)
        renamed = True
    return renamed


def refuse_empty_call(answer: Fields) -> bool:
    """Refuses a whole answer in which a call has no arguments, where only a stream tells whether it was cut."""
    for choice in _choices(answer):
        message = as_object(choice.get("message")) or {}
        for call in as_list(message.get("tool_calls")) or ():
            function = as_object((as_object(call) or {}).get("function")) or {}
            if function.get("arguments") in ("{}", ""):
                raise BadAnswer("the backend's whole answer holds a tool call that may have been cut")
    return False


def reopen_cut_call(chunk: Fields) -> bool:
    """Takes back the brace that closes a call in the very chunk in which max_tokens ended the answer.

    A parser that assembles arguments closes them when its text ends, finished or not, and without any makes up `{}`.
    """
    reopened = False
    for choice in _choices(chunk):
        calls = as_list((as_object(choice.get("delta")) or {}).get("tool_calls"))
        if choice.get("finish_reason") != "length" or not calls:
            continue
        function = as_object((as_object(calls[-1]) or {}).get("function")) or {}
        arguments = function.get("arguments")
        if isinstance(arguments, str) and arguments.endswith("}"):
            function["arguments"] = "" if arguments == "{}" else arguments[:-1]
            reopened = True
    return reopened


def name_abort(chunk: Fields) -> bool:
    """An answer that the server gave up, in the contract's word for it."""
    named = False
    for choice in _choices(chunk):
        if choice.get("finish_reason") in ("abort", "error"):
            choice["finish_reason"] = "insufficient_system_resource"
            named = True
    return named


def lacks_cache(chunk: Fields) -> bool:
    """Whether usage came without a count of cached tokens. It stays unknown, never 0."""
    usage = as_object(chunk.get("usage"))
    if usage is None or "prompt_cache_hit_tokens" in usage:
        return False
    return (as_object(usage.get("prompt_tokens_details")) or {}).get("cached_tokens") is None
