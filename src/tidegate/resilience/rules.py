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

OUT_OF_SERVICE = RESILIENCE.rule(
    "RES050",
    "a backend went out of service",
    why="It cannot be reached, or it failed so often that its breaker leaves it alone. Requests go to the other candidates of "
    "their decision, or are refused where there is none; alert `backend_down`.",
    source="Tidegate",
    checked="2026-11-24",
)
BACK_IN_SERVICE = RESILIENCE.rule(
    "RES051",
    "a backend is back in service",
    why="It answers again and no breaker leaves it alone; alert `backend_up`.",
    source="Tidegate",
    checked="2026-11-24",
)
BALANCE_LOW = RESILIENCE.rule(
    "RES052",
    "the hosted account's balance is below the limit",
    why="With the balance used up the hosted API answers 402 to everything. The limit is [watch] low_balance; the account's own "
    "`is_available` = false counts as well. Said once per crossing; alert `balance_low`.",
    source="DeepSeek API, get user balance and error codes, 2026-08-02",
    checked="2026-11-24",
)
BALANCE_OK = RESILIENCE.rule(
    "RES053",
    "the hosted account's balance is above the limit again",
    why="It was topped up; alert `balance_ok`.",
    source="DeepSeek API, get user balance, 2026-08-02",
    checked="2026-11-24",
)
BUDGET_ALERT = RESILIENCE.rule(
    "RES054",
    "a client was refused because its budget is used up",
    why="Its requests get 402 until the next UTC day or month. Said once an hour per client; alert `budget_spent`.",
    source="Tidegate",
    checked="2026-11-24",
)
KEYS_REFUSED = RESILIENCE.rule(
    "RES055",
    "many requests came with a wrong key",
    why="A client was set up wrongly, or somebody guesses. Ten within a minute; said once an hour; alert `key_refused`.",
    source="Tidegate",
    checked="2026-11-24",
)
ALERT_LOST = RESILIENCE.rule(
    "RES056",
    "an alert could not be delivered",
    why="The receiver did not answer with 2xx in five attempts over half an hour, said 410, or so many waited that the oldest "
    "was dropped. Requests are not touched by it.",
    source="Standard Webhooks specification 1.0.0, delivery success and failure, read 2026-11-24",
    checked="2026-11-24",
)
