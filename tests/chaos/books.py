"""The books compared: what clients asked, what the ledger says, and what the servers behind the gateway saw.

Each request that came in has one row; each sending in a row was seen, and nothing was seen that is in no row; what is said
to have cost so much did cost that.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from tests.chaos.plans import CANARY, number_of, numbers_in, plan
from tests.chaos.run import Outcome
from tests.chaos.world import FAKES, SIMS, World

from tidegate.catalog.prices import cost_usd
from tidegate.core.usage import Usage
from tidegate.ledger.entries import Entry, keyed_hash, sends_of
from tidegate.ledger.reading import each_entry, read_salt, salt_path

_NOTHING = Decimal(0)


class Charged(NamedTuple):
    """One request that a simulator saw."""

    outcome: str
    status: int | None
    faults: str
    usage: Usage | None
    cost: Decimal | None
    arrived: datetime


@dataclass
class Books:
    """`wrong` is empty where they agree."""

    rows: int = 0
    statuses: Counter[str] = field(default_factory=Counter[str])
    sent: Counter[str] = field(default_factory=Counter[str])
    seen: Counter[str] = field(default_factory=Counter[str])
    ledger_usd: Decimal = _NOTHING
    charged_usd: Decimal = _NOTHING
    """For the same answers."""
    unanswered_usd: Decimal = _NOTHING
    """What was charged for answers that nobody got whole: broken off, left, or asked again."""
    paid_answers: int = 0
    at_price_edge: int = 0
    wrong: list[str] = field(default_factory=list[str])


def compare(world: World, seed: int, outcomes: list[Outcome]) -> Books:
    books = Books()
    rows, nameless = _rows(world, books, seed, outcomes)
    _one_row_each(books, outcomes, rows, nameless)
    sims = {name: _seen_by_sim(world, name, books) for name in SIMS}
    fakes = {name: _seen_by_fake(world.fake_log(name)) for name in FAKES}
    _sendings(books, outcomes, rows, sims, fakes)
    _money(books, rows, sims)
    _nothing_at_rest(world, books)
    return books


def _rows(world: World, books: Books, seed: int, outcomes: list[Outcome]) -> tuple[dict[int, list[Entry]], list[Entry]]:
    """The rows of each request, found by the keyed hash of its body; and those whose body never came."""
    salt = read_salt(salt_path(world.ledger))
    by_hash = {keyed_hash(plan_body(seed, one), salt): one.number for one in outcomes}
    rows: dict[int, list[Entry]] = defaultdict(list)
    nameless: list[Entry] = []
    ids: Counter[str] = Counter()
    for entry in each_entry(world.ledger):
        books.rows += 1
        books.statuses[f"{entry.status} {entry.error or ''}".strip()] += 1
        ids[entry.exchange_id] += 1
        number = by_hash.get(entry.request_hash)
        if number is not None:
            rows[number].append(entry)
        elif entry.request_hash:
            books.wrong.append(f"row {entry.exchange_id} is of a request that no client sent")
        else:
            nameless.append(entry)
        if entry.status == 500 or entry.error in ("BoundaryBreach", "Exception", "AssertionError"):
            books.wrong.append(f"row {entry.exchange_id}: status {entry.status}, {entry.error}")
    books.wrong += [f"exchange {one} stands twice" for one, times in ids.items() if times > 1]
    return rows, nameless


def plan_body(seed: int, outcome: Outcome) -> bytes:
    return plan(seed, outcome.number, calm=outcome.calm).body


def _one_row_each(books: Books, outcomes: list[Outcome], rows: dict[int, list[Entry]], nameless: list[Entry]) -> None:
    """Of those without a body there is a count; whoever reset the connection may never have been heard of."""
    least = most = 0
    for one in outcomes:
        found = rows.get(one.number, [])
        if len(found) > 1:
            books.wrong.append(f"request {one.number} has {len(found)} rows")
        if found:
            if one.exchange_id and found[0].exchange_id != one.exchange_id:
                books.wrong.append(f"request {one.number}: its header and its row name different exchanges")
            continue
        if one.verdict.kind == "left":
            least, most = least + (not one.reset), most + 1
        else:
            books.wrong.append(f"request {one.number} ({one.verdict.kind}) has no row")
    if not least <= len(nameless) <= most:
        books.wrong.append(f"{len(nameless)} rows without a body, and {least} to {most} clients that left in theirs")


def _seen_by_sim(world: World, name: str, books: Books) -> dict[int | None, list[Charged]]:
    """By request; those whose body never came are under None."""
    found: dict[int | None, list[Charged]] = defaultdict(list)
    canary = CANARY.encode()
    with world.sim_log(name).open("rb") as lines:
        for line in lines:
            if canary in line:
                books.wrong.append(f"a private request reached {name}: {line[:80]!r}")
            one = json.loads(line)
            if one["method"] != "POST":
                continue
            usage = one["usage"]
            charged = Charged(
                one["outcome"],
                one["status"],
                ",".join(one["faults"]),
                None if usage is None else Usage(**usage),
                None if one["cost"] is None else Decimal(one["cost"]),
                datetime.fromisoformat(one["arrived"]),
            )
            found[numbers_in(line)].append(charged)
    return found


def _seen_by_fake(log: Path) -> dict[int | None, list[str]]:
    found: dict[int | None, list[str]] = defaultdict(list)
    for one in _lines(log):
        marker = one["marker"]
        found[None if marker is None else number_of(marker.encode())].append(one["act"])
    return found


def _lines(log: Path) -> Iterator[dict[str, Any]]:
    if log.exists():
        with log.open("rb") as lines:
            yield from map(json.loads, lines)


def _sendings(
    books: Books,
    outcomes: list[Outcome],
    rows: dict[int, list[Entry]],
    sims: dict[str, dict[int | None, list[Charged]]],
    fakes: dict[str, dict[int | None, list[str]]],
) -> None:
    """Nothing is seen that was not booked; what is booked was seen, where the server lived and the client stayed."""
    places: dict[str, Any] = {**sims, **fakes}
    stayed = {one.number for one in outcomes if one.verdict.kind in ("answer", "error")}
    missing: Counter[str] = Counter()
    for number, found in rows.items():
        sent = Counter(send.backend for entry in found for send in sends_of(entry) or ())
        books.sent.update(sent)
        for name, place in places.items():
            seen = len(place.get(number, ()))
            books.seen[name] += seen
            if seen > sent[name]:
                books.wrong.append(
                    f"request {number}: {name} saw it {seen} times, the ledger sent it {sent[name]} times"
                )
            elif name in sims and seen < sent[name]:
                missing[name] += sent[name] - seen
                if number in stayed and not place[None]:
                    books.wrong.append(f"request {number}: sent to {name} {sent[name]} times, seen {seen} times")
    for name, place in places.items():
        unknown = [number for number in place if number is not None and number not in rows]
        if unknown:
            books.wrong.append(f"{name} saw {len(unknown)} requests that have no row, such as {unknown[:3]}")
        if name in sims and len(place[None]) > missing[name]:
            books.wrong.append(f"{name} saw {len(place[None])} requests without a body, {missing[name]} may be such")


def _money(books: Books, rows: dict[int, list[Entry]], sims: dict[str, dict[int | None, list[Charged]]]) -> None:
    """Each answer of a simulator with its usage costs what was charged for it, to the last digit."""
    for name, place in sims.items():
        for number, charges in place.items():
            paid = [one for one in charges if one.cost is not None]
            entry = rows[number][0] if number in rows else None
            answered = (
                entry is not None and entry.status == 200 and entry.backend == name and entry.cost_usd is not None
            )
            if entry is None or not answered or not paid or entry.cost_usd is None:
                books.unanswered_usd += sum((one.cost or _NOTHING for one in paid), _NOTHING)
                if answered and not paid:
                    books.wrong.append(
                        f"request {number}: the ledger books {entry.cost_usd} and {name} charged nothing"
                    )
                continue
            *before, last = paid
            books.unanswered_usd += sum((one.cost or _NOTHING for one in before), _NOTHING)
            if "wrong_usage" in last.faults or "remap" in last.faults:
                continue
            _compare_cost(books, number, entry, last, ours=name == "hosted")


def _compare_cost(books: Books, number: int | None, entry: Entry, last: Charged, *, ours: bool) -> None:
    """`ours`: its clock shows our time, so that it takes the price of the minute."""
    assert entry.cost_usd is not None and last.usage is not None and last.cost is not None
    booked = Usage(
        prompt=entry.prompt_tokens,
        output=entry.output_tokens,
        cache_hit=entry.cache_hit_tokens,
        reasoning=entry.reasoning_tokens,
    )
    if (booked.prompt, booked.output, booked.cache_hit) != (last.usage.prompt, last.usage.output, last.usage.cache_hit):
        books.wrong.append(f"request {number}: the ledger counts {booked}, charged were {last.usage} ({last.faults})")
        return
    at = datetime.fromtimestamp(entry.arrived_at, UTC)
    cost, right = Decimal(entry.cost_usd), cost_usd(entry.model or "", last.usage, at)
    if cost != right:
        books.wrong.append(f"request {number}: the ledger books {cost}, at that minute it is {right}")
    if not ours:
        return
    if cost != last.cost and right != cost_usd(entry.model or "", last.usage, last.arrived):
        books.at_price_edge += 1
        return
    books.paid_answers += 1
    books.ledger_usd += cost
    books.charged_usd += last.cost
    if cost != last.cost:
        books.wrong.append(f"request {number}: the ledger books {cost}, charged were {last.cost}")


def _nothing_at_rest(world: World, books: Books) -> None:
    """No content in the ledger's files, and nothing of it, nor a trace, in what the gateway printed."""
    for file in world.ledger.parent.glob("ledger.sqlite3*"):
        if CANARY.encode() in file.read_bytes():
            books.wrong.append(f"{file.name} holds content")
    for line in said_after_start(world.gateway.output):
        books.wrong.append(f"the gateway said: {line[:200]}")


def said_after_start(output: str) -> list[str]:
    """All that is printed while it serves is a failure of some kind; at the end it says that it stopped."""
    _, _, after = output.partition("Serving")
    lines = after.splitlines()[1:]
    return [line for line in lines if line.strip() and not line.startswith("Stopped;")]
