"""Composition root: configuration in, ASGI application out. With `enforce`, the only place that knows every part."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tidegate.app.capture import content_store
from tidegate.app.detection import check_slow_look
from tidegate.app.embed import embedded_backend
from tidegate.app.enforce import (
    check_binding,
    clients_of,
    dialect_of,
    endpoint_of,
    is_loopback,
    policy_of,
    with_hosted_default,
)
from tidegate.app.locality import attestation_of, is_unvouched, note_of
from tidegate.app.screening import scanner_of, screening_of
from tidegate.backends.attestation import Standing
from tidegate.backends.base import Backend, Endpoint, Room
from tidegate.backends.capacity import Capacity
from tidegate.backends.connection import Limits
from tidegate.backends.embedded import EmbeddedBackend
from tidegate.backends.engine import Engine
from tidegate.backends.fake import FakeBackend
from tidegate.backends.http import HttpBackend
from tidegate.backends.measuring import Measuring
from tidegate.backends.probe import WATCH_LIMITS, Probe
from tidegate.backends.profile_store import ProfileStore
from tidegate.backends.profiles import Profiles
from tidegate.backends.registry import Registry
from tidegate.backends.transport import Transport
from tidegate.catalog.contracts import contract_named
from tidegate.catalog.prices import cost_usd
from tidegate.catalog.runtimes import runtimes
from tidegate.config import BackendOptions, Config
from tidegate.core.boundary import Boundary
from tidegate.ledger.entries import Entry
from tidegate.ledger.store import Ledger
from tidegate.pipeline.capture import NO_CAPTURE, Capture
from tidegate.pipeline.gateway import Gateway
from tidegate.pipeline.replay import ReasoningMemory
from tidegate.pipeline.screening import Screening
from tidegate.pipeline.shadow import Shadow
from tidegate.privacy.slow.slow_look import SlowLook
from tidegate.resilience.breaker import Breakers
from tidegate.resilience.guard import Guard
from tidegate.resilience.lane import Turn
from tidegate.resilience.lanes import OwnLanes
from tidegate.resilience.retry import RetryPolicy
from tidegate.surfaces.account import AccountSurface
from tidegate.surfaces.admin import AdminSurface
from tidegate.surfaces.answering import AnsweringSurface
from tidegate.surfaces.anthropic import MessagesFormat
from tidegate.surfaces.auth import Door
from tidegate.surfaces.formats import Format
from tidegate.surfaces.openai import ChatFormat, FimFormat
from tidegate.surfaces.server import Server, Surfaces


class App:
    """The parts, put together. `asgi` serves requests between `start` and `stop`."""

    def __init__(
        self,
        config: Config,
        environment: Mapping[str, str],
        state_folder: Path,
        model_path: Path | None,
        slow: SlowLook | None = None,
    ) -> None:
        """`model_path` is the embedded model's file; needed when `config.embedded.enabled`. `slow` are the tiers of
        detection in processes of their own; needed to serve when `config.privacy` asks for names or examples."""
        self.contract = contract_named(config.contract.profile)
        clients = clients_of(config, environment)
        check_binding(config.server.host, clients)
        written = with_hosted_default(config, environment)
        endpoints = {name: endpoint_of(name, options, environment) for name, options in written.items()}
        self.policy = policy_of(config, endpoints)
        self._scanner = scanner_of(config)
        check_slow_look(config.privacy)
        self._slow = slow
        self._transport = Transport(_limits(config))
        self._watcher = Transport(WATCH_LIMITS)
        self._hosted: HttpBackend | None = None
        self.engine: Engine | None = None
        self._embedded: EmbeddedBackend | None = None
        if config.embedded.enabled and model_path is not None:
            self._embedded = embedded_backend(self._transport, config.embedded, model_path)
            self.engine = self._embedded.engine
        self.lanes = OwnLanes(config.timeouts.queue_s)
        self._store = ProfileStore(state_folder / "profiles.json")
        self.registry = self._registry(config, written, endpoints)
        self.ledger = Ledger(ledger_path(config, state_folder), config.ledger.flush_interval_s)
        self._shadow = Shadow(config.shadow.to, config.shadow.share, lambda: self.registry.snapshot().backends)
        self.content = content_store(config, environment, state_folder)
        self._config = config
        self._door = Door(clients)
        self.asgi: Server | None = None

    def _registry(
        self, config: Config, written: Mapping[str, BackendOptions], endpoints: Mapping[str, Endpoint]
    ) -> Registry:
        backends = {name: self._backend(endpoints[name], options) for name, options in written.items()}
        configured = [backends[name] for name in config.backends]
        last: list[Backend] = [backend for name, backend in backends.items() if name not in config.backends]
        if self._embedded is not None:
            last.append(self._embedded)
        probe = None
        if config.probe.enabled:
            taken = frozenset(endpoint.port for endpoint in endpoints.values() if is_loopback(endpoint.host))
            probe = Probe(self._transport, self._watcher, runtimes(), taken | {config.server.port})
        measuring = Measuring(self._store, _today, in_turn=self._in_turn)
        learn = measuring.learn if config.profiles.measure else None
        return Registry(configured, last, probe=probe, interval_s=config.probe.interval_s, learn=learn)

    async def _in_turn(self, backend: Backend, model: str) -> Callable[[], None]:
        """A place in the backend's lane for what is measured there: it waits like any request. Gives what leaves it."""
        return (await self.lanes.enter(backend.room, model, Turn(priority="low"))).leave

    def _backend(self, endpoint: Endpoint, options: BackendOptions) -> Backend:
        if options.kind == "fake":
            return FakeBackend(
                endpoint.name,
                boundary=endpoint.boundary,
                accepts=endpoint.accepts,
                models=options.models or ("fake",),
                room=Room(endpoint.name, options.slots, options.queue, paced=options.pacing),
            )
        models = options.models or (tuple(self.contract.models) if options.kind == "deepseek" else ())
        dialect = dialect_of(endpoint.name, options)
        unvouched = is_unvouched(endpoint, options)
        near = endpoint.boundary is not Boundary.EXTERNAL or (unvouched and is_loopback(endpoint.host))
        capacity = Capacity(
            endpoint.name,
            dialect,
            self._transport.limits,
            slots=options.slots,
            queue=options.queue,
            paced=options.pacing,
        )
        backend = HttpBackend(
            self._transport,
            endpoint,
            dialect,
            models,
            profiles=Profiles(dialect, frozenset(options.features), options.encoding),
            capacity=capacity,
            watcher=self._watcher if near else None,
            standing=Standing(attestation_of(endpoint, options), unvouched, note_of(endpoint, options)),
        )
        if options.kind == "deepseek" and self._hosted is None:
            self._hosted = backend
        return backend

    async def start(self, on_written: Callable[[Sequence[Entry]], None] | None = None) -> None:
        """Open the ledger, start the engine, look at the backends."""
        self.ledger.on_written = on_written
        self.ledger.open()
        if self.content is not None:
            self.content.open()
        self.compose()
        if self.engine is not None:
            self.engine.start()
        if self._slow is not None:
            await self._slow.start()
        await self.registry.start()

    def compose(self) -> None:
        """Put gateway and surfaces over registry and ledger."""
        capture = NO_CAPTURE if self.content is None else Capture(self.content.classes, self.content.put)
        gateway = Gateway(
            self.registry,
            self.policy,
            self.ledger.record,
            price=cost_usd,
            wall_clock=time.time,
            timer=time.perf_counter,
            new_id=_Ids(),
            screening=self._screening(),
            memory=ReasoningMemory(self._config.replay.memory_bytes, key=os.urandom(32)),
            capture=capture,
            guard=self._guard(),
            shadow=self._shadow,
        )
        self.asgi = Server(self._surfaces(gateway))

    def _guard(self) -> Guard:
        retry, breaker = self._config.retry, self._config.breaker
        return Guard(
            self.registry,
            lanes=self.lanes,
            breakers=Breakers(time.monotonic, breaker.failures, breaker.open_s, breaker.longest_open_s),
            retry=RetryPolicy(
                retry.attempts,
                retry.backoff_s,
                retry.longest_backoff_s,
                retry.jitter,
                retry.deadline_s,
                self._config.timeouts.load_s,
            ),
        )

    def _screening(self) -> Screening:
        """It knows the conversations that were private before the start, as far as the ledger remembers them."""
        privacy = self._config.privacy
        assert self._slow is not None or not (privacy.names or privacy.examples), "asked for, and nobody would look"
        since = time.time() - privacy.sticky_s
        return screening_of(
            self._config,
            self.policy,
            scanner=self._scanner,
            slow=self._slow,
            salt=self.ledger.salt,
            private_before=self.ledger.private_conversations(since).items(),
        )

    def _surfaces(self, gateway: Gateway) -> Surfaces:
        def answering(form: Format) -> AnsweringSurface:
            return AnsweringSurface(
                gateway,
                self._door,
                form,
                body_limit_bytes=self._config.server.body_limit_bytes,
                hash_key=self.ledger.salt,
                keep_alive_s=self._config.timeouts.keep_alive_s,
            )

        return Surfaces(
            chat=answering(ChatFormat(self.contract, beta=False)),
            beta_chat=answering(ChatFormat(self.contract, beta=True)),
            fim=answering(FimFormat(self.contract, beta=True)),
            off_beta=answering(FimFormat(self.contract, beta=False)),
            messages=answering(MessagesFormat(self.contract)),
            account=AccountSurface(gateway, self._door, self.contract, self._hosted),
            admin=AdminSurface(gateway, self._door, self.ledger, self.content),
        )

    async def settled(self) -> None:
        """Returns when no shadow is under way."""
        await self._shadow.settled()

    async def stop(self) -> None:
        """Stop shadows and engine, and write the ledger to its end."""
        await self._shadow.stop()
        await self.registry.stop()
        if self._slow is not None:
            await self._slow.stop()
        if self.engine is not None:
            await self.engine.stop()
        self.close_connections()
        if self.content is not None:
            self.content.close()
        self.ledger.close()

    def close_connections(self) -> None:
        self._transport.close()
        self._watcher.close()

    async def __aenter__(self) -> App:
        await self.start()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.stop()


class _Ids:
    """32 hex digits: 12 of the time in ms, then chance. Ordered by time, so that the ledger grows at its end only.

    Chance is fetched for many ids at once: on a virtual machine the system call costs as much as decoding a request.
    """

    def __init__(self) -> None:
        self._chance = b""

    def __call__(self) -> str:
        if not self._chance:
            self._chance = os.urandom(10 * 128)
        taken, self._chance = self._chance[:10], self._chance[10:]
        return f"{time.time_ns() // 1_000_000:012x}{taken.hex()}"


def _today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())


def ledger_path(config: Config, state_folder: Path) -> Path:
    return Path(config.ledger.path).expanduser() if config.ledger.path else state_folder / "ledger.sqlite3"


def _limits(config: Config) -> Limits:
    wait = config.timeouts
    return Limits(wait.connect_s, wait.first_byte_s, wait.idle_s, wait.load_s, wait.queue_s)
