"""Members that runtimes call otherwise than the contract does: renamed in chunks and in whole answers."""

from __future__ import annotations

from tidegate.core.jsonvalue import as_list, as_object
from tidegate.dialects.readers import Fields


def rename_reasoning(chunk: Fields) -> bool:
    """`reasoning` to `reasoning_content`; whether there was any."""
    renamed = False
    for choice in as_list(chunk.get("choices")) or ():
        one = as_object(choice) or {}
        said = as_object(one.get("delta")) or as_object(one.get("message"))
        if said is not None and said.get("reasoning") and not said.get("reasoning_content"):
            said["reasoning_content"] = said.pop("reasoning")
            renamed = True
    return renamed
