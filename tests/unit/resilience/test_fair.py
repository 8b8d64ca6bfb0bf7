"""Who is next: priorities in their order, shares by weight, age within one key, and nobody before a shut door."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest

from tidegate.core.terms import Priority
from tidegate.resilience.fair import RANKS, Count, FairQueue, Ticket, Turn


class Queue:
    """Tickets by name: `a1` is the first of key a."""

    def __init__(self) -> None:
        self.queue: FairQueue[Ticket] = FairQueue()
        self.names: dict[int, str] = {}

    def come(self, *names: str, weight: float = 1.0, priority: Priority = "normal", door: str = "") -> list[Ticket]:
        tickets = [Ticket(Turn(name[0], weight, priority), door) for name in names]
        for name, ticket in zip(names, tickets, strict=True):
            self.queue.push(ticket)
            self.names[ticket.number] = name
        return tickets

    def take(self, most: int = 1000, shut: Iterable[str] = ()) -> list[str]:
        taken: list[str] = []
        while len(taken) < most and (ticket := self.queue.take(lambda door: door not in shut)) is not None:
            taken.append(self.names[ticket.number])
        return taken


def names(key: str, number: int) -> list[str]:
    return [f"{key}{one}" for one in range(1, number + 1)]


def test_one_key_is_served_in_the_order_of_coming() -> None:
    queue = Queue()
    queue.come("a1", "a2", "a3")
    assert (len(queue.queue), queue.take(), len(queue.queue)) == (3, ["a1", "a2", "a3"], 0)


def test_a_thousand_of_one_key_do_not_stand_before_another_keys_single_one() -> None:
    queue = Queue()
    queue.come(*names("a", 1000))
    assert queue.take(10) == names("a", 10)
    queue.come("b1")
    assert queue.take(3) == ["b1", "a11", "a12"]


def test_keys_get_shares_by_their_weight() -> None:
    queue = Queue()
    queue.come(*names("a", 400), weight=3)
    queue.come(*names("b", 400))
    queue.come(*names("c", 400), weight=0.5)
    assert Counter(name[0] for name in queue.take(450)) == {"a": 300, "b": 100, "c": 50}


def test_a_key_that_was_away_has_saved_nothing_up() -> None:
    queue = Queue()
    queue.come(*names("a", 100))
    queue.come("b1")
    queue.take(50)
    queue.come(*names("b", 20))
    assert Counter(name[0] for name in queue.take(20)) == {"a": 10, "b": 10}


def test_a_higher_priority_is_served_first_whatever_the_weights() -> None:
    queue = Queue()
    queue.come("l1", weight=100, priority="low")
    queue.come("n1", weight=100)
    queue.come("h1", "h2", weight=0.1, priority="high")
    assert queue.take() == ["h1", "h2", "n1", "l1"]


def test_who_gives_up_is_out_and_costs_its_key_nothing() -> None:
    queue = Queue()
    first, *rest = queue.come(*names("a", 10))
    queue.come(*names("b", 3))
    for ticket in (first, *rest[:-2]):
        queue.queue.remove(ticket)
    assert (len(queue.queue), queue.take()) == (5, ["a9", "b1", "a10", "b2", "b3"])


def test_before_a_shut_door_others_go_first_and_nothing_is_owed() -> None:
    queue = Queue()
    queue.come(*names("a", 5), door="pro")
    queue.come(*names("b", 20), door="flash")
    assert queue.take(10, shut=["pro"]) == names("b", 10)
    assert queue.take(0, shut=["pro", "flash"]) == []
    assert queue.take(6) == ["a1", "a2", "b11", "a3", "b12", "a4"], "a would come alone if it were owed the wait"


def test_one_key_at_two_doors_has_one_share() -> None:
    queue = Queue()
    queue.come(*names("a", 50), door="pro")
    queue.come(*names("a", 50), door="flash")
    queue.come(*names("b", 50), door="flash")
    assert Counter(name[0] for name in queue.take(40)) == {"a": 20, "b": 20}


@pytest.mark.parametrize("weight", [1.0, 2.0, 0.25])
def test_the_place_said_is_the_place_had(weight: float) -> None:
    queue = Queue()
    tickets = [
        *queue.come(*names("a", 7)),
        *queue.come(*names("b", 3), weight=weight),
        *queue.come(*names("c", 2), weight=4),
        *queue.come("h1", priority="high"),
        *queue.come("l1", priority="low"),
    ]
    said = {queue.names[ticket.number]: queue.queue.before(ticket) for ticket in tickets}
    alone = {queue.names[ticket.number]: queue.queue._before(ticket) for ticket in tickets}
    assert said == alone, "asked for one by one and all together it is the same"
    order = queue.take()
    assert said == {name: order.index(name) for name in order}


def test_what_waits_is_counted_by_key() -> None:
    queue = Queue()
    queue.come("a1", "a2", weight=2)
    queue.come("a1", priority="low")
    [gone] = queue.come("b1")
    queue.queue.remove(gone)
    assert list(queue.queue.counts()) == [Count(1, "a", 2, 2), Count(2, "a", 1, 1)]


def test_the_last_of_a_key_is_its_youngest() -> None:
    queue = Queue()
    queue.come("a1", door="pro")
    [youngest] = queue.come("a2", door="flash")
    queue.come("b1")
    assert queue.queue.last_of(1, "a") is youngest


def test_who_joins_another_priority_comes_after_those_that_are_there() -> None:
    queue = Queue()
    [moved] = queue.come("a1", priority="low")
    queue.come("a2")
    queue.queue.remove(moved)
    moved.rank -= 1
    queue.queue.push(moved)
    queue.names[moved.number] = "a1"
    assert (queue.queue.before(moved), queue.take()) == (1, ["a2", "a1"])


def test_nothing_is_kept_of_those_that_are_gone() -> None:
    queue = Queue()
    tickets = queue.come(*names("a", 3), door="x")
    queue.come("b1", door="y")
    for ticket in tickets:
        queue.queue.remove(ticket)
    assert queue.take() == ["b1"]
    ranks = queue.queue._ranks
    assert len(ranks) == RANKS
    assert [(rank.waiting, rank.shares, rank.doors) for rank in ranks] == [(0, {}, {})] * RANKS
