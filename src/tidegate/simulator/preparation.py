"""From the body to what a brain is asked: shape, model, rules, prompt tokens and the room for the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from msgspec.structs import replace

from tidegate.catalog.contracts.contract import Contract, Encoding
from tidegate.core.requests import ChatRequest, FimRequest, NamedTool, Request
from tidegate.simulator.brain import Task
from tidegate.simulator.parts import Parts
from tidegate.simulator.prompt import Renderer, renderer
from tidegate.simulator.speech import Manner
from tidegate.simulator.surface import Surface


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that may be answered. `tokens` is the whole prompt as the model sees it."""

    task: Task
    tokens: list[int]
    encoding: Encoding
    renderer: Renderer

    @property
    def request(self) -> Request:
        return self.task.request

    def manner(self, answer_id: str, *, leaks: bool) -> Manner:
        request = self.task.request
        if isinstance(request, FimRequest):
            return Manner(self.encoding, answer_id, alternatives=request.logprobs)
        return Manner(
            self.encoding,
            answer_id,
            thinks_first=self.task.effort != "off" and not request.thought_before,
            calls_open=bool(request.tools) and _forces_tool(request),
            is_json=(request.response_format or {}).get("type") in ("json_object", "json_schema"),
            alternatives=request.top_logprobs or 0 if request.logprobs else None,
            leaks=leaks,
        )


def prepare(parts: Parts, surface: Surface, body: bytes, *, beta: bool) -> Prepared:
    """Raises a `ClientMistake` in the hosted API's words."""
    contract = parts.contract
    request = _resolved(surface.decode(body, contract), contract, remaps=parts.settings.aliases == "remap")
    passback = parts.settings.passback and "reasoning_not_passed_back" in contract.rules
    surface.check(request, contract, beta=beta, passback=passback)
    found = renderer()
    encoding = contract.models[request.model].encoding
    match request:
        case ChatRequest():
            effort = contract.applied_effort(request)
            tokens = found.chat_tokens(request, encoding, effort, passback=passback)
            default = contract.default_max_tokens(thinks=request.thinks, effort=effort)
        case FimRequest():
            effort, tokens = "off", found.fim_tokens(request)
            default = contract.limits["FIM max_tokens"].most
        case _:
            assert_never(request)
    most = room(contract, request, len(tokens), default)
    return Prepared(Task(request, effort, most), tokens, encoding, found)


def _resolved(request: Request, contract: Contract, *, remaps: bool) -> Request:
    """The request for a model that exists. A retired name means its successor, and its thinking switch if none was sent."""
    if request.model in contract.models:
        return request
    legacy = contract.legacy_names.get(request.model) if remaps else None
    if legacy is None:
        raise contract.unknown_model(request.model)
    if isinstance(request, ChatRequest) and request.thinking is None and request.effort is None:
        return replace(request, model=legacy.model, thinking=legacy.thinking)
    return replace(request, model=legacy.model)


def room(contract: Contract, request: Request, prompt: int, default: int) -> int:
    """Tokens that the answer may have: what was asked, or the default lowered to what the context leaves."""
    context = contract.models[request.model].context_tokens
    asked = request.max_tokens or 0
    if prompt + asked > context:
        raise contract.mistake("context_length", context=context, asked=prompt + asked, prompt=prompt, output=asked)
    return asked or max(1, min(default, context - prompt))


def _forces_tool(request: ChatRequest) -> bool:
    """The prompt then ends with the opened block of tool calls (`deepseek-recipe` 0.2.0)."""
    return request.tool_choice == "required" or isinstance(request.tool_choice, NamedTool)
