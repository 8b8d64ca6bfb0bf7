"""The numbered findings of a proof: what can be wrong with the chain over the ledger's rows."""

from __future__ import annotations

from tidegate.core.rulebook import Rulebook

LEDGER = Rulebook("LED", "The ledger's chain")

_LOCAL_KEY = (
    "A chain with a local key shows what was done without that key. Whoever can read the `.salt` file beside the ledger can "
    "write a whole new chain; a head that was noted elsewhere shows that too (`tidegate prove --expect`)."
)
_DESIGN = "Tidegate, docs/cookbook/prove-what-left.md, 2026-11-24"
_CHECKED = "2026-11-24"

GONE = LEDGER.rule(
    "LED001",
    "rows are gone from inside the chain",
    why="The places of rows are counted without gaps, and each seal covers its place: a row that is missing leaves a hole "
    "that the next one cannot close.",
    source=_DESIGN,
    checked=_CHECKED,
)
CHANGED = LEDGER.rule(
    "LED002",
    "a row is not as it was written",
    why="Its values do not fit its seal: a field, the seal or the type of a value was changed. " + _LOCAL_KEY,
    source=_DESIGN,
    checked=_CHECKED,
)
MOVED = LEDGER.rule(
    "LED003",
    "a row stands in another place than the one it was written to",
    why="Its values fit the seal of another place. Somebody exchanged rows, to make something seem earlier or later.",
    source=_DESIGN,
    checked=_CHECKED,
)
ADDED = LEDGER.rule(
    "LED004",
    "a row was added that the gateway did not write",
    why="It stands outside the places that the chain's head knows, or the chain goes on as if it were not there.",
    source=_DESIGN,
    checked=_CHECKED,
)
CUT_OFF = LEDGER.rule(
    "LED005",
    "rows are gone from the end of the chain",
    why="The chain's head names a newer row than there is. " + _LOCAL_KEY,
    source=_DESIGN,
    checked=_CHECKED,
)
HEAD_CHANGED = LEDGER.rule(
    "LED006",
    "the chain's head is not as it was written",
    why="It was changed or removed, or the `.salt` file beside the ledger is not the one the chain was written with. Without "
    "a true head nobody can say that no rows are gone from the end.",
    source=_DESIGN,
    checked=_CHECKED,
)
NOT_EXPECTED = LEDGER.rule(
    "LED007",
    "the noted head is no part of this chain",
    why="The row with this seal was there when the head was noted. It is gone, or the whole ledger was written anew or put "
    "back to an earlier state: that is what noting the head elsewhere is for.",
    source=_DESIGN,
    checked=_CHECKED,
)
ANEW_HERE = LEDGER.rule(
    "LED008",
    "the gateway began the chain anew here",
    why="When it wanted to go on writing, the head in the file was not one that it had written. It goes on booking, does not "
    "mend what others did, and leaves the break visible.",
    source=_DESIGN,
    checked=_CHECKED,
)
