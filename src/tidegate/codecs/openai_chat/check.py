"""Whether a chat request keeps the rules of a dated contract, in the order in which the hosted API looks.

The texts and limits are the contract's rows; a rule without a row does not hold at its date. An unknown model is not
looked for here: which names exist is routing's to say.
Source of the order: `deepseek-recipe` 0.2.0 with two rules broken at a time, run 2026-11-24.
"""

from __future__ import annotations

from tidegate.catalog.contracts import Contract
from tidegate.codecs.members import check_range, check_stop
from tidegate.codecs.openai_chat.message_rules import check_messages, check_prefix
from tidegate.codecs.openai_chat.tool_rules import (
    check_answer_schema,
    check_choice,
    check_json_word,
    check_strict_use,
    check_tool_names,
    check_tools,
)
from tidegate.core.requests import ChatRequest


def check_request(
    request: ChatRequest, contract: Contract, *, beta: bool, passback: bool, quoting: bool = False
) -> None:
    """Raises the first breach. `beta` is the beta base URL; `passback` asks for reasoning to be sent back."""
    if not beta and "beta_prefix" in contract.rules and any(message.prefix for message in request.messages):
        raise contract.mistake("beta_prefix")
    if request.tools:
        check_tool_names(request.tools, contract)
    check_messages(request, contract, passback=passback, quoting=quoting)
    if request.response_format is not None:
        check_json_word(request, contract)
    offered = request.tools if request.tool_choice != "none" else ()
    if offered:
        check_tools(offered, contract, quoting=quoting)
        if request.tool_choice is not None:
            check_choice(request, contract, quoting=quoting)
    check_prefix(request, contract)
    if request.stop:
        check_stop(request.stop, request.slips, contract, "stop")
    if request.include_usage is not None and not request.stream:
        raise contract.mistake("stream_options_alone")
    if request.response_format is not None:
        check_answer_schema(request, contract, quoting=quoting)
    if offered:
        check_strict_use(offered, request, contract)
    _check_numbers(request, contract)
    if request.user_id is not None:
        _check_user_id(request.user_id, contract)


def _check_numbers(request: ChatRequest, contract: Contract) -> None:
    if request.n is not None and request.n != 1:
        raise contract.mistake("n_not_one")
    if request.presence_penalty is not None:
        check_range("presence_penalty", request.presence_penalty, contract)
    if request.frequency_penalty is not None:
        check_range("frequency_penalty", request.frequency_penalty, contract)
    if request.temperature is not None:
        check_range("temperature", request.temperature, contract)
    if request.top_p is not None:
        check_range("top_p", request.top_p, contract)
    if request.top_logprobs is not None:
        _check_logprobs(request.top_logprobs, request, contract)
    if request.max_tokens is not None:
        check_range("max_tokens", request.max_tokens, contract)
    if request.seed is not None:
        check_range("seed", request.seed, contract)


def _check_logprobs(wanted: int, request: ChatRequest, contract: Contract) -> None:
    if not request.logprobs:
        raise contract.mistake("top_logprobs_alone")
    limit = contract.limits["top_logprobs"]
    if not limit.holds(wanted):
        raise contract.mistake("top_logprobs_range", span=limit.span)


def _check_user_id(user_id: str, contract: Contract) -> None:
    most, length = contract.limits["user_id"].most, len(user_id.encode())
    if length > most:
        raise contract.mistake("user_id_long", most=most, length=length)
