"""Whether the model that answers is the one that was asked: a stage for runtimes that may answer with any loaded one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tidegate.core.errors import BrokenContract
from tidegate.core.events import Event, Start
from tidegate.core.rulebook import Rule

_INSTANCE = re.compile(r":\d+$")


class ServedModel:
    """Refuses an answer of another model before it begins."""

    quirks: tuple[str, ...] = ()

    def __init__(self, rule: Rule, asked: str) -> None:
        self._rule = rule
        self._asked = asked

    def take(self, event: Event) -> Iterable[Event]:
        if isinstance(event, Start) and event.model is not None and not is_same(self._asked, event.model):
            raise BrokenContract(
                "the backend answered with another model than the one that was asked for: load that one there, or ask "
                f"for the one that is loaded; see {self._rule.code}"
            )
        return (event,)


def is_same(asked: str, answered: str) -> bool:
    """Whether two names mean one model. `:2` counts instances; publisher and quantization may be left out of either."""
    (publisher, name, variant), (other_publisher, other_name, other_variant) = _parts(asked), _parts(answered)
    return name == other_name and all(
        not one or not other or one == other for one, other in ((publisher, other_publisher), (variant, other_variant))
    )


def _parts(model: str) -> tuple[str, str, str]:
    rest, _, variant = _INSTANCE.sub("", model.casefold()).partition("@")
    publisher, _, name = rest.rpartition("/")
    return publisher, name, variant
