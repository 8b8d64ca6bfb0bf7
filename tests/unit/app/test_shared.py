"""Workers' state behind one steward: what is private, measured, wrong or to be said outside at one is so at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support.hands import breath
from tests.support.links import worker_of

from tidegate.app.shared import SharedKept
from tidegate.backends.profile_store import Measured
from tidegate.config import parse_config
from tidegate.core.profile import UNKNOWN_TRAITS
from tidegate.resilience.lanes import OwnLanes
from tidegate.steward.steward import Steward
from tidegate.surfaces.attempts import BURST


async def workers(folder: Path, count: int = 2) -> list[SharedKept]:
    config, steward = parse_config({}), Steward(OwnLanes())
    made = [
        SharedKept(config, folder, worker_of(steward.new_link), number=number, has_engine=False)
        for number in range(1, count + 1)
    ]
    for kept in made:
        kept.ledger.open()
        kept.conversations(100.0)
        await kept.begin()
    return made


def close(made: list[SharedKept]) -> None:
    for kept in made:
        kept.ledger.close()


async def test_what_is_private_at_one_is_private_at_all_before_it_goes_on(tmp_path: Path) -> None:
    first, second = await workers(tmp_path)
    assert first.spread is not None
    await first.spread(("mark",), 1e12)
    assert second.conversations(100.0)._is_marked("mark", 1e12)
    close([first, second])


async def test_what_was_measured_holds_at_the_others_until_the_server_goes(tmp_path: Path) -> None:
    first, second = await workers(tmp_path)
    measured = Measured("box", "generic", "m", UNKNOWN_TRAITS, ())
    first.profiles.keep(measured)
    await breath()
    assert second.profiles.find("box", "generic", "m", UNKNOWN_TRAITS) == measured
    second.measuring.forget("box")
    assert second.profiles.find("box", "generic", "m", UNKNOWN_TRAITS) is None
    close([first, second])


async def test_only_one_measures_at_a_time(tmp_path: Path) -> None:
    first, second = await workers(tmp_path)
    leave = await first._alone()
    waiting = asyncio.create_task(second._alone())
    await breath()
    assert not waiting.done()
    leave(None)
    (await waiting)(None)
    assert first.whole is not None
    await first.whole.look()
    assert first.lanes.view() == []
    close([first, second])


async def test_wrong_keys_count_at_every_worker(tmp_path: Path) -> None:
    first, second = await workers(tmp_path)
    for _ in range(BURST):
        assert first.attempts.failed("192.0.2.1") == 0.0
    await breath()
    assert second.attempts.failed("192.0.2.1") > 0.0
    assert second.attempts.wrong == 1
    close([first, second])


async def test_the_first_worker_says_what_the_others_saw_of_keys(tmp_path: Path) -> None:
    first, second, third = await workers(tmp_path, 3)
    second.watch.raise_once("budget_spent", "team", {"client": "team"})
    third.watch.raise_once("budget_spent", "team", {"client": "team"})
    await breath()
    assert [one.event for one in first.watch._raised] == ["budget_spent"]
    assert not second.watch._raised
    close([first, second, third])
