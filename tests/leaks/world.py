"""Plays examples against the whole gateway and judges every byte that an outside server heard.

An example is one policy and a few conversations at the same time. Everything in it comes from the seed and the example's
number, so a leak can be played again: `python -m tests.leaks --seed SEED --example NUMBER`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from tests.leaks.faults import EVERY, FAULTS, TRAPPED
from tests.leaks.policies import (
    ENVIRONMENT,
    KEYS,
    RANKS,
    Policy,
    Verdict,
    highest,
    judge,
    random_policy,
    with_rows,
    written,
)
from tests.leaks.servers import AtHome, Outside
from tests.leaks.talks import ALL_KINDS, BY_CLASS, Talk, Turn
from tests.leaks.values import Planted
from tests.support.asgi import Reply, call

from tidegate.app import App
from tidegate.config import parse_config
from tidegate.core.errors import Misconfigured
from tidegate.ledger.entries import Entry
from tidegate.ledger.store import Ledger
from tidegate.routing.rules import STICKY

TALKS = 8
STEPS = 50
"""More than an example has; a step's number says which example it is of."""


@dataclass
class Counts:
    """What happened, so that a run that proves nothing is seen."""

    examples: int = 0
    requests: int = 0
    private: int = 0
    refused_policies: int = 0
    reached: Counter[str] = field(default_factory=Counter[str])
    statuses: Counter[int] = field(default_factory=Counter[int])
    classes: Counter[str] = field(default_factory=Counter[str])
    kinds: Counter[str] = field(default_factory=Counter[str])
    masked: int = 0
    walls: list[str] = field(default_factory=list)
    """Status 500 from another wall than the one that stands behind what is broken: or something crashed."""
    leaks: list[str] = field(default_factory=list)

    def add(self, other: Counts) -> None:
        for name in ("examples", "requests", "private", "refused_policies", "masked"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("reached", "statuses", "classes", "kinds"):
            getattr(self, name).update(getattr(other, name))
        self.leaks += other.leaks
        self.walls += other.walls


class World:
    """The servers, the ledger and what happened; shared by all examples of one run."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.counts = Counts()
        self._seed = seed
        self._turns: dict[int, Turn] = {}
        self._heard: dict[int, list[tuple[str, bytes]]] = {}
        self._verdicts: dict[int, tuple[Verdict, Talk]] = {}
        self._step = 0
        self._example = 0
        cloud = Outside("cloud", self._turns, self._heard)
        self._outside = (cloud, Outside("other", self._turns, self._heard), Outside("trap", self._turns, self._heard))
        self._home = (AtHome("home", self._turns, cloud), AtHome("den", self._turns, cloud))
        self._folder = folder
        self.ledger = WatchedLedger(folder / "ledger.sqlite3", self.counts)

    async def __aenter__(self) -> World:
        for server in (*self._outside, *self._home):
            await server.start()
        self.ledger.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in (*self._outside, *self._home):
            await server.stop()
        self.ledger.close()

    async def play(self, number: int) -> None:
        """One example: its policy, then its conversations, all at once."""
        random = Random(f"{self._seed}:{number}")
        policy = with_rows(random, random_policy(random))
        if random.random() * EVERY < 1:
            policy = replace(policy, fault=random.choice([name for name in FAULTS if name]))
        kinds = ALL_KINDS if policy.detects else BY_CLASS
        # Each conversation has its own chance: the order in which they come to their turns changes nothing.
        talks = [Talk(Random(random.random()), kinds, *(("trap",) if policy.trap else ())) for _ in range(TALKS)]
        self._example, self._step = number, number * STEPS
        self.counts.examples += 1
        with FAULTS[policy.fault].begin():
            turns = [(talk, talk.turns()) for talk in talks]
            first = {talk: many // 2 if policy.reloads else many for talk, many in turns}
            for part in (first, {talk: many - first[talk] for talk, many in turns}):
                if any(part.values()) and not await self._play_with(policy, part):
                    return
        self._look_at_what_came_late(policy)
        self._turns.clear()
        self._verdicts.clear()

    async def _play_with(self, policy: Policy, part: dict[Talk, int]) -> bool:
        """So many turns of each conversation with a gateway of their own; False: the policy was refused at the start."""
        app = self._app(policy)
        if app is None:
            self.counts.refused_policies += 1
            return False
        await asyncio.gather(*(self._play(app, policy, talk, turns) for talk, turns in part.items()))
        await app._shadow.settled()  # pyright: ignore[reportPrivateUsage]
        app.close_connections()
        if policy.reloads:
            await asyncio.to_thread(self.ledger.written_to_its_end)
        return True

    def _app(self, policy: Policy) -> App | None:
        urls = {server.name: server.url for server in (*self._outside, *self._home)}
        urls["trap"] = urls["trap"].replace("127.0.0.1", "inside.test")
        try:
            app = App(parse_config(written(policy, urls)), ENVIRONMENT, self._folder, None)
        except Misconfigured:
            return None
        app._transport._resolve = _resolve  # pyright: ignore[reportPrivateUsage]
        app.ledger = self.ledger
        app.compose()
        return app

    async def _play(self, app: App, policy: Policy, talk: Talk, turns: int) -> None:
        for _ in range(turns):
            self._step += 1
            turn = talk.next(self._step)
            verdict = verdict_on(policy, talk, turn)
            self._turns[turn.step], self._verdicts[turn.step] = turn, (verdict, talk)
            headers = {"authorization": f"Bearer {KEYS[turn.client]}"}
            if turn.header:
                headers["x-tidegate-class"] = turn.header
            reply = await call(app.asgi, "POST", turn.path, turn.body, headers)
            self._count(policy, turn, verdict, reply)
            self._look_at(policy, turn.step)
            self._look_at_reply(turn, reply)
            if verdict.left_class == "private" and "x-tidegate-class" in reply.headers:
                talk.sticky = True  # a request that was not even read is not known
            if turn.thought is not None:
                known = "private" if verdict.private or turn.model == "local" else verdict.left_class
                talk.thoughts.append((turn.thought, known))

    def _count(self, policy: Policy, turn: Turn, verdict: Verdict, reply: Reply) -> None:
        counts = self.counts
        counts.requests += 1
        counts.private += verdict.private
        counts.statuses[reply.status] += 1
        stops = (FAULTS[policy.fault].stops, *((TRAPPED,) if policy.trap else ()))
        if reply.status == 500 and not any(one in reply.body for one in stops):
            counts.walls.append(f"{self._place(turn.step)}: {reply.body.decode()[:150]}")
        counts.classes[verdict.left_class] += 1
        counts.masked += "x-tidegate-masked" in reply.headers
        counts.kinds.update(one.kind for one in turn.values)

    def _look_at(self, policy: Policy, step: int) -> None:
        """Everything that outside servers have heard of this step."""
        for server, data in self._heard.pop(step, ()):
            self.counts.reached[server] += 1
            self._judge(policy, step, server, data)

    def _look_at_what_came_late(self, policy: Policy) -> None:
        for step in list(self._heard):
            self._look_at(policy, step)

    def _judge(self, policy: Policy, step: int, server: str, data: bytes) -> None:
        if step not in self._verdicts:
            self._note(step, server, "it speaks of no request that is known")
            return
        turn, (verdict, talk) = self._turns[step], self._verdicts[step]
        accepts = policy.accepts.get(server)
        for one in forbidden(turn, talk, verdict, accepts):
            if one.is_in(data):
                self._note(step, server, f"it holds the {one.kind} {one.value}")
        if accepts is None or verdict.blocked or RANKS[verdict.left_class] > RANKS[accepts]:
            self._note(step, server, f"the request is {verdict.left_class} and not for it")
        # What another conversation said must not be here in any case.
        for other, (_, their) in self._verdicts.items():
            if their is talk:
                continue
            for one in self._turns[other].values:
                if one.is_unique and one.value.encode() in data:
                    self._note(step, server, f"it holds the {one.kind} of step {other}, of another conversation")

    def _look_at_reply(self, turn: Turn, reply: Reply) -> None:
        """Error texts repeat nothing, and nobody is told of another conversation."""
        if reply.status != 200:
            for one in (*turn.values, *turn.never):
                if one.is_in(reply.body):
                    self._note(turn.step, "the client", f"an error (status {reply.status}) repeats a {one.kind}")
        talk = self._verdicts[turn.step][1]
        for other, (_, their) in self._verdicts.items():
            if their is not talk:
                for one in self._turns[other].values:
                    if one.is_unique and one.value.encode() in reply.body:
                        self._note(turn.step, "the client", f"it is told the {one.kind} of step {other}")

    def _note(self, step: int, where: str, what: str) -> None:
        turn = self._turns.get(step)
        asked = f"{turn.surface} for {turn.model}, header {turn.header}" if turn else "unknown request"
        self.counts.leaks.append(f"{self._place(step)}: {where}: {what} ({asked})")

    def _place(self, step: int) -> str:
        return f"seed {self._seed} example {self._example} step {step}"


class WatchedLedger(Ledger):
    """Sees what becomes of shadows, of which no client hears."""

    def __init__(self, path: Path, counts: Counts) -> None:
        super().__init__(path, flush_interval_s=0.02)
        self.counts = counts

    def record(self, entry: Entry) -> None:
        super().record(entry)
        # A later turn may have made the conversation private before the shadow of this one began (CLS006).
        if entry.shadow_of and entry.error in ("PolicyRefusal", "BoundaryBreach") and STICKY.code not in entry.rules:
            self.counts.walls.append(f"a shadow was stopped: {entry.error} {entry.rules}")

    def written_to_its_end(self) -> None:
        self.close()
        self._closing.clear()
        self.open()


def verdict_on(policy: Policy, talk: Talk, turn: Turn) -> Verdict:
    """What this request may do, from the test's own knowledge of all that was planted in it."""
    pinned = policy.aliased(turn.model, turn.surface)
    sticky = "private" if talk.sticky else None
    said = highest(policy.default, policy.client_classes[turn.client], turn.header, pinned, sticky)
    found = {one.tag for one in turn.values if one.tag is not None} | ({"unscannable"} if turn.image else set())
    return judge(policy, said, turn.client, frozenset(found))


def forbidden(turn: Turn, talk: Talk, verdict: Verdict, accepts: str | None) -> Iterator[Planted]:
    """The values that a server outside, which takes this class, may not have heard of with this request."""
    yield from turn.never
    for one in turn.values:
        if accepts is None or not verdict.lets(one, accepts):
            yield one
    for thought, known in talk.thoughts:
        if accepts is None or RANKS[known] > RANKS[accepts]:
            yield thought


async def _resolve(host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]
