"""Sends a canary plan through a whole gateway over stand-ins, and judges every byte that a sink heard.

What may be where is read off the configuration by `canary_verdict`, not off what the gateway decided.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from tidegate.app import App
from tidegate.app.canary_asking import Reply, ask, text_of
from tidegate.app.canary_config import ADMIN_KEY, ALERTS, StandIns, stand_ins, stood_in
from tidegate.app.canary_plan import STICKY, Plan, Step
from tidegate.app.canary_report import Report
from tidegate.app.canary_requests import URLS, Shot
from tidegate.app.canary_search import Search, forms
from tidegate.app.canary_servers import Heard, Home, Server, Sink
from tidegate.app.canary_values import WORD, Kind, Planted, plant
from tidegate.app.canary_verdict import UNSCANNABLE, Asked, Verdict, highest, judge
from tidegate.config import Config
from tidegate.privacy.slow.slow_look import SlowLook

ERRORS, STATUS_API, METRICS = "error texts", "admin API", "metrics"
_LOCAL = "local"
_WALL = 500
Told = Callable[[int, int], None]


class CanaryRun:
    """`keys` are the made-up values of the environment; `told` hears how far it is."""

    def __init__(self, config: Config, keys: Mapping[str, str], kinds: tuple[Kind, ...], told: Told) -> None:
        self._written = config
        self._keys = keys
        self._kinds = kinds
        self._told = told
        self.report = Report()
        self.search = Search()
        """Everything that was planted and that nobody else has, to be looked for wherever it must not be."""
        self._heard: list[Heard] = []
        self._shots: dict[int, tuple[Shot, Verdict]] = {}
        self._replies: list[tuple[Shot, Reply]] = []

    async def run(self, folder: Path, slow: SlowLook | None) -> None:
        names = stand_ins(self._written)
        self.report.sinks = tuple(names.outside)
        async with AsyncExitStack() as stack:
            servers = await self._servers(stack, names)
            homes = [server for server in servers.values() if isinstance(server, Home)]
            config = stood_in(self._written, {name: server.url for name, server in servers.items()})
            app = await stack.enter_async_context(App(config, self._keys, folder, None, slow))
            plan = Plan(
                config, names, self._kinds, [server.url for server in servers.values() if isinstance(server, Sink)]
            )
            steps = list(plan.steps())
            total, done = sum(len(step.shots) for step in steps), 0
            for step in steps:
                for shot in step.shots:
                    await self._prepare(app, step, homes)
                    await self._send(app, config, shot)
                    done += 1
                    self._told(done, total)
            await self._prepare(app, Step("none", ()), homes)
            for model in plan.talks():
                await self._talk(app, config, plan, model)
            await app.settled()
            await app.kept.watch.settled()
            self._judge(config)
            await self._ask_admin(app, config)

    async def _servers(self, stack: AsyncExitStack, names: StandIns) -> dict[str, Server]:
        found: dict[str, Server] = {
            name: Sink(name, models, self._heard.append) for name, models in names.outside.items()
        }
        found |= {name: Home(models) for name, models in names.home.items()}
        if self._written.alerts:
            found[ALERTS] = Sink(ALERTS, (), self._heard.append)
        for server in found.values():
            await server.open()
            stack.push_async_callback(server.close)
        return found

    async def _prepare(self, app: App, step: Step, homes: list[Home]) -> None:
        """Everybody at home is seen as up, and then fails."""
        if all(home.failure == step.failure == "none" for home in homes):
            return
        await app.kept.watch.look()  # who failed is down now, and whoever wants alerts is told
        for home in homes:
            home.failure = "none"
            await home.open()
        await app.registry.refresh()
        for home in homes:
            home.failure = step.failure
            if step.failure == "refused":
                await home.close()

    async def _send(self, app: App, config: Config, shot: Shot) -> Reply:
        headers = {**self._key_of(config, shot), **({"x-tidegate-class": shot.header} if shot.header else {})}
        headers |= shot.headers
        self._shots[shot.number] = (shot, self._verdict(config, shot))
        self.search.add(one for one in shot.values if one.is_fresh)
        line = self.report.line(shot.path)
        line.requests += 1
        line.planted += len(shot.values)
        method = "POST" if shot.body else "GET"
        reply = await ask(app.asgi, method, shot.url, shot.body, headers)
        self.report.statuses[reply.status] += 1
        self._replies.append((shot, reply))
        if reply.status == _WALL:
            self.report.faults[f"{shot.path}: status {_WALL}, so a second wall had to hold or something crashed"] += 1
        if reply.headers.get("x-tidegate-masked"):
            line.masked += 1
            self._check_restored(shot, reply)
        return reply

    def _key_of(self, config: Config, shot: Shot) -> dict[str, str]:
        key = next((self._keys[one.key_env] for one in config.clients if one.name == shot.client), None)
        return {"authorization": f"Bearer {key}"} if key else {}

    def _verdict(self, config: Config, shot: Shot) -> Verdict:
        alias = config.aliases.get(shot.model)
        client = next((one.data_class for one in config.clients if one.name == shot.client), None)
        kept = "private" if shot.model == _LOCAL or shot.sticky else None
        said = highest(config.privacy.default_class, client, shot.header, alias.data_class if alias else None, kept)
        found = {one.kind.tag for one in shot.planted if one.kind.tag} | ({UNSCANNABLE} if shot.image else set())
        asked = Asked(shot.client, shot.model, said, frozenset(found), len(shot.body), time.time())
        return judge(config, self._kinds, asked)

    def _check_restored(self, shot: Shot, reply: Reply) -> None:
        """A masked answer repeats what was asked, so what was masked of it must be back."""
        if reply.status == 200 and b'"error"' not in reply.body:
            said = text_of(reply.body)
            for one in shot.asked:
                if one.value not in said:
                    self.report.faults[f"{shot.path}: a masked {one.kind.name} did not come back in the answer"] += 1

    async def _talk(self, app: App, config: Config, plan: Plan, model: str) -> None:
        """Only the first turn says that it is private; the others drop the header, or what was said before."""
        first = plan.shot(STICKY, model, header="private", stream=False)
        sticky = config.privacy.sticky_s > 0
        begun = [{"role": "user", "content": self._words(first)}]
        named = {"x-tidegate-conversation": f"talk-{first.number}"}
        reply = await self._send(app, config, _chat(first, begun, named))
        # Status 200 may have gone out with a keep-alive before a time-out: then there is an error and no answer.
        answer = text_of(reply.body) if reply.status == 200 else ""
        answered = {"role": "assistant", "content": answer or "It was refused."}
        if answer:  # before the turn with all of it, by which the answer would be known in any case
            cut = plan.shot(STICKY, model, client=first.client, sticky=sticky, planted=[*first.planted])
            going_on = {"role": "user", "content": "Please go on."}
            await self._send(app, config, _chat(cut, [going_on, answered, self._asked(cut)]))
        later = plan.shot(STICKY, model, client=first.client, sticky=sticky, planted=[*first.planted])
        await self._send(app, config, _chat(later, [*begun, answered, self._asked(later)]))
        fresh = plan.shot(STICKY, model, client=first.client, sticky=sticky)
        await self._send(app, config, _chat(fresh, [self._asked(fresh)], named))

    def _words(self, shot: Shot) -> str:
        word = plant(WORD)
        shot.planted.append(word)
        return f"[{shot.marker}] please keep in mind that {word.value} is what we will speak of from now on."

    def _asked(self, shot: Shot) -> dict[str, str]:
        return {"role": "user", "content": self._words(shot)}

    def _judge(self, config: Config) -> None:
        for heard in self._heard:
            self._judge_heard(config, heard)
        for shot, reply in self._replies:
            own = {id(one) for one in shot.values} if reply.status == 200 or shot.quoted else set[int]()
            for one in self.search.found(reply.all_bytes):
                if id(one) in own:
                    self.report.quoted += reply.status != 200
                else:
                    self.report.arrive(ERRORS, f"answer with status {reply.status}", code_of(one), one.kind.name)
        self.report.line(ERRORS).requests = sum(reply.status != 200 for _, reply in self._replies)

    def _judge_heard(self, config: Config, heard: Heard) -> None:
        shot, verdict = self._shots.get(heard.number, (None, None))
        path = shot.path if shot else ALERTS if heard.backend == ALERTS else "no request of ours"
        if shot is not None or heard.backend == ALERTS:
            self.report.line(path).reached += 1
        may = self._may_hear(config, heard.backend, shot, verdict) if shot and verdict else set[int]()
        shared = [one for one in shot.planted if not one.is_fresh] if shot else []
        there = [one for one in shared if any(form in heard.data for form in forms(one.value))]
        for one in (*self.search.found(heard.data), *there):
            if id(one) not in may:
                self.report.arrive(path, heard.backend, code_of(one), one.kind.name)
            elif verdict and (row := verdict.by(one)):
                self.report.allowed[row, one.kind.name, heard.backend] += 1

    def _may_hear(self, config: Config, backend: str, shot: Shot, verdict: Verdict) -> set[int]:
        accepts = config.backends[backend].accepts or "public"
        return {id(one) for one in shot.planted if verdict.lets(one, accepts)}

    async def _ask_admin(self, app: App, config: Config) -> None:
        admin = {"authorization": f"Bearer {self._keys[ADMIN_KEY]}"} if config.clients else {}
        asked = [("/-/status", STATUS_API, admin), ("/metrics", METRICS, admin)]
        asked += [
            (f"/-/exchanges/{told}", STATUS_API, self._key_of(config, shot))
            for shot, reply in self._replies
            if (told := reply.headers.get("x-tidegate-exchange"))
        ]
        for path, line, key in asked:
            self.report.line(line).requests += 1
            reply = await ask(app.asgi, "GET", path, b"", key)
            if key is admin and reply.status != 200:
                self.report.faults[f"{path} could not be looked through: status {reply.status}"] += 1
            for one in self.search.found(reply.all_bytes):
                self.report.arrive(line, path.rpartition("/")[0] or path, code_of(one), one.kind.name)


def code_of(one: Planted) -> str:
    """What should have kept it: the rule that finds it, or its request's class."""
    return one.kind.tag or "class"


def _chat(shot: Shot, messages: list[dict[str, str]], headers: dict[str, str] | None = None) -> Shot:
    shot.url, shot.headers = URLS["chat"], headers or {}
    shot.body = json.dumps({"model": shot.model, "stream": shot.stream, "messages": messages}).encode()
    return shot
