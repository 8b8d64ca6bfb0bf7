"""Chat Prefix Completion on a chat endpoint that was seen to continue a trailing assistant message. Pure."""

from __future__ import annotations

from tidegate.core.errors import NotSupported
from tidegate.core.requests import ChatRequest
from tidegate.core.rulebook import Rule
from tidegate.dialects.base import RequestQuirk
from tidegate.dialects.readers import Fields


def continuing(rule: Rule, switches: Fields) -> RequestQuirk:
    """Sends the prefix without its flag and with these fields. Reasoning is refused: few templates keep it, and a thought
    that is lost is another answer."""

    def apply(request: ChatRequest, fields: Fields) -> bool:
        last = request.messages[-1]
        if not last.prefix:
            return False
        if last.has_reasoning:
            raise NotSupported(
                f"a prefix with reasoning_content is not supported by this backend, see {rule.code}; use another `model`"
            )
        fields["messages"][-1].pop("prefix", None)
        fields.update(switches)
        return True

    return rule, apply
