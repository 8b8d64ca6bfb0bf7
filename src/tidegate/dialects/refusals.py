"""Wishes that a runtime cannot fulfil, refused by the rule that says why: another candidate of the decision may fulfil them.

Never for a wish that the runtime fulfils otherwise; that is a quirk.
"""

from __future__ import annotations

from collections.abc import Callable

from tidegate.core.errors import NotSupported
from tidegate.core.requests import ChatRequest, NamedTool
from tidegate.core.rulebook import Rule
from tidegate.dialects.base import RequestQuirk
from tidegate.dialects.readers import Fields


def refusal(rule: Rule, field: str, asks: Callable[[ChatRequest], bool]) -> RequestQuirk:
    """Refuses the requests that ask for it, naming the field to leave out."""

    def refuse(request: ChatRequest, _fields: Fields) -> bool:
        if asks(request):
            raise NotSupported(f"{field} is not supported by this backend, see {rule.code}; use another `model`")
        return False

    return rule, refuse


def asks_prefix(request: ChatRequest) -> bool:
    return request.messages[-1].prefix


def asks_logprobs(request: ChatRequest) -> bool:
    return bool(request.logprobs)


def asks_regex(request: ChatRequest) -> bool:
    return format_of(request) == "regex"


def asks_format(request: ChatRequest) -> bool:
    """Any format but plain text."""
    return format_of(request) not in (None, "text")


def asks_forced_tool(request: ChatRequest) -> bool:
    return bool(request.tools) and (request.tool_choice == "required" or isinstance(request.tool_choice, NamedTool))


def format_of(request: ChatRequest) -> str | None:
    return None if request.response_format is None else request.response_format.get("type")
