"""What a request may do, from the test's own knowledge of all that was planted in it. Asks the gateway nothing."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from tests.leaks.policies import RANKS, Policy, Verdict, highest, judge
from tests.leaks.talks import Talk, Turn
from tests.leaks.values import Planted
from tests.support.asgi import Reply


def verdict_on(policy: Policy, talk: Talk, turn: Turn) -> Verdict:
    """What this request may do, from the test's own knowledge of all that was planted in it."""
    pinned = policy.aliased(turn.model, turn.surface)
    sticky = "private" if talk.sticky else None
    said = highest(policy.default, policy.client_classes[turn.client], turn.header, pinned, sticky)
    found = {one.tag for one in turn.values if one.tag is not None} | ({"unscannable"} if turn.image else set())
    return judge(policy, said, turn.client, frozenset(found))


def forbidden(turn: Turn, talk: Talk, verdict: Verdict, accepts: str | None) -> Iterator[Planted]:
    """The values that a server outside, which takes this class, may not have heard of with this request."""
    # A term is the same wherever it stands, so one that this request may say for itself tells nothing of another place.
    own = {one.value for one in turn.values if accepts is not None and verdict.lets(one, accepts)}
    yield from (one for one in turn.never if one.value not in own)
    for one in turn.values:
        if accepts is None or not verdict.lets(one, accepts):
            yield one
    for thought, known in talk.thoughts:
        if (accepts is None or RANKS[known] > RANKS[accepts]) and thought.value not in own:
            yield thought


def said(reply: Reply) -> str:
    """The text of a chat completion, streamed or not."""
    if not reply.headers["content-type"].startswith("text/event-stream"):
        return orjson.loads(reply.body)["choices"][0]["message"]["content"]
    events = [line[6:] for line in reply.body.splitlines() if line.startswith(b"data: {")]
    return "".join(
        choice["delta"].get("content") or "" for event in events for choice in orjson.loads(event).get("choices", ())
    )
