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

_PREFIX = "DeepSeek API, Chat Prefix Completion, 2026-08-02"

CONTINUED = RESILIENCE.rule(
    "RES010",
    "an answer broke off half-way, and another candidate of the decision went on from the text so far",
    why='The route says `on_break = "continue"`. The text that was given out is sent as a prefix (Chat Prefix Completion), '
    "so nothing is said twice; it is classed, screened and masked as if the client had sent it. Usage is that of the "
    "backend that ended the answer, which counts the first part in its prompt. What the first part used was never "
    "reported: if it came from an external backend, the cost is unknown.",
    source=_PREFIX,
    checked="2026-11-24",
)

FINISHED = RESILIENCE.rule(
    "RES011",
    "not continued: the finish reason had come already",
    why="Nothing is left to be said, and a model that is asked to go on would say more than the answer. The stream's own "
    "end is missing all the same, so it does not count as a success: usage, or a last word, may be lost.",
    source="tidegate, core/events.py: an answer without its proper end is broken",
    checked="2026-11-24",
)

UNFIT_REQUEST = RESILIENCE.rule(
    "RES012",
    "not continued: the request asks for what a continued text cannot keep",
    why="Chat Prefix Completion goes with no tools, no calls in the conversation and no JSON mode; log probabilities, several "
    "answers (`n`) and fill-in-the-middle cannot be joined; behind a trailing assistant turn the text has no place.",
    source=_PREFIX + "; deepseek-recipe 0.2.0 refuses a prefix with tools, calls or JSON",
    checked="2026-11-24",
)

UNFIT_TEXT = RESILIENCE.rule(
    "RES013",
    "not continued: what was given out so far cannot be sent as a prefix",
    why="A prefix is one thought and one text behind it, and the thought only where the request thinks. Nor is it sent where "
    "the rest might not be what was asked for: the text ends in the beginning of a stop string, all of `max_tokens` may be "
    "used up, or it is too long to be held.",
    source=_PREFIX,
    checked="2026-11-24",
)

NOBODY = RESILIENCE.rule(
    "RES014",
    "not continued: no candidate of the decision could go on",
    why="Only candidates of the same decision are asked, by the class of what was said so far, masked where it must be, "
    "and only those that are known to continue a prefix (see their profiles in `tidegate status`). There was none, or "
    "none answered; the one that broke off is asked too, last, if such a failure passes by itself.",
    source="tidegate, DESIGN: whatever fails, class and boundary bind",
    checked="2026-11-24",
)

TOO_OFTEN = RESILIENCE.rule(
    "RES015",
    "not continued: the answer had been continued three times already",
    why="Each time the whole conversation is sent once more. An answer that breaks off that often breaks off again.",
    source="tidegate's own limit",
    checked="2026-11-24",
)
