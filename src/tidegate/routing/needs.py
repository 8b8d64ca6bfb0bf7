"""Which features of the contract an answer depends on: read off the request, before anybody is chosen. Pure.

Only what would be wrong without a word counts. Thinking that is on by default is no such need: a model that cannot think
answers all the same, and says so by having no reasoning.
"""

from __future__ import annotations

from typing import assert_never

from tidegate.core.profile import Feature
from tidegate.core.requests import ChatRequest, FimRequest, Request

_NOTHING: frozenset[Feature] = frozenset()
_INFILLS: frozenset[Feature] = frozenset({"fim"})


def needs_of(request: Request) -> frozenset[Feature]:
    match request:
        case ChatRequest():
            return _needs_of_chat(request)
        case FimRequest(suffix=None):
            return _NOTHING  # a plain completion
        case FimRequest():
            return _INFILLS
        case _:
            assert_never(request)


def _needs_of_chat(request: ChatRequest) -> frozenset[Feature]:
    needs: list[Feature] = []
    if not request.thinks:
        needs.append("thinking_off")
    if (request.response_format or {}).get("type", "text") != "text":
        needs.append("json")
    if request.tools and request.tool_choice != "none":
        needs.append("tools" if request.tool_choice in (None, "auto") else "forced_tools")
    if request.messages and request.messages[-1].prefix:
        needs.append("prefix")
    return frozenset[Feature](needs) if needs else _NOTHING


def says_thinking(request: Request) -> bool:
    """Whether the request itself says how it should think, so that a retired model name does not."""
    return isinstance(request, ChatRequest) and (request.thinking is not None or request.effort is not None)
