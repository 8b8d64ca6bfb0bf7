"""What a model name means: which backends it could lead to, and to which of their models. No policy yet."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.core.boundary import Boundary
from tidegate.core.decision import BackendView, Candidate, Refusal, Rewritten, Snapshot, Verdict
from tidegate.routing.policy import Policy
from tidegate.routing.rules import ALIASED, AUTO, LOCAL, MODEL_ID, NAMED_BACKEND, NOT_LOCAL, NOT_SERVED

RESERVED = ("auto", "local")


@dataclass(frozen=True, slots=True)
class Meaning:
    """Pairs of backend and model in order of preference; verdicts for backends the name itself rules out."""

    code: str
    targets: tuple[tuple[BackendView, Candidate], ...]
    dropped: tuple[Verdict, ...] = ()
    refusal: Refusal | None = None


def rewritten(name: str, snapshot: Snapshot, policy: Policy) -> Rewritten | None:
    """What a retired name meant, if the policy still takes it and nobody here answers to it."""
    meant = policy.contract.legacy_names.get(name)
    if meant is None or not policy.rewrites_legacy:
        return None
    if name in policy.aliases or any(name == view.name or name in view.models for view in snapshot.backends):
        return None
    return Rewritten(name, meant.model, meant.thinking)


def resolve(name: str, snapshot: Snapshot, policy: Policy) -> Meaning:
    if name in policy.aliases:
        return _alias(name, snapshot, policy)
    if name == "auto":
        return Meaning(AUTO.code, _each_default(snapshot.backends))
    if name == "local":
        near = tuple(view for view in snapshot.backends if view.boundary is not Boundary.EXTERNAL)
        far = tuple(Verdict(view.name, NOT_LOCAL.code, False) for view in snapshot.backends if view not in near)
        return Meaning(LOCAL.code, _each_default(near), far, None if near else "nothing_local")
    return _address(name, snapshot) or _model_id(name, snapshot)


def _each_default(views: tuple[BackendView, ...]) -> tuple[tuple[BackendView, Candidate], ...]:
    return tuple((view, Candidate(view.name, view.models[0])) for view in views if view.models)


def _address(name: str, snapshot: Snapshot) -> Meaning | None:
    """`backend`, or `backend/model` (the model may hold slashes of its own)."""
    backend, slash, model = name.partition("/")
    view = next((view for view in snapshot.backends if view.name == backend), None)
    if view is None:
        return None
    if not slash and view.models:
        model = view.models[0]
    if model and (model in view.models or view.serves_any):
        return Meaning(NAMED_BACKEND.code, ((view, Candidate(backend, model)),))
    return Meaning(NAMED_BACKEND.code, (), (Verdict(backend, NOT_SERVED.code, False),), "model_not_served")


def _model_id(name: str, snapshot: Snapshot) -> Meaning:
    serving = tuple((view, Candidate(view.name, name)) for view in snapshot.backends if name in view.models)
    if not serving:
        refusal: Refusal = "unknown_backend" if "/" in name else "unknown_model"
        return Meaning(MODEL_ID.code, (), (), refusal)
    names = {view.name for view, _ in serving}
    others = tuple(Verdict(view.name, NOT_SERVED.code, False) for view in snapshot.backends if view.name not in names)
    return Meaning(MODEL_ID.code, serving, others)


def _alias(name: str, snapshot: Snapshot, policy: Policy) -> Meaning:
    targets: list[tuple[BackendView, Candidate]] = []
    dropped: list[Verdict] = []
    for target in policy.aliases[name].targets:
        meaning = _address(target, snapshot)
        if meaning is None:
            dropped.append(Verdict(target.partition("/")[0], NOT_SERVED.code, False))
        else:
            targets.extend(meaning.targets)
            dropped.extend(meaning.dropped)
    return Meaning(ALIASED.code, tuple(dict.fromkeys(targets)), tuple(dropped), None if targets else "model_not_served")
