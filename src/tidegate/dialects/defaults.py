"""What the contract means where a client says nothing, spelled out for runtimes whose own defaults differ."""

from __future__ import annotations

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.catalog.contracts.contract import AppliedEffort
from tidegate.core.requests import ChatRequest
from tidegate.dialects.readers import Fields

_CONTRACT = contract_named(DEFAULT_PROFILE)


def contract_effort(request: ChatRequest) -> AppliedEffort:
    """The effort that the contract makes of the client's; `off` where it does not think."""
    return _CONTRACT.applied_effort(request)


def contract_max_tokens(request: ChatRequest) -> int:
    """The contract's default for this way to think, whatever the client says."""
    return _CONTRACT.default_max_tokens(thinks=request.thinks, effort=contract_effort(request))


def contract_length(request: ChatRequest, fields: Fields) -> bool:
    """A missing `max_tokens` becomes the contract's default."""
    if request.max_tokens is not None:
        return False
    fields["max_tokens"] = contract_max_tokens(request)
    return True


def contract_sampling(request: ChatRequest, fields: Fields) -> bool:
    """Temperature and top_p are 1 where the client does not say, and always in thinking mode."""
    before = (fields.get("temperature"), fields.get("top_p"))
    for name in ("temperature", "top_p"):
        if request.thinks or fields.get(name) is None:
            fields[name] = 1
    return before != (fields["temperature"], fields["top_p"])


def as_contract(request: ChatRequest, fields: Fields) -> bool:
    """Both, as one quirk."""
    changed = [contract_length(request, fields), contract_sampling(request, fields)]
    return any(changed)
