"""Questions and answers between two ends: errors as themselves, taking back, words that nobody knows, and the end."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from tests.support.hands import breath
from tests.support.links import join

from tidegate.core.errors import BackendOverloaded, Draining, GatewayError, RateLimited
from tidegate.steward.link import Link


async def _double(_link: Link, _number: int, value: Any) -> Any:
    return value * 2


async def _full(_link: Link, _number: int, value: Any) -> Any:
    raise BackendOverloaded(f"no room in {value}", retry_after_s=3.0)


async def _limited(_link: Link, _number: int, _value: Any) -> Any:
    raise RateLimited("limit of 7", limit=7)


async def _breaks(_link: Link, _number: int, _value: Any) -> Any:
    raise KeyError("what the user said")


@pytest.mark.parametrize("piece_bytes", [1, 3, 1 << 20])
async def test_both_ends_ask_and_answer(piece_bytes: int) -> None:
    one, other = Link({"double": _double}, {}), Link({"double": _double}, {})
    join(one, other, piece_bytes)
    assert (
        await asyncio.gather(*(end.ask("double", at) for end in (one, other) for at in range(5))) == [0, 2, 4, 6, 8] * 2
    )
    assert await other.ask("double", "x" * 100_000) == "x" * 200_000


async def test_an_error_of_the_tree_comes_over_as_itself() -> None:
    one, other = Link({}, {}), Link({"full": _full, "limited": _limited}, {})
    join(one, other)
    with pytest.raises(BackendOverloaded, match="no room in here") as overloaded:
        await one.ask("full", "here")
    assert overloaded.value.retry_after_s == 3.0
    with pytest.raises(RateLimited) as limited:
        await one.ask("limited")
    assert limited.value.limit == 7


async def test_of_any_other_error_only_the_class_goes_over(caplog: pytest.LogCaptureFixture) -> None:
    one, other = Link({}, {}), Link({"breaks": _breaks}, {})
    pipe, back = join(one, other)
    with caplog.at_level(logging.ERROR), pytest.raises(GatewayError, match="KeyError"):
        await one.ask("breaks")
    assert "user said" not in caplog.text
    assert b"user said" not in back.sent
    assert b"breaks" in pipe.sent


async def test_a_word_that_nobody_knows_is_an_error_when_asked_and_nothing_when_told() -> None:
    one, other = Link({}, {}), Link({}, {})
    join(one, other)
    one.tell("unknown", 1)
    with pytest.raises(GatewayError, match="nobody answers unknown"):
        await one.ask("unknown")


async def test_who_gives_up_waiting_takes_the_question_back() -> None:
    began, stopped, back = asyncio.Event(), asyncio.Event(), list[int]()

    async def waits(_link: Link, _number: int, _value: Any) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    one, other = Link({}, {}), Link({"waits": waits}, {}, on_back=lambda _link, number: back.append(number))
    join(one, other)
    asking = asyncio.create_task(one.ask("waits"))
    await began.wait()
    asking.cancel()
    await stopped.wait()
    assert back == []


async def test_an_answer_that_crosses_with_the_taking_back_is_said_to_be_unwanted() -> None:
    back = list[int]()

    async def at_once(_link: Link, number: int, _value: Any) -> int:
        asking.cancel()  # before its answer can have come over
        return number

    one, other = Link({}, {}), Link({"take": at_once}, {}, on_back=lambda _link, number: back.append(number))
    join(one, other)
    number = one.next_number()
    asking = asyncio.create_task(one.ask("take", number=number))
    with pytest.raises(asyncio.CancelledError):
        await asking
    await breath()
    assert back == [number]


async def test_one_that_is_taken_back_before_it_began_leaves_nothing_behind() -> None:
    one, other = Link({}, {}), Link({"double": _double}, {})
    join(one, other)
    asking = asyncio.create_task(one.ask("double", 1))
    await asyncio.sleep(0)
    asking.cancel()
    await breath()
    assert other._under_way == {}
    assert one._asked == {}


async def test_the_end_fails_what_is_asked_and_stops_what_is_being_answered() -> None:
    stopped, ended = asyncio.Event(), list[Link]()

    async def waits(_link: Link, _number: int, _value: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    one, other = Link({}, {}), Link({"waits": waits}, {}, on_end=ended.append)
    join(one, other)
    asking = asyncio.create_task(one.ask("waits"))
    await breath()
    one.close()
    with pytest.raises(Draining):
        await asking
    await stopped.wait()
    assert (ended, one.ended.is_set(), other.ended.is_set()) == ([other], True, True)
    with pytest.raises(Draining):
        await one.ask("waits")
    one.tell("anything")


async def test_what_is_no_message_ends_the_link() -> None:
    one, other = Link({}, {}), Link({}, {})
    pipe, _ = join(one, other)
    pipe.write((3).to_bytes(4) + b"\xc1\xc1\xc1")
    await other.ended.wait()
    one, other = Link({}, {}), Link({}, {})
    pipe, _ = join(one, other)
    pipe.write(b"\xff\xff\xff\xff")
    await other.ended.wait()


async def test_a_hearer_that_breaks_is_logged_by_class_and_the_link_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    def breaks(_link: Link, value: Any) -> None:
        raise ValueError(value)

    one, other = Link({}, {}), Link({"double": _double}, {"breaks": breaks})
    join(one, other)
    one.tell("breaks", "secret words")
    assert await one.ask("double", 1) == 2
    assert "ValueError" in caplog.text
    assert "secret words" not in caplog.text
