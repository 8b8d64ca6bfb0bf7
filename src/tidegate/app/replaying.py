"""What another configuration would decide for exchanges of the past, from what the ledger keeps and without content.

Its backends are taken to be up, to stand where it says, and to be able to do what nobody has refused; nothing is started and
nobody is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from tidegate.app import App
from tidegate.app.enforce import EMBEDDED
from tidegate.catalog.embedded import embedded_model
from tidegate.catalog.runtimes import runtimes
from tidegate.codecs.anthropic_messages.request import mapped_model
from tidegate.config import Config
from tidegate.core.boundary import DEFAULT_ACCEPTS, Boundary, DataClass
from tidegate.core.decision import BackendView, Decision, Snapshot
from tidegate.core.profile import FEATURES, Fact, Feature
from tidegate.ledger.compared import Change, Unknown, compare, dropped_then
from tidegate.ledger.entries import Entry, found_of
from tidegate.ledger.reading import Seen
from tidegate.routing.decide import decide
from tidegate.routing.policy import Ask, Policy
from tidegate.routing.rows import Facts, rule_on
from tidegate.routing.rules import FOREIGN, HEADER_CLASS, LACKS, NOT_KNOWN

_NAMELESS = "(its default model)"
_NOT_KEPT = (None, "(not a name)")


@dataclass(slots=True)
class Replaying:
    """Hand it the exchanges in the order of the ledger: a conversation that was private stays so for `sticky_s`."""

    policy: Policy
    snapshot: Snapshot
    client_classes: Mapping[str, DataClass | None]
    sticky_s: float = 0.0
    _boundaries: dict[str, Boundary] = field(default_factory=dict[str, Boundary])
    _private_at: dict[str, float] = field(default_factory=dict[str, float])
    """By digest of a conversation: when it was last private."""

    def __post_init__(self) -> None:
        self._boundaries = {view.name: view.boundary for view in self.snapshot.backends}

    def change(self, entry: Entry) -> Change:
        try:
            return compare(entry, self.decide(entry), self._boundaries)
        except (ValueError, TypeError, KeyError, AttributeError):
            return Change("cannot say", "somebody changed the row, see `tidegate prove`", "-")

    def decide(self, entry: Entry) -> Decision | Unknown:
        if entry.client is not None and self.client_classes and entry.client not in self.client_classes:
            return Unknown("the client is not configured there")
        ask = ask_of(entry, self.policy, self.snapshot, self.client_classes)
        if isinstance(ask, Unknown):
            return ask
        digests = entry.conversation.split(",") if entry.conversation else []
        if any(entry.arrived_at - self._private_at.get(digest, -self.sticky_s) < self.sticky_s for digest in digests):
            ask = _raised(ask)
        decision = decide(ask, self._able_as_then(entry), self.policy)
        if decision.data_class is DataClass.PRIVATE:
            self._private_at.update(dict.fromkeys(digests, entry.arrived_at))
        return decision

    def _able_as_then(self, entry: Entry) -> Snapshot:
        """Without those that could not do then what the request depends on."""
        unable = dropped_then(entry, LACKS.code, NOT_KNOWN.code)
        if not unable:
            return self.snapshot
        return Snapshot(tuple(view for view in self.snapshot.backends if view.name not in unable))


def ask_of(
    entry: Entry, policy: Policy, snapshot: Snapshot, client_classes: Mapping[str, DataClass | None]
) -> Ask | Unknown:
    """The question that routing was asked, from what the ledger keeps of it.

    This is the one place where what detection found, the size and the time reach the rows of the policy.
    """
    if entry.asked_model is None or entry.asked_model in _NOT_KEPT:
        return Unknown("the model's name was not kept")
    asked = model = entry.asked_model
    rules = entry.rules.split(",")
    wished = entry.wished_class or (entry.data_class if HEADER_CLASS.code in rules else None)
    if FOREIGN.code in rules and decide(Ask(asked), snapshot, policy).refusal == "unknown_model":
        model = mapped_model(asked, policy.contract)
    found = frozenset(found_of(entry))
    meant = policy.contract.legacy_names.get(model)
    names = tuple(filter(None, (model, "" if model == asked else asked, meant.model if meant else "")))
    facts = Facts(entry.client, names, found, entry.request_bytes, entry.arrived_at)
    return Ask(
        model,
        client_classes.get(entry.client) if entry.client is not None else None,
        DataClass(wished) if wished else None,
        "" if model == asked else asked,
        _features(entry.needs or ""),
        says_thinking=True,  # what a retired name meant is among the needs already
        ruling=rule_on(facts, policy),
    )


def _raised(ask: Ask) -> Ask:
    return msgspec.structs.replace(ask, was_private=True)


def _features(written: str) -> frozenset[Feature]:
    words = written.split(",")
    return frozenset(feature for feature in FEATURES if feature in words)


def replaying(config: Config, environment: Mapping[str, str], state: Path, seen: Sequence[Seen]) -> Replaying:
    """A configuration that cannot be enforced is a `Misconfigured`, as everywhere. `seen` tells what backends served."""
    silent = msgspec.structs.replace(
        config, alerts=(), server=msgspec.structs.replace(config.server, admin_key_env=None)
    )
    app = App(silent, environment_for(config, environment), state, None)
    try:
        views = [_assumed(view, seen) for view in app.registry.snapshot().backends]
    finally:
        app.close_connections()
    count = len(config.backends)
    views[count:count] = _found(config, {view.name for view in views}, seen)
    if config.embedded.enabled:
        model = embedded_model().id if config.embedded.model is None else Path(config.embedded.model).stem
        views.append(_assumed(BackendView(EMBEDDED, Boundary.DEVICE, DataClass.PRIVATE, "up", (model,)), seen))
    classes = {one.name: DataClass(one.data_class) if one.data_class else None for one in config.clients}
    return Replaying(app.policy, Snapshot(tuple(views)), classes, config.privacy.sticky_s)


def environment_for(config: Config, environment: Mapping[str, str]) -> dict[str, str]:
    """Keys are not needed to decide, so one that is not set here is made up; nothing is sent."""
    named = [options.key_env for options in config.backends.values()]
    named += ["DEEPSEEK_API_KEY" for options in config.backends.values() if options.kind == "deepseek"]
    named += [client.key_env for client in config.clients]
    return {name: f"not-set-{number}" for number, name in enumerate(filter(None, named))} | dict(environment)


def _found(config: Config, taken: set[str], seen: Sequence[Seen]) -> list[BackendView]:
    """Runtimes that a probe found then and would find again, where they stood then."""
    kinds = {runtime.kind for runtime in runtimes()} - taken if config.probe.enabled else set[str]()
    boundaries = {one.backend: Boundary(one.boundary) for one in reversed(seen) if one.backend in kinds}
    views = [BackendView(name, place, DEFAULT_ACCEPTS[place], "up", ()) for name, place in boundaries.items()]
    return [_assumed(view, seen) for view in sorted(views, key=lambda view: view.name)]


def _assumed(view: BackendView, seen: Sequence[Seen]) -> BackendView:
    """Up, with the models that it was ever asked for, able to do what is not refused."""
    known = {fact.feature for fact in view.declared if fact.way is not None}
    assumed = [Fact(feature, "native", "unknown") for feature in FEATURES if feature not in known]
    refused = [fact for fact in view.declared if fact.way is not None]
    models = dict.fromkeys([*view.models, *(one.model for one in seen if one.backend == view.name)])
    return replace(
        view,
        health="up",
        models=tuple(models) or (_NAMELESS,),
        serves_any=view.serves_any or not view.models,
        declared=(*refused, *assumed),
        profiles=(),
    )
