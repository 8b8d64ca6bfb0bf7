"""What is handed over to be kept of an exchange, and the second wall in front of the disk: what is never written.

Pure. The pipeline has decided before (`pipeline/capture.py`), with its own code, from the exchange itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tidegate.core.boundary import DataClass


@dataclass(frozen=True, slots=True)
class Content:
    """What may be kept of one exchange. `data_class` is the highest class anything gave it; `body` is called by the writer."""

    exchange_id: str
    data_class: DataClass
    action: str | None
    shadow: bool
    size_bytes: int
    body: Callable[[], bytes] = field(repr=False)


def may_be_written(content: Content, classes: frozenset[DataClass]) -> bool:
    """Of private content nothing is ever written; nor of what a policy's row masks or keeps at home, or of a shadow."""
    if content.data_class is DataClass.PRIVATE or content.data_class not in classes:
        return False
    return content.action in (None, "allow") and not content.shadow
