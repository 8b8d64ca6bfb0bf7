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

QUEUED = RESILIENCE.rule(
    "RES020",
    "it waited at the gateway for a slot of its backend",
    why="The backend was working on as many requests as it has slots. Waiting here, the request has a place that is shown, a "
    "limit of time, and an order that is fair between keys; in a runtime's own queue it would have none of these. How long "
    "it waited is in the header x-tidegate-queued-s.",
    source="llama.cpp and Ollama queue without bound and do not tell, runs of 2026-11-22",
    checked="2026-11-24",
)
PACED = RESILIENCE.rule(
    "RES021",
    "it waited at the gateway because its model takes no more requests at once",
    why="The limit is the published one, or was learned from a refusal (HTTP 429) that named it or from several that did not; "
    "one request more would have been refused. `tidegate status` shows the limit and where it comes from; it rises again by "
    "itself while answers keep coming. A pause that the backend asked for with Retry-After counts as well.",
    source="DeepSeek API, rate limits, 2026-08-02; jobfetcher#42 and #44, 2026-09 (the limit falls with the balance)",
    checked="2026-11-24",
)
MOVED_UP = RESILIENCE.rule(
    "RES022",
    "it waited so long that it moved up by a priority",
    why="Keys of a higher priority go first, and with enough of them those of a lower one would never be served. So who has "
    "waited for a third of `[timeouts] queue_s` waits on as the next higher priority, and after two thirds once more.",
    source="Tidegate, docs/keeps-working.md",
    checked="2026-11-24",
)
