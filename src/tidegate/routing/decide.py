"""The choice: (ask, snapshot, policy) -> Decision. Pure and total; reads as the policy.

The class comes first, then what the name means, then who may take a request of that class, then the order. Whatever is
tried later, fallbacks included, comes out of the candidates decided here.
"""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView, Candidate, Decision, Refusal, Snapshot, Verdict
from tidegate.core.profile import Feature
from tidegate.core.rulebook import Rule
from tidegate.routing.classify import classify
from tidegate.routing.names import resolve, rewritten
from tidegate.routing.policy import Alias, Ask, Policy
from tidegate.routing.rules import (
    BLOCKED,
    EACH,
    FOREIGN,
    KEPT,
    KEPT_DOWN,
    KEPT_MASKED,
    LACKS,
    LEGACY,
    NOT_ACCEPTED,
    NOT_KNOWN,
    PRIVATE_STAYS,
    UNATTESTED,
)

_NOT_THINKING: frozenset[Feature] = frozenset({"thinking_off"})
_BY_ABILITY = frozenset({LACKS.code, NOT_KNOWN.code})


def decide(ask: Ask, snapshot: Snapshot, policy: Policy) -> Decision:
    retired = rewritten(ask.model, snapshot, policy)
    # Before anything else, so that an alias of the new name binds the old one too, its class included.
    meant = ask if retired is None else replace(ask, model=retired.model)
    said, class_codes = classify(meant, policy)
    ruling = ask.ruling
    data_class, left_class = said.raised_to(ruling.data_class), said.raised_to(ruling.left_class)
    class_codes += ruling.codes
    asked = ask.renamed_from or ask.model
    if ruling.blocked_by is not None:  # nobody is looked at
        return Decision(asked, data_class, (*class_codes, BLOCKED.code), (), (), "blocked", left_class=left_class)
    meaning = resolve(meant.model, snapshot, policy)
    needs = ask.needs
    if retired is not None and retired.thinking == "disabled" and not ask.says_thinking:
        needs |= _NOT_THINKING
    verdicts = list(meaning.dropped)
    ready: list[Candidate] = []
    last_resort: list[Candidate] = []
    for view, candidate in meaning.targets:
        masks = bool(ruling.masks) and view.boundary is Boundary.EXTERNAL
        rule = forbids(view, left_class if masks else data_class) or lacks(view, candidate.model, needs)
        if masks:
            candidate = Candidate(candidate.backend, candidate.model, masked=True)
        if rule is not None:
            verdicts.append(Verdict(view.name, rule.code, False))
        elif view.health == "down":
            verdicts.append(Verdict(view.name, KEPT_DOWN.code, True))
            last_resort.append(candidate)
        else:
            verdicts.append(Verdict(view.name, (KEPT_MASKED if masks else KEPT).code, True))
            ready.append(candidate)
    candidates = (*ready, *last_resort)
    each, continues = _answers(policy.aliases.get(meant.model), policy)
    renamed = (FOREIGN.code,) * bool(ask.renamed_from) + (LEGACY.code,) * (retired is not None)
    named = (*renamed, meaning.code, *((EACH.code,) * each))
    codes = dict.fromkeys((*class_codes, *named, *(verdict.code for verdict in verdicts)))
    refusal = None if candidates else meaning.refusal or _refusal(verdicts, targets=bool(meaning.targets))
    return Decision(
        asked,
        data_class,
        tuple(codes),
        tuple(verdicts),
        candidates,
        refusal,
        retired,
        needs,
        left_class,
        each,
        continues,
    )


def _answers(alias: Alias | None, policy: Policy) -> tuple[bool, bool]:
    """Whether every candidate answers, and whether another one goes on where an answer breaks off."""
    each = alias is not None and alias.each
    return each, not each and ((alias and alias.on_break) or policy.on_break) == "continue"


def _refusal(verdicts: list[Verdict], *, targets: bool) -> Refusal:
    """What kept them from it, where the name led somewhere."""
    if not targets:
        return "no_backend"
    return "lacks_feature" if any(verdict.code in _BY_ABILITY for verdict in verdicts) else "class_forbids"


def forbids(view: BackendView, data_class: DataClass) -> Rule | None:
    """The rule by which this backend may not take a request of this class; None when it may."""
    if data_class is DataClass.PRIVATE and view.boundary is Boundary.EXTERNAL:
        return UNATTESTED if view.unattested else PRIVATE_STAYS
    if data_class.rank > view.accepts.rank:
        return UNATTESTED if view.unattested else NOT_ACCEPTED
    return None


def lacks(view: BackendView, model: str, needs: frozenset[Feature]) -> Rule | None:
    """The rule by which a request with these needs may not go there: a feature is refused, or nobody knows."""
    if not needs:
        return None
    ways = [view.profile(model).fact(need).way for need in needs]
    if "refused" in ways:
        return LACKS
    return NOT_KNOWN if None in ways else None
