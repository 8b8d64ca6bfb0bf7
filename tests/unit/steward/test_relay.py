"""What one worker says to all others comes to all others, and not back."""

from __future__ import annotations

from tests.support.hands import breath
from tests.support.links import worker_of

from tidegate.resilience.lanes import OwnLanes
from tidegate.steward.relay import WRONG_KEY
from tidegate.steward.steward import Steward


async def test_it_comes_to_all_others() -> None:
    steward, heard = Steward(OwnLanes()), list[tuple[int, object]]()
    links = [worker_of(steward.new_link) for _ in range(3)]
    for at, link in enumerate(links):
        link.learn(hears=[{WRONG_KEY: lambda _, value, at=at: heard.append((at, value))}])
    links[1].tell(WRONG_KEY, "192.0.2.1")
    await breath()
    assert heard == [(0, "192.0.2.1"), (2, "192.0.2.1")]
