"""Who is asked first: the kept candidates of a decision in the order that the policy wants. Pure.

Applied after the decision, never instead of it: nobody is added, nobody is dropped, and who was down stays the last
resort. Figures of cost and waiting change with every answer, so this is not kept with the decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import assert_never

from msgspec import Struct

from tidegate.core.boundary import Boundary
from tidegate.core.decision import BackendView, Candidate, Decision, Order, Snapshot
from tidegate.core.messages import OpaquePart
from tidegate.core.profile import Feature
from tidegate.core.requests import ChatRequest, Request
from tidegate.core.rulebook import Rule
from tidegate.routing.policy import Policy
from tidegate.routing.rules import BALANCED, EXPLORED, HOSTED_FIRST, LOCAL_FIRST, NEEDS_HOSTED, PLAIN_LOCAL

LONG_BYTES = 12 * 1024
BYTES_PER_TOKEN = 4
ANSWER_TOKENS = 500
"""What an answer is taken to have where none was counted yet."""
SECOND_USD = 0.0001
"""What a second of waiting counts for: 0.36 USD an hour. An answer of 500 tokens of deepseek-flash costs three such seconds."""
LEAST_TRIES = 2
FRESH_S = 900.0
FAILED_S = 60.0
"""How long figures hold, and how long one that failed comes last."""
_OFTEN_LACKING: frozenset[Feature] = frozenset({"json", "tools", "forced_tools", "prefix", "fim"})

Place = tuple[str, str]
"""A backend's name and a model there."""


class Figure(Struct, frozen=True, gc=False):
    """What is known of one model on one backend. `asked_at` is unix seconds; averages are None until one was measured."""

    tries: int = 0
    asked_at: float = 0.0
    failed: bool = False
    """It failed when it was last asked."""
    first_frame_s: float | None = None
    duration_s: float | None = None
    output_tokens: float | None = None

    def is_stale(self, now: float) -> bool:
        return now - self.asked_at > (FAILED_S if self.failed else FRESH_S)


NO_FIGURE = Figure()


class Price(Struct, frozen=True, gc=False):
    """USD for one token of the prompt, taken as not cached, and for one of the answer."""

    prompt: float = 0.0
    output: float = 0.0


NO_PRICE = Price()


class Figures(Struct, frozen=True, gc=False):
    """What `balanced` goes by. `price` is None for a model whose price at this moment nobody knows."""

    now: float = 0.0
    prompt_bytes: int = 0
    known: Mapping[Place, Figure] = {}
    price: Callable[[str], Price | None] = lambda _model: None


NO_FIGURES = Figures()


def order_of(model: str, policy: Policy) -> Order:
    """By what the candidates behind this name are ordered; `model` is a retired name's meaning, if it was rewritten."""
    alias = policy.aliases.get(model)
    return policy.order if alias is None else alias.order


def leans_hosted(request: Request, size_bytes: int, needs: frozenset[Feature]) -> bool:
    """Whether the request asks for what local models often lack or do badly (RTE042)."""
    if size_bytes > LONG_BYTES or needs & _OFTEN_LACKING or not isinstance(request, ChatRequest):
        return True
    says_think = request.thinking in ("enabled", "adaptive") or request.effort not in (None, "none")
    return says_think or any(isinstance(part, OpaquePart) for turn in request.messages for part in turn.parts)


def ordered(
    decision: Decision, order: Order, snapshot: Snapshot, *, hosted: bool = False, figures: Figures = NO_FIGURES
) -> Decision:
    """The same decision with its candidates in this order, and the rule of it. `hosted`: what `leans_hosted` says."""
    if order == "configured" or len(decision.candidates) < 2:
        return decision
    views = {view.name: view for view in snapshot.backends}
    match order:
        case "hosted-first" | "local-first" | "by-needs":
            outside_first, rule = _by_place(order, hosted)
            rank = {one: _is_outside(one, views) is not outside_first for one in decision.candidates}
        case "balanced":
            rank, rule = _by_figures(decision.candidates, views, figures)
        case _:
            assert_never(order)
    candidates = sorted(decision.candidates, key=lambda one: (_is_down(one, views), rank[one]))
    return replace(decision, candidates=tuple(candidates), rules=(*decision.rules, rule.code))


def _by_place(order: Order, hosted: bool) -> tuple[bool, Rule]:
    if order == "by-needs":
        return hosted, NEEDS_HOSTED if hosted else PLAIN_LOCAL
    outside_first = order == "hosted-first"
    return outside_first, HOSTED_FIRST if outside_first else LOCAL_FIRST


def _by_figures(
    candidates: tuple[Candidate, ...], views: Mapping[str, BackendView], figures: Figures
) -> tuple[dict[Candidate, tuple[int, float]], Rule]:
    """Those to explore, then by score, then those without one; among equals the configured order stays."""
    rank: dict[Candidate, tuple[int, float]] = {}
    for one in candidates:
        figure = figures.known.get((one.backend, one.model), NO_FIGURE)
        score = _score(figure, figures, NO_PRICE if not _is_outside(one, views) else figures.price(one.model))
        if figure.tries < LEAST_TRIES or figure.is_stale(figures.now):
            rank[one] = (0, 0.0)
        else:
            rank[one] = (2, 0.0) if score is None else (1, score)
    explores = min((rank[one][0] for one in candidates if not _is_down(one, views)), default=1) == 0
    return rank, EXPLORED if explores else BALANCED


def _score(figure: Figure, figures: Figures, price: Price | None) -> float | None:
    """USD for the tokens and the waiting; None where a figure is missing or the last one failed."""
    if price is None or figure.failed or figure.duration_s is None or figure.first_frame_s is None:
        return None
    answer = ANSWER_TOKENS if figure.output_tokens is None else figure.output_tokens
    cost = price.prompt * figures.prompt_bytes / BYTES_PER_TOKEN + price.output * answer
    return cost + SECOND_USD * (figure.duration_s + figure.first_frame_s / 2)


def _is_outside(candidate: Candidate, views: Mapping[str, BackendView]) -> bool:
    view = views.get(candidate.backend)
    return view is None or view.boundary is Boundary.EXTERNAL


def _is_down(candidate: Candidate, views: Mapping[str, BackendView]) -> bool:
    view = views.get(candidate.backend)
    return view is not None and view.health == "down"
