"""The contract's validation rules as a rulebook, so that `tidegate explain VAL012` and the rules page know them."""

from __future__ import annotations

from functools import cache

from tidegate.catalog.contracts.profiles import PROFILES, contract_named
from tidegate.core.rulebook import Rulebook


@cache
def validation_rules() -> Rulebook:
    """Every rule of any date, as its newest profile states it."""
    book = Rulebook("VAL", "The contract's rules for requests")
    newest = {
        row.values["code"]: row for profile in PROFILES for row in contract_named(profile).tables["rules"].values()
    }
    for code, row in sorted(newest.items()):
        since = next(profile for profile in PROFILES if row.name in contract_named(profile).tables["rules"])
        book.rule(
            code,
            row.name.replace("_", " "),
            why=f"The hosted API refuses such a request ({row.basis}; in our profiles since {since}), in these words: "
            f"{row.values['text']}",
            source=row.source,
            checked=row.checked,
        )
    return book
