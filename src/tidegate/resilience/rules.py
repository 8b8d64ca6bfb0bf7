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

SPENT_AT_HOME = RESILIENCE.rule(
    "RES030",
    "only backends at home were asked, because the budget of the client's key is used up",
    why='The terms of the key say `when_spent = "local"`: what costs nothing may still answer, and what is priced may not be '
    "asked before the next day or month begins.",
    source="documentation of Tidegate, keys and budgets",
    checked="2026-11-24",
)
