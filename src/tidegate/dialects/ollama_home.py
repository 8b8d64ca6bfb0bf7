"""Which models an Ollama runs itself and has in memory, by their names: what must stay at home is asked for so that it
cannot be passed on.

The server takes apart a name as read here (`internal/modelref` at 2e429a7): its end, without regard to case and blanks,
says `cloud` or `local`. A name that says `local` and is a remote model is answered with 404 (`server/routes.go` at
0018813). Both read on 2026-11-24 and not run.
"""

from __future__ import annotations

import re

from tidegate.core.errors import NotSupported
from tidegate.core.jsonvalue import as_list, as_object
from tidegate.dialects.ollama_rules import LOCAL
from tidegate.dialects.readers import Fields
from tidegate.dialects.spelling import plain_spelling
from tidegate.dialects.tells import TellsLoaded, entries

_CLOUD = re.compile(r"[:-]\s*cloud\s*$", re.IGNORECASE)
_LOCAL = ":local"


def is_cloud(model: str) -> bool:
    """Whether the server would pass a request for this name on to ollama.com, whatever it has on its disk."""
    return _CLOUD.search(model) is not None


def local_name(model: str) -> str:
    if is_cloud(model):
        raise NotSupported(
            f"this backend's boundary keeps requests at home and the model is a cloud model, see {LOCAL.code}; use "
            "another `model`"
        )
    return model if model.lower().endswith(_LOCAL) else model + _LOCAL


def remote_names(answer: Fields) -> frozenset[str] | None:
    """The models of `/api/tags` that the server passes on to another host; None if this is no such list."""
    entries = as_list(answer.get("models"))
    if entries is None:
        return None
    found: set[str] = set()
    for one in map(as_object, entries):
        if one is None:
            return None
        if one.get("remote_host") or one.get("remote_model"):
            found.update(plain_spelling(name) for key in ("name", "model") if isinstance(name := one.get(key), str))
    return frozenset(found)


def loaded_in(processes: bytes) -> frozenset[str]:
    """The models in memory, by `/api/ps`."""
    return frozenset(
        entry["name"].lower() for entry in entries(processes, "models") if isinstance(entry.get("name"), str)
    )


def plain_name(chunk: Fields) -> bool:
    """The server repeats the name it was asked by. Said once already, when the name was sent."""
    model = chunk.get("model")
    if isinstance(model, str):
        chunk["model"] = model.removesuffix(_LOCAL)
    return False


IN_MEMORY = TellsLoaded("/api/ps", loaded_in, plain_spelling)
