"""A decision in words: the error that a refusal means, and the lines that say who was kept or dropped and why."""

from __future__ import annotations

from typing import Any, assert_never

from tidegate.core.decision import BackendView, Decision, Snapshot
from tidegate.core.errors import GatewayError, NotFound, NotSupported, PolicyRefusal
from tidegate.core.profile import FEATURES, Feature, Profile
from tidegate.core.rulebook import Rule
from tidegate.routing.names import RESERVED
from tidegate.routing.policy import Policy
from tidegate.routing.rules import BLOCKED, CLASSES, LACKS, NOT_KNOWN, ROUTES


def rule_of(code: str) -> Rule | None:
    return ROUTES.find(code) or CLASSES.find(code)


def model_names(snapshot: Snapshot, policy: Policy) -> tuple[str, ...]:
    """The bare names a client may send, reserved names first."""
    served = (model for view in snapshot.backends for model in view.models)
    return tuple(dict.fromkeys((*RESERVED, *policy.aliases, *served)))


def refusal_error(decision: Decision, snapshot: Snapshot, policy: Policy) -> GatewayError:
    """The error for a decision without candidates. Names what to change; `model` is the client's own word."""
    asked, data_class = _shown(decision.asked_model), decision.data_class.value
    match decision.refusal:
        case "unknown_model":
            return policy.contract.unknown_model(asked, model_names(snapshot, policy))
        case "unknown_backend" | "model_not_served":
            return NotFound(f"No backend serves the model {asked}; GET /models lists what there is.")
        case "class_forbids":
            return PolicyRefusal(
                f"A {data_class} request may not go to any backend behind the model {asked} "
                f"({', '.join(_reasons(decision))}); nothing was sent. Ask for the model `local`, or change the policy."
            )
        case "nothing_local":
            return PolicyRefusal(
                "No backend is configured or found on this machine or an allow-listed network; nothing was sent. "
                "Start a local runtime, or enable [embedded]."
            )
        case "blocked":
            return PolicyRefusal(
                f"A row of the policy ([[policy]] `action` = block, {BLOCKED.code}) refuses this request; nothing was sent. "
                "`tidegate explain` with the exchange's id names the row and what was found."
            )
        case "lacks_feature":
            return NotSupported(
                f"{_wishes(decision, snapshot)} not supported by any backend that may take this {data_class} request "
                f"({', '.join(_reasons(decision))}); use another `model`. `tidegate status` shows what each can do."
            )
        case "no_backend" | None:
            return PolicyRefusal("No backend is known that serves any model; configure [backends.NAME] or [embedded].")
        case _:
            assert_never(decision.refusal)


_WISHES: dict[Feature, str] = {
    "thinking_off": "`thinking` disabled",
    "json": "`response_format`",
    "tools": "`tools`",
    "forced_tools": "`tool_choice` required or a named function",
    "prefix": "Chat Prefix Completion (`prefix`)",
    "fim": "FIM completion (`suffix`)",
}


def _wishes(decision: Decision, snapshot: Snapshot) -> str:
    """The needs that were not met, each with the rule of the dialect that says why, where there is one."""
    asked = {verdict.backend for verdict in decision.verdicts if verdict.code in (LACKS.code, NOT_KNOWN.code)}
    facts = [
        fact
        for view in snapshot.backends
        if view.name in asked
        for feature in FEATURES
        if feature in decision.needs
        and (fact := _profile(view, decision.asked_model).fact(feature)).way in ("refused", None)
    ]
    unmet: tuple[Feature, ...] = tuple(
        feature for feature in FEATURES if any(fact.feature == feature for fact in facts)
    )
    codes = dict.fromkeys(fact.code for fact in facts if fact.code)
    see = f", see {', '.join(codes)}," if codes else ""
    return f"{' and '.join(_WISHES[feature] for feature in unmet)}{see} {'is' if len(unmet) == 1 else 'are'}"


def _profile(view: BackendView, asked: str) -> Profile:
    """Of the model that the name meant there, or of the backend's default."""
    model = asked.removeprefix(f"{view.name}/")
    return view.profile(model if model in view.models or not view.models else view.models[0])


def _reasons(decision: Decision) -> list[str]:
    return [f"{verdict.backend}: {verdict.code}" for verdict in decision.verdicts if not verdict.kept]


def _shown(name: str) -> str:
    """A model name as a client sent it, cut so that nothing long can hide in an error text."""
    return name if len(name) <= 80 and name.isprintable() else "(a name too long or odd to show)"


def decision_view(decision: Decision) -> dict[str, Any]:
    """The decision as JSON, each verdict with its rule's title."""
    return {
        "model": decision.asked_model,
        "class": decision.data_class.value,
        "rules": list(decision.rules),
        "candidates": [f"{candidate.backend}/{candidate.model}" for candidate in decision.candidates],
        "verdicts": [
            {
                "backend": verdict.backend,
                "kept": verdict.kept,
                "rule": verdict.code,
                "why": rule.title if (rule := rule_of(verdict.code)) else "",
            }
            for verdict in decision.verdicts
        ],
        "needs": sorted(decision.needs),
        "refusal": decision.refusal,
        "rewritten": decision.rewritten.model if decision.rewritten else None,
    }
