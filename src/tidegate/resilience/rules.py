"""The rules of resilience: why a request waited, was asked again, left a backend alone or was refused."""

from __future__ import annotations

from tidegate.core.rulebook import Rulebook

RESILIENCE = Rulebook("RES", "How one call survives")

RETRIED = RESILIENCE.rule(
    "RES001",
    "a candidate that had failed was asked again after a pause",
    why="Failures such as 429, 500, 503, a refused connection or a cut one pass by themselves; nothing of the answer had gone "
    "out, so asking again cannot double it. Other candidates are asked first, without a pause.",
    source="DeepSeek API, error codes, 2026-08-02 (retry 429, 500 and 503 with back-off)",
    checked="2026-11-24",
)
