"""Entries of the model list, as the hosted API writes them and as we write our own. Pure.

Documented are `id`, `object` and `owned_by`; since September 2026 the hosted API says more of its own models (the
contract's row `features: model list`). Clients must ignore members that they do not know.
"""

from __future__ import annotations

from typing import Any

from tidegate.catalog.contracts import Contract, HostedModel

_EFFORTS = ("low", "high", "max")


def model_fields(model_id: str, owner: str, note: str = "") -> dict[str, Any]:
    """`note` is ours: what a person must know of the backend behind the name."""
    entry = {"id": model_id, "object": "model", "owned_by": owner}
    return entry | {"note": note} if note else entry


def hosted_model_fields(model: HostedModel, contract: Contract) -> dict[str, Any]:
    """What the hosted API of this date says of a model beyond the documented members; {} before it did."""
    row = contract.row("features", "model list")
    if row is None:
        return {}
    known: dict[str, Any] = {
        "name": model.title,
        "context_window": model.context_tokens,
        "max_output_tokens": model.output_tokens,
        "input_modalities": list(model.inputs),
        "output_modalities": ["text"],
        "effort": {"supported_levels": list(_EFFORTS), "default_level": contract.value("defaults", "effort")},
        "api_capabilities": row.values["capabilities"],
    }
    return {member: known[member] for member in row.values["members"]}
