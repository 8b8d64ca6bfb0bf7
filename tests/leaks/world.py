"""Plays examples against the whole gateway and judges every byte that an outside server heard.

An example is one policy and a few conversations at the same time. Everything in it comes from the seed and the example's
number, so a leak can be played again: `python -m tests.leaks --seed SEED --example NUMBER`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

from tests.leaks.counting import Counts, WatchedLedger
from tests.leaks.faults import EVERY, FAULTS, TRAPPED
from tests.leaks.judging import forbidden, said, verdict_on
from tests.leaks.policies import (
    ENVIRONMENT,
    KEYS,
    RANKS,
    Policy,
    Verdict,
    random_policy,
    with_fault,
    with_rows,
    written,
)
from tests.leaks.servers import AtHome, Outside
from tests.leaks.talks import ALL_KINDS, BY_CLASS, Talk, Turn
from tests.support.asgi import Reply, call

from tidegate.app import App
from tidegate.app.watch.parts import known_names, place_of
from tidegate.config import parse_config
from tidegate.core.errors import Misconfigured

TALKS = 8
ADMIN_KEY = "the-admin-key-of-the-leak-test"
STEPS = 50
"""More than an example has; a step's number says which example it is of."""


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
            policy = with_fault(policy, random.choice([name for name in FAULTS if name]))
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
        await self._look_at_metrics(app)
        app.close_connections()
        if policy.reloads:
            await asyncio.to_thread(self.ledger.written_to_its_end)
        return True

    def _app(self, policy: Policy) -> App | None:
        urls = {server.name: server.url for server in (*self._outside, *self._home)}
        urls["trap"] = urls["trap"].replace("127.0.0.1", "inside.test")
        try:
            config = parse_config(written(policy, urls) | {"server": {"admin_key_env": "ADMIN_KEY"}})
            app = App(config, {**ENVIRONMENT, "ADMIN_KEY": ADMIN_KEY}, self._folder, None)
        except Misconfigured:
            return None
        app._transport._resolve = _resolve  # pyright: ignore[reportPrivateUsage]
        app.ledger = self.ledger
        app.compose()
        app.kept.meter.serve(app.registry.snapshot, known_names(app.config, app.contract), place_of(app.registry.find))
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
        elif turn.surface in ("chat", "beta") and "x-tidegate-masked" in reply.headers and said(reply) != turn.answer:
            self._note(turn.step, "the client", "a masked answer is not what it was")
        talk = self._verdicts[turn.step][1]
        for other, (_, their) in self._verdicts.items():
            if their is not talk:
                for one in self._turns[other].values:
                    if one.is_unique and one.value.encode() in reply.body:
                        self._note(turn.step, "the client", f"it is told the {one.kind} of step {other}")

    async def _look_at_metrics(self, app: App) -> None:
        """What was counted of all these requests holds nothing of them."""
        page = (await call(app.asgi, "GET", "/metrics", headers={"authorization": f"Bearer {ADMIN_KEY}"})).body
        if b"tidegate_requests_total{" not in page:
            self._note(self._step, "the metrics", f"they count nothing: {page[:100]!r}")
        for step, turn in self._turns.items():
            for one in (*turn.values, *turn.never):
                if one.is_unique and one.is_in(page):
                    self._note(step, "the metrics", f"they hold the {one.kind}")

    def _note(self, step: int, where: str, what: str) -> None:
        turn = self._turns.get(step)
        asked = f"{turn.surface} for {turn.model}, header {turn.header}" if turn else "unknown request"
        self.counts.leaks.append(f"{self._place(step)}: {where}: {what} ({asked})")

    def _place(self, step: int) -> str:
        return f"seed {self._seed} example {self._example} step {step}"


async def _resolve(host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]
