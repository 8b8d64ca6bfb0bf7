"""Composition root: configuration in, ASGI application out. With `enforce`, the only place that knows every part."""

from __future__ import annotations

import asyncio
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
from tidegate.app.kept import Kept, ledger_path, limits_of
from tidegate.app.keys import admin_key_of, keys_surface
from tidegate.app.locality import attestation_of, is_unvouched, note_of
from tidegate.app.screening import scanner_of, screening_of
from tidegate.app.tls import certificate_of
from tidegate.app.watch.metering import metrics_page, spent_today_usd
from tidegate.app.watch.parts import known_names, place_of, receivers_of
from tidegate.app.watch.watch import Sight
from tidegate.backends.attestation import Standing
from tidegate.backends.base import Backend, Endpoint, Room
from tidegate.backends.capacity import Capacity
from tidegate.backends.embedded import EmbeddedBackend
from tidegate.backends.engine import EngineRole
from tidegate.backends.fake import FakeBackend
from tidegate.backends.http import HttpBackend
from tidegate.backends.probe import Probe
from tidegate.backends.profiles import Profiles
from tidegate.backends.registry import Registry
from tidegate.catalog.contracts import contract_named
from tidegate.catalog.prices import cost_usd
from tidegate.catalog.runtimes import runtimes
from tidegate.config import BackendOptions, Config
from tidegate.core.boundary import Boundary
from tidegate.ledger.entries import Entry
from tidegate.pipeline.capture import NO_CAPTURE, Capture
from tidegate.pipeline.gateway import Gateway
from tidegate.pipeline.screening import Screening
from tidegate.pipeline.shadow import Shadow
from tidegate.privacy.patterns.scanner import Scanner
from tidegate.privacy.slow.slow_look import SlowLook
from tidegate.resilience.guard import Guard
from tidegate.resilience.retry import RetryPolicy
from tidegate.surfaces.account import AccountSurface
from tidegate.surfaces.admin import AdminSurface, Loaded
from tidegate.surfaces.answering import AnsweringSurface
from tidegate.surfaces.anthropic import MessagesFormat
from tidegate.surfaces.auth import Door
from tidegate.surfaces.formats import Format
from tidegate.surfaces.openai import ChatFormat, FimFormat
from tidegate.surfaces.server import Server, Surfaces

__all__ = ("App", "ledger_path")


