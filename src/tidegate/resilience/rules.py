"""The rules of resilience: why a request waited, was asked again, left a backend alone or was refused."""

from __future__ import annotations

from tidegate.core.rulebook import Rulebook

RESILIENCE = Rulebook("RES", "How one call survives")

_PREFIX = "DeepSeek API, Chat Prefix Completion, 2026-08-02"

RETRIED = RESILIENCE.rule(
    "RES001",
    "a candidate that had failed was asked again after a pause",
    why="Failures such as 429, 500, 503, a refused connection or a cut one pass by themselves; nothing of the answer had gone "
    "out, so asking again cannot double it. Other candidates are asked first, without a pause; then each that failed so is "
    "asked again, up to `[retry] attempts` times, after pauses that grow and are partly left to chance.",
    source="DeepSeek API, error codes, 2026-08-02 (retry 429, 500 and 503 with back-off)",
    checked="2026-11-24",
)

LEFT_ALONE = RESILIENCE.rule(
    "RES002",
    "a backend's model that failed again and again is left alone for a while, and other candidates are asked",
    why="After `[breaker] failures` in a row a further request would most likely fail too, and would wait for that. When its "
    "time is up one request tries it; if that fails, the time doubles up to a limit, and if it begins to answer all come "
    "back. The count is one of that model on that backend: others there are asked as before.",
    source="BerriAI/litellm#27610 and #27362 (unreachable hosts are asked for ever), 2026; docs/keeps-working.md",
    checked="2026-11-24",
)

LAST_TRIED = RESILIENCE.rule(
    "RES003",
    "the last candidate is never left alone: one request at a time tries it before its time",
    why="Where nobody else may answer, a request that is refused for the sake of speed could have been answered. So when all "
    "others have failed, and where there are none, one request tries it at once. Requests that come meanwhile wait for what "
    "it finds, for `[retry] longest_backoff_s` at most; then they get 503 with Retry-After and a text that says how often it "
    "failed.",
    source="BerriAI/litellm 1.109.1, run 2026-11-22: one 404 took the only deployment out, and every request was refused",
    checked="2026-11-24",
)

COUNTED = RESILIENCE.rule(
    "RES004",
    "only a backend's own failures count against it",
    why="Unreachable, timed out, HTTP 500, 502 and 504, broken framing and answers that break off do. A client's mistake (4xx) "
    "does not, nor do what sets it apart (a wrong key, an unknown model, no balance), what passes by itself (429, busy, "
    "loading), words of its model that cannot be read, or a client that leaves. What a request may cause itself, such as "
    "HTTP 500, counts once however often that same request is sent: one bad request must not take a backend from all.",
    source="BerriAI/litellm#40958; sgl-project/sglang#13894 (the breaker opens while workers are healthy), 2026",
    checked="2026-11-24",
)

TOLD_WHEN = RESILIENCE.rule(
    "RES005",
    "a backend that says when to come back is not asked before",
    why="Its Retry-After is longer or shorter than our own pauses for a reason. It is waited for up to a minute; a longer one "
    "is handed to the client, as Retry-After of the error.",
    source="RFC 9110, 10.2.3; the hosted API sends none (DeepSeek API, collected 2026-07-27), proxies before runtimes do",
    checked="2026-11-24",
)

DEADLINE = RESILIENCE.rule(
    "RES006",
    "a request has a time until its answer must have begun, over queue, pauses and all attempts",
    why="Limits of single steps add up: ten minutes in the queue and ten until the first byte, three times. After "
    "`[retry] deadline_s` the client gets an error. A pause that would end after it is not begun.",
    source="docs/keeps-working.md; the hosted API closes after ten minutes without inference (DeepSeek API, 2026-08-02)",
    checked="2026-11-24",
)

ONCE_BEGUN = RESILIENCE.rule(
    "RES007",
    "nothing is asked again once a part of the answer has gone out",
    why="A second answer would repeat what the client has. What becomes of an answer that breaks off is decided by `on_break`.",
    source="BerriAI/litellm#29808, #38610 and #32835 (text twice after a retry in mid-stream), 2026",
    checked="2026-11-24",
)

FOUND_AGAIN = RESILIENCE.rule(
    "RES008",
    "a backend that was away and answers a look is tried by the next request",
    why="A look (`[probe] interval_s`) carries no request and shows that a server is back; what is left of the time for which "
    "it would be left alone is let off. It does not show that the model answers, so one request tries it first.",
    source="docs/keeps-working.md",
    checked="2026-11-24",
)

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
    "and only those that are known to continue a prefix (see their profiles in `tidegate status`). What was said to the "
    "request as it is does not leave masked: a value that the break cut in two would not be found. There was none, or none "
    "answered; the one that broke off is asked too, last, if such a failure passes by itself.",
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

SPENT_AT_HOME = RESILIENCE.rule(
    "RES030",
    "only backends at home were asked, because the budget of the client's key is used up",
    why='The terms of the key say `when_spent = "local"`: what costs nothing may still answer, and what is priced may not be '
    "asked before the next day or month begins.",
    source="Tidegate, docs/keeps-working.md",
    checked="2026-11-24",
)
CUT = RESILIENCE.rule(
    "RES040",
    "an answer was cut because the gateway was stopped",
    why="Open answers go on for `[server] drain_s` after SIGTERM or Ctrl-C, or until a second signal. What is open then ends "
    "with an error inside the answer, so that no client takes a part for the whole, and is booked once as `Draining`.",
    source="docs/keeps-working.md",
    checked="2026-11-24",
)
CLOSED = RESILIENCE.rule(
    "RES041",
    "a request was refused because the gateway is being stopped",
    why="Nobody can connect any more, and who is still connected is told so once, with Retry-After and `connection: close`, "
    "rather than cut off in the middle of a request. Nothing of it was looked at, so sending it elsewhere is safe.",
    source="docs/keeps-working.md",
    checked="2026-11-24",
)
ONE_CONFIGURATION = RESILIENCE.rule(
    "RES042",
    "a request is decided and sent under the configuration of its arrival",
    why="A reload swaps all settings in one step for new requests. With a policy of before and a backend of after, a name could "
    "mean a place that the policy never allowed. Parts that did not change are shared, those that did exist twice until "
    "the last request of before is over.",
    source="docs/decisions/0014-a-configuration-in-one-step.md",
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


KNOWN_TO_ALL = RESILIENCE.rule(
    "RES045",
    "with several processes, what is private is known to all of them before it goes on",
    why="The next turn of a conversation may come to another process, and a client may send it as soon as it has read the last "
    "word. So a private request, and the words of its answer, go on only when every process has said that it knows them. One "
    "that does not say so in time is ended, and what cannot be made known is not sent.",
    source="Tidegate, docs/decisions/0015-several-processes.md",
    checked="2026-11-24",
)

HELD_BY_THE_DEAD = RESILIENCE.rule(
    "RES046",
    "what a process held when it died is free, and what it had reserved of a budget is spent",
    why="Its connections to backends are closed by the system, so their places can be given on. But what its requests cost "
    "nobody will say; to count nothing would let a budget be overspent by killing processes.",
    source="Tidegate, docs/decisions/0015-several-processes.md",
    checked="2026-11-24",
)

NOT_ALONE = RESILIENCE.rule(
    "RES047",
    "a process that has lost its steward ends its answers and itself",
    why="The steward holds slots, budgets and the word of what is private. A process that went on without it could send a "
    "runtime more than it takes, a provider more than was allowed, and a private conversation outside.",
    source="Tidegate, docs/decisions/0015-several-processes.md",
    checked="2026-11-24",
)
