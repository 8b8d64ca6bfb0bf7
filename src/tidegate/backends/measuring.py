"""Measures what the models of a backend can do: asks the server about itself, then tries each feature once.

Runs beside the traffic, for backends at home only: a probe of an external one would cost money. Sends fixed texts of our
own, never content. A failure of the network ends the measurement; what was known stays, and the next look tries again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import orjson
from msgspec.structs import replace

from tidegate.backends.http import HttpBackend
from tidegate.backends.profile_store import Measured, ProfileStore
from tidegate.backends.profiles import FAILED
from tidegate.backends.trials import DEMONSTRATIONS, TRIALS, Trial
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import (
    BackendFailed,
    BackendOverloaded,
    BackendRefused,
    BackendTimedOut,
    BackendUnreachable,
    ClientLeft,
    ConnectionLost,
    Draining,
    GatewayError,
    RateLimited,
)
from tidegate.core.fold import Answer, Folding
from tidegate.core.profile import UNKNOWN_TRAITS, Fact, Traits
from tidegate.core.requests import Request

Leave = Callable[[GatewayError | None], None]
"""Says how it went."""
InTurn = Callable[[HttpBackend, str], Awaitable[Leave]]
Alone = Callable[[], Awaitable[Leave]]
_PASSING = (Draining, ConnectionLost, BackendUnreachable, BackendTimedOut, BackendOverloaded, RateLimited)
"""Failures that end a measurement: nobody can be asked now."""


class Measuring:
    """`today` gives the date as YYYY-MM-DD."""

    def __init__(
        self,
        store: ProfileStore,
        today: Callable[[], str],
        trials: Sequence[Trial] = TRIALS,
        in_turn: InTurn | None = None,
        alone: Alone | None = None,
    ) -> None:
        """`in_turn` waits until the backend has room and gives what makes it free again; `alone` waits until no other
        process measures, and gives what lets the next one."""
        self._alone = alone
        self._in_turn = in_turn
        self._store = store
        self._today = today
        self._trials = trials
        self._versions: dict[tuple[str, str], str | None] = {}

    async def learn(self, backend: HttpBackend) -> None:
        """Look at each model that is there, and measure those that are new or whose server has changed.

        A model that would have to be loaded first is left alone: loading one may put out another that is at work.
        """
        view = backend.view
        if view.boundary is Boundary.EXTERNAL or view.health != "up" or backend.dialect.transparent:
            self.forget(backend.name)
            return
        for model in view.models:
            if backend.is_ready(model):
                await self._learn(backend, model)

    def forget(self, name: str) -> None:
        """Another server may come up in its place, or be meant by its name now."""
        self._versions = {key: version for key, version in self._versions.items() if key[0] != name}
        self._store.forget(name)

    async def _learn(self, backend: HttpBackend, model: str) -> None:
        key = (backend.name, model)
        version = (await self._traits(backend, model, first_only=True)).version
        if key in self._versions and self._versions[key] == version:
            return
        traits = await self._traits(backend, model)
        try:
            found = self._kept(backend, model, traits) or await self._measured_once(backend, model, traits)
        except _PASSING:
            backend.profiles.fit(model, traits)
            backend.learned()
            return
        self._versions[key] = version
        backend.profiles.fit(model, replace(traits, **found.shown))
        backend.profiles.measured(model, found.facts)
        backend.learned()

    def _kept(self, backend: HttpBackend, model: str, traits: Traits) -> Measured | None:
        return self._store.find(backend.name, backend.dialect.name, model, traits)

    async def _measured_once(self, backend: HttpBackend, model: str, traits: Traits) -> Measured:
        """By one process at a time: another may have found it out meanwhile."""
        leave = None if self._alone is None else await self._alone()
        try:
            found = None if leave is None else self._kept(backend, model, traits)
            if found is None:
                found = await self._measured(backend, model, traits)
                self._store.keep(found)
            return found
        finally:
            if leave is not None:
                leave(None)

    async def _measured(self, backend: HttpBackend, model: str, traits: Traits) -> Measured:
        """What the server's behaviour shows, first of itself and then, through the dialect fitted to that, of features."""
        backend.profiles.fit(model, traits)
        shown: dict[str, bool] = {}
        for demonstration in DEMONSTRATIONS:
            if demonstration.asks(traits, backend.dialect):
                backend.profiles.fit(model, demonstration.supposing(traits))
                value = demonstration.shows(await self._answer(backend, model, demonstration.request))
                if value is not None:
                    shown[demonstration.trait] = value
                    traits = replace(traits, **{demonstration.trait: value})
        backend.profiles.fit(model, traits)
        facts = await self._measure(backend, model, traits)
        return Measured(backend.name, backend.dialect.name, model, traits, facts, shown)

    async def _traits(self, backend: HttpBackend, model: str, *, first_only: bool = False) -> Traits:
        traits = UNKNOWN_TRAITS
        for question in backend.dialect.questions[: 1 if first_only else None]:
            try:
                answer = orjson.loads(await backend.ask(question, model))
            except (GatewayError, orjson.JSONDecodeError):
                continue  # not asked, so not known
            traits = question.read(model, answer, traits)
        return traits

    async def _measure(self, backend: HttpBackend, model: str, traits: Traits) -> tuple[Fact, ...]:
        found: list[Fact] = []
        for trial in self._trials:
            told = backend.profiles.profile(model).fact(trial.feature)
            if told.way == "refused":
                continue
            holds = await self._holds(backend, model, trial)
            if holds is None:
                continue
            way = (told.way or "native") if holds else "refused"
            code = told.code if holds else FAILED.code
            found.append(Fact(trial.feature, way, "measured", code, traits.version or "", self._today()))
        return tuple(found)

    async def _answer(self, backend: HttpBackend, model: str, request: Request) -> Answer | None:
        try:
            return await self._said(backend, model, request)
        except _PASSING:
            raise
        except GatewayError:
            return None

    async def _holds(self, backend: HttpBackend, model: str, trial: Trial) -> bool | None:
        """None when the server failed for a reason of its own, which says nothing of the feature."""
        try:
            return trial.holds(await self._said(backend, model, trial.request))
        except _PASSING:
            raise
        except (BackendRefused, BackendFailed):
            return None
        except GatewayError:
            return False  # refused, or not the contract

    async def _said(self, backend: HttpBackend, model: str, request: Request) -> Answer:
        if self._in_turn is None:
            return await _answer(backend, model, request)
        leave = await self._in_turn(backend, model)
        failure: GatewayError | None = ClientLeft("the measurement was stopped")
        try:
            answer = await _answer(backend, model, request)
            failure = None
        except GatewayError as error:
            failure = error
            raise
        finally:
            leave(failure)
        return answer


async def _answer(backend: HttpBackend, model: str, request: Request) -> Answer:
    """Asked once more where a kept connection was lost: that says nothing of what the model can do."""
    try:
        return await _asked(backend, model, request)
    except ConnectionLost:
        return await _asked(backend, model, request)


async def _asked(backend: HttpBackend, model: str, request: Request) -> Answer:
    answering = await backend.open(request, model, DataClass.PUBLIC)
    folding = Folding(logprobs=False)
    try:
        while frames := await answering.read():
            for frame in frames:
                for event in frame.events:
                    folding.add(event)
    finally:
        answering.close()
    return folding.answer()