class App:
    """The parts, put together. `asgi` serves requests between `start` and `stop`."""

    def __init__(
        self,
        config: Config,
        environment: Mapping[str, str],
        state_folder: Path,
        model_path: Path | None,
        slow: SlowLook | None = None,
        *,
        before: App | None = None,
        file: Path | None = None,
        kept: Kept | None = None,
    ) -> None:
        """`model_path` is the embedded model's file; needed when `config.embedded.enabled`. `slow` are the tiers of
        detection in processes of their own; needed to serve when `config.privacy` asks for names or examples. With
        `before`, which still serves, its state is taken over, and every part whose settings are the same. `file` is where
        the configuration was read. `kept` is state that is shared with other processes."""
        self.config = config
        self.contract = contract_named(config.contract.profile)
        clients = clients_of(config, environment)
        self.certificate = certificate_of(config)
        admin_key = admin_key_of(config, environment)
        self.kept = before.kept if before is not None else kept or Kept(config, state_folder)
        check_binding(config.server.host, clients, stored=self.kept.keys.exist)
        self._written = with_hosted_default(config, environment)
        self._endpoints = {name: endpoint_of(name, options, environment) for name, options in self._written.items()}
        self.policy = policy_of(config, self._endpoints)
        self._scanner = _same_scanner(config, before) or scanner_of(config)
        check_slow_look(config.privacy)
        generation = before.loaded.generation + 1 if before else self.kept.generation
        self.loaded = Loaded(file and str(file), time.time(), generation)
        self.slow = slow
        self.lanes = self.kept.lanes
        self._transport, self._watcher, self.ledger = self.kept.transport, self.kept.watcher, self.kept.ledger
        self._receivers = receivers_of(config, environment, self.kept.alerting)
        self._hosted: HttpBackend | None = None
        self._embedded = self._embedded_backend(model_path) if before is None else before._embedded
        self.engine: EngineRole | None = None if self._embedded is None else self._embedded.engine
        self.registry = self._registry(config, before)
        shadowed = None if before is None else before._shadow
        self._shadow = Shadow(
            config.shadow.to, config.shadow.share, lambda: self.registry.snapshot().backends, shadowed
        )
        kept_content = before is not None and before.config.capture == config.capture
        self.content = before.content if before and kept_content else content_store(config, environment, state_folder)
        self._door = Door(clients, stored=self.kept.keys, admin_key=admin_key, attempts=self.kept.attempts)
        self._gateway: Gateway | None = None
        self.asgi: Server | None = None

    def _embedded_backend(self, model_path: Path | None) -> EmbeddedBackend | None:
        if not self.config.embedded.enabled or model_path is None:
            return None
        return embedded_backend(self._transport, self.config.embedded, model_path, self.kept.engine)

    def _registry(self, config: Config, before: App | None) -> Registry:
        written, endpoints = self._written, self._endpoints
        backends = {name: self._same(name, before) or self._backend(endpoints[name], written[name]) for name in written}
        self._hosted = next(
            (
                one
                for name, one in backends.items()
                if written[name].kind == "deepseek" and isinstance(one, HttpBackend)
            ),
            None,
        )
        configured = [backends[name] for name in config.backends]
        last: list[Backend] = [backend for name, backend in backends.items() if name not in config.backends]
        if self._embedded is not None:
            last.append(self._embedded)
        probe = None
        if config.probe.enabled:
            taken = frozenset(endpoint.port for endpoint in endpoints.values() if is_loopback(endpoint.host))
            probe = Probe(self._transport, self._watcher, runtimes(), taken | {config.server.port})
        learn = self.kept.measuring.learn if config.profiles.measure else None
        found = before.registry.found if before is not None and config.probe.enabled and self._is_alike(before) else ()
        return Registry(configured, last, probe=probe, interval_s=config.probe.interval_s, learn=learn, found=found)

    def _is_alike(self, before: App) -> bool:
        """Whether a backend that was built then is what would be built now, its own options being the same."""
        same_contract = self.config.contract.profile == before.config.contract.profile
        return same_contract and limits_of(self.config) == limits_of(before.config)

    def _same(self, name: str, before: App | None) -> Backend | None:
        """The backend of this name as it is, with all that was learned of it, if nothing of its settings has changed."""
        if before is None or name not in before._written or not self._is_alike(before):
            return None
        was, now = (before._written[name], before._endpoints[name]), (self._written[name], self._endpoints[name])
        return before.registry.find(name) if was == now else None

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
            limits_of(self.config),
            slots=options.slots,
            queue=options.queue,
            paced=options.pacing,
            published=self.contract.concurrency if options.kind == "deepseek" else (),
        )
        return HttpBackend(
            self._transport,
            endpoint,
            dialect,
            models,
            profiles=Profiles(dialect, frozenset(options.features), options.encoding),
            capacity=capacity,
            watcher=self._watcher if near else None,
            standing=Standing(attestation_of(endpoint, options), unvouched, note_of(endpoint, options)),
        )

    async def start(self, on_written: Callable[[Sequence[Entry]], None] | None = None) -> None:
        """Open the ledger, start the engine, look at the backends."""
        self.ledger.on_written = on_written
        self.ledger.open()
        if self.engine is not None:
            self.engine.start()
        await self.make_ready()
        if self.kept.leads:
            self.kept.watch.count_from(spent_today_usd(self.ledger.path))
        self.begin()

    async def make_ready(self, before: App | None = None) -> None:
        """All that can fail or takes time, beside `before`, which still serves."""
        if self.content is not None and (before is None or self.content is not before.content):
            self.content.open()
        await self.kept.learn_spending()
        self.compose()
        if self.slow is not None and (before is None or self.slow is not before.slow):
            await self.slow.start()
        await self.registry.look()

    def begin(self, before: App | None = None) -> None:
        """From now on requests come here and not to `before`."""
        if before is not None and before._gateway is not None and self._gateway is not None:
            self._gateway.count_on(before._gateway)
        self.registry.watch()
        snapshot, options = self.registry.snapshot, self.config.watch
        self.kept.meter.serve(snapshot, known_names(self.config, self.contract), place_of(self.registry.find))
        receivers, hosted = (self._receivers, self._hosted) if self.kept.leads else ((), None)
        self.kept.watch.begin(Sight(options, snapshot, self.kept.breakers.view, receivers, hosted))

    def compose(self) -> None:
        """Put gateway and surfaces over registry and ledger."""
        capture = NO_CAPTURE if self.content is None else Capture(self.content.classes, self.content.put)
        self._gateway = Gateway(
            self.registry,
            self.policy,
            self.ledger.record,
            price=cost_usd,
            wall_clock=time.time,
            timer=time.perf_counter,
            new_id=_Ids(),
            screening=self._screening(),
            memory=self.kept.memory,
            capture=capture,
            guard=self._guard(),
            shadow=self._shadow,
            on_ended=self.kept.on_ended,
        )
        self.asgi = Server(self._surfaces(self._gateway))

    def _guard(self) -> Guard:
        retry = self.config.retry
        self.registry.on_found_again = self.kept.breakers.seen
        return Guard(
            self.registry,
            allowances=self.kept.allowances,
            lanes=self.lanes,
            breakers=self.kept.breakers,
            retry=RetryPolicy(
                retry.attempts,
                retry.backoff_s,
                retry.longest_backoff_s,
                retry.jitter,
                retry.deadline_s,
                self.config.timeouts.load_s,
            ),
        )

    def _screening(self) -> Screening:
        privacy = self.config.privacy
        assert self.slow is not None or not (privacy.names or privacy.examples), "asked for, and nobody would look"
        return screening_of(
            self.config,
            self.policy,
            scanner=self._scanner,
            slow=self.slow,
            conversations=self.kept.conversations(privacy.sticky_s),
            vault=self.kept.vault,
            spread=self.kept.spread,
        )

    def _surfaces(self, gateway: Gateway) -> Surfaces:
        def answering(form: Format) -> AnsweringSurface:
            return AnsweringSurface(
                gateway,
                self._door,
                form,
                body_limit_bytes=self.config.server.body_limit_bytes,
                hash_key=self.ledger.salt,
                keep_alive_s=self.config.timeouts.keep_alive_s,
                drain=self.kept.drain,
            )

        return Surfaces(
            chat=answering(ChatFormat(self.contract, beta=False)),
            beta_chat=answering(ChatFormat(self.contract, beta=True)),
            fim=answering(FimFormat(self.contract, beta=True)),
            off_beta=answering(FimFormat(self.contract, beta=False)),
            messages=answering(MessagesFormat(self.contract)),
            account=AccountSurface(gateway, self._door, self.contract, self._hosted),
            admin=self._admin(gateway),
            keys=keys_surface(self._door, self.config, self.kept.keys, self.kept.spending),
            metrics=metrics_page(gateway, self._door, self.kept, self.loaded, self.contract.profile),
        )

    def _admin(self, gateway: Gateway) -> AdminSurface:
        kept = self.kept
        admin = AdminSurface(
            gateway,
            self._door,
            self.ledger,
            self.content,
            loaded=self.loaded,
            drain=kept.drain,
            watched=kept.watch.view,
            whole=kept.whole,
        )
        if kept.whole is not None:
            kept.whole.tells(admin.own_status, self.ledger.recent)
        return admin

    @property
    def keys_required(self) -> bool:
        return not self._door.open

    async def settled(self) -> None:
        """Returns when no shadow is under way."""
        await self._shadow.settled()

    async def stop(self) -> None:
        """Stop shadows and engine, and write the ledger to its end."""
        await self.kept.watch.stop()
        await self.stop_shadows()
        await self.registry.stop()
        if self.slow is not None:
            await self.slow.stop()
        if self.engine is not None:
            await self.engine.stop()
        self.close_connections()
        if self.content is not None:
            self.content.close()
        self.ledger.close()
        self.kept.keys.close()

    async def stop_shadows(self) -> None:
        await self._shadow.stop()

    async def retire(self, heir: App) -> None:
        """Its last request is over, or it has never served: stop what the other has not."""
        await self.settled()
        await self.registry.stop()
        if self.slow is not None and self.slow is not heir.slow:
            await self.slow.stop()
        if self.content is not None and self.content is not heir.content:
            await asyncio.to_thread(self.content.close)

    def close_connections(self) -> None:
        self._transport.close()
        self._watcher.close()
        self.kept.alerting.close()

    async def __aenter__(self) -> App:
        await self.start()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.stop()


def _same_scanner(config: Config, before: App | None) -> Scanner | None:
    """To make one of thousands of terms takes its time."""
    if before is None or before.config.privacy.terms != config.privacy.terms or not config.privacy.detect:
        return None
    return before._scanner


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
