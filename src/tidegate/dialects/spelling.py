"""One spelling for the names of one model, where a server lists it by another than it is asked by. Pure.

Ollama takes a name apart as registry, namespace, name and tag (`types/model` at fb30760, 2026-08-21, read and not run).
"""

from __future__ import annotations

_LOCAL, _LATEST = ":local", ":latest"
_LIBRARY = ("registry.ollama.ai/", "library/")


def plain_spelling(model: str) -> str:
    """One spelling for a name with and without its registry, its tag and what says where it runs."""
    plain = model.strip().lower()
    for beginning in _LIBRARY:
        plain = plain.removeprefix(beginning)
    plain = plain.removesuffix(_LOCAL)
    return plain if ":" in plain.rpartition("/")[2] else plain + _LATEST
