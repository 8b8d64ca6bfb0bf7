"""The operator's configuration with a stand-in for every backend: names, classes, rows and aliases stay, addresses do not.

Nothing in what this gives back leads off this machine, to a real key or into the operator's folders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from tidegate.app.canary_values import some
from tidegate.app.enforce import EMBEDDED, HOSTED_KEY, HOSTED_NAME
from tidegate.app.locality import needs_word
from tidegate.catalog.contracts import contract_named
from tidegate.catalog.runtimes import runtimes
from tidegate.config import AliasOptions, BackendOptions, Config
from tidegate.config.tables import LedgerOptions, ProbeOptions, ProfileOptions, Server
from tidegate.core.profile import FEATURES

STAND_IN = "canary-home"
"""The name of what stands in for the embedded model, or for anything at home where nothing is."""
ALERTS = "[[alerts]]"
"""The name of what stands in for every receiver of alerts."""
ADMIN_KEY = "CANARY_ADMIN_KEY"
"""The variable of the admin key: the admin API is searched, whoever may ask it."""
_MODELS = ("canary-model",)
_KEY_ALPHABET = "abcdefghijkmnpqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class StandIns:
    """Names of the servers that a run needs, with the models that each lists."""

    outside: dict[str, tuple[str, ...]]
    home: dict[str, tuple[str, ...]]


def made_up_keys(config: Config) -> dict[str, str]:
    """A value for every variable that the configuration names, and none of the real environment."""
    named = [options.key_env for options in config.backends.values()]
    named += [HOSTED_KEY, config.capture.key_env, *(client.key_env for client in config.clients)]
    named += [ADMIN_KEY, config.server.admin_key_env, *(one.secret_env for one in config.alerts)]
    return {name: f"canary-key-{some(_KEY_ALPHABET, 24)}" for name in named if name}


def is_outside(options: BackendOptions) -> bool:
    """As the configuration says it, with the same defaults as when serving."""
    if options.boundary is not None:
        return options.boundary == "external"
    return needs_word(options.kind) and not options.stays_home


def with_hosted(config: Config, *, hosted: bool) -> Config:
    """With the hosted API written down, where a set key alone would add it."""
    known = HOSTED_NAME in config.backends or any(one.kind == "deepseek" for one in config.backends.values())
    if known or not hosted:
        return config
    return replace(config, backends={**config.backends, HOSTED_NAME: BackendOptions(kind="deepseek")})


def stand_ins(config: Config) -> StandIns:
    """Which there are: one for each backend, one for the embedded model, and for each runtime that a name speaks of."""
    hosted = tuple(contract_named(config.contract.profile).models)
    outside: dict[str, tuple[str, ...]] = {}
    home: dict[str, tuple[str, ...]] = {}
    for name, options in config.backends.items():
        models = options.models or (hosted if options.kind == "deepseek" else _spoken_of(config, name) or _MODELS)
        (outside if is_outside(options) else home)[name] = models
    if config.probe.enabled:
        spoken = {target.partition("/")[0] for target in _targets(config)}
        home |= {one.kind: _MODELS for one in runtimes() if one.kind in spoken and one.kind not in config.backends}
    if config.embedded.enabled or not home:
        home[STAND_IN] = _MODELS
    return StandIns(outside, home)


def stood_in(config: Config, urls: Mapping[str, str]) -> Config:
    """`urls` by backend name, for every name of `stand_ins`, and for `ALERTS` where there are receivers."""
    names = stand_ins(config)
    backends = {name: _outside(config.backends[name], urls[name], models) for name, models in names.outside.items()}
    backends |= {name: _home(config.backends.get(name), urls[name], models) for name, models in names.home.items()}
    ordered = {name: backends[name] for name in config.backends} | backends
    written = frozenset(config.backends)
    waits = replace(
        config.timeouts, connect_s=1.0, first_byte_s=0.1, idle_s=0.1, load_s=0.05, queue_s=1.0, keep_alive_s=0.05
    )
    return replace(
        config,
        server=replace(config.server, host=Server().host, port=Server().port, admin_key_env=ADMIN_KEY),
        embedded=replace(config.embedded, enabled=False),
        probe=ProbeOptions(enabled=False, interval_s=3600.0),
        profiles=ProfileOptions(measure=False),
        ledger=LedgerOptions(flush_interval_s=0.02),
        capture=replace(config.capture, folder=None),
        shadow=replace(config.shadow, to=tuple(_renamed(one, written) for one in config.shadow.to), share=1.0),
        timeouts=waits,
        alerts=tuple(replace(one, url=urls[ALERTS]) for one in config.alerts),
        retry=replace(config.retry, backoff_s=0.01, longest_backoff_s=0.01),
        breaker=replace(config.breaker, open_s=0.01, longest_open_s=0.01),
        backends=ordered,
        aliases={name: _alias(options, written) for name, options in config.aliases.items()},
    )


def _outside(options: BackendOptions, url: str, models: tuple[str, ...]) -> BackendOptions:
    """What nobody vouched for stays external by that: its boundary is left as it is written."""
    if options.kind == "deepseek":
        return replace(options, base_url=url)
    kind = "generic" if options.kind == "fake" else options.kind
    return replace(options, kind=kind, base_url=url, features=FEATURES, models=models)


def _home(options: BackendOptions | None, url: str, models: tuple[str, ...]) -> BackendOptions:
    written = options or BackendOptions(kind="generic")
    return BackendOptions(
        kind="generic",
        boundary=written.boundary,
        stays_home=True,
        base_url=url,
        networks=("127.0.0.0/8",) if written.boundary == "private" else (),
        accepts=written.accepts,
        models=models,
        features=FEATURES,
        slots=written.slots,
        queue=written.queue,
    )


def _spoken_of(config: Config, backend: str) -> tuple[str, ...]:
    """Models of a backend that names lead to, where the server itself would be asked for its list."""
    spoken = [target.partition("/") for target in _targets(config)]
    return tuple(dict.fromkeys(model for name, _, model in spoken if name == backend and model))


def _targets(config: Config) -> list[str]:
    return [target for alias in config.aliases.values() for target in alias.targets] + list(config.shadow.to)


def _alias(options: AliasOptions, written: frozenset[str]) -> AliasOptions:
    return replace(options, targets=tuple(_renamed(target, written) for target in options.targets))


def _renamed(target: str, written: frozenset[str]) -> str:
    """A model of the embedded engine or of a found runtime is the stand-in's one model."""
    backend = target.partition("/")[0]
    if backend in written:
        return target
    return STAND_IN if backend == EMBEDDED else backend
