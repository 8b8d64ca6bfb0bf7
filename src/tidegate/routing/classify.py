"""What class a request has: the highest of what policy, client, alias and header say. Nothing lowers it."""

from __future__ import annotations

from tidegate.core.boundary import DataClass
from tidegate.routing.policy import Ask, Policy
from tidegate.routing.rules import ALIAS_CLASS, CLIENT_CLASS, DEFAULT_CLASS, HEADER_CLASS, HEADER_IGNORED, STICKY


def classify(ask: Ask, policy: Policy) -> tuple[DataClass, tuple[str, ...]]:
    """The class and the rules that made it, in the order they were applied. What the rows of the policy say comes on top."""
    data_class, codes = policy.default_class, [DEFAULT_CLASS.code]
    alias = policy.aliases.get(ask.model)
    for wished, rule in (
        (ask.client_class, CLIENT_CLASS),
        (alias.data_class if alias else None, ALIAS_CLASS),
        (ask.wished_class, HEADER_CLASS),
        (DataClass.PRIVATE if ask.was_private else None, STICKY),
    ):
        if wished is not None and wished.rank > data_class.rank:
            data_class = wished
            codes.append(rule.code)
    if ask.wished_class is not None and ask.wished_class.rank < data_class.rank:
        codes.append(HEADER_IGNORED.code)
    return data_class, tuple(codes)
