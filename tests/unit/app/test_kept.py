"""State over a change of the configuration: what is remembered and counted stays, its settings change in one step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.samples import request

from tidegate.app.kept import Kept, ledger_path, limits_of
from tidegate.backends.base import Room
from tidegate.config import parse_config
from tidegate.core.errors import BackendUnreachable
from tidegate.resilience.lane import NO_TERMS


def kept(folder: Path, **written: Any) -> Kept:
    made = Kept(parse_config(written), folder)
    made.ledger.open()
    return made


def test_the_ledger_lies_where_it_is_told_or_in_the_state_folder(tmp_path: Path) -> None:
    assert ledger_path(parse_config({}), tmp_path) == tmp_path / "ledger.sqlite3"
    assert ledger_path(parse_config({"ledger": {"path": "/x/y"}}), tmp_path) == Path("/x/y")


def test_a_private_conversation_stays_private_when_conversations_no_longer_stick(tmp_path: Path) -> None:
    state = kept(tmp_path)
    known, asked = state.conversations(100.0), request(messages=[{"role": "user", "content": "q" * 80}])
    known.remember(known.marks("a", None, asked), 1000.0)
    for sticky_s in (1.0, 0.0):
        state.adjust(parse_config({"privacy": {"sticky_s": sticky_s}}))
        assert state.conversations(sticky_s) is known
        assert known.was_private("a", None, asked, 1099.0)
    assert not known.on
    state.ledger.close()


async def test_requests_at_work_keep_their_slots(tmp_path: Path) -> None:
    state, room = kept(tmp_path), Room("home", 1, 0)
    place = await state.lanes.enter(room, "m", NO_TERMS)
    state.adjust(parse_config({"timeouts": {"queue_s": 5}}))
    state.lanes.forget("home")
    assert [(lane.backend, lane.used) for lane in state.lanes.view()] == [("home", 1)]
    place.leave()
    state.lanes.forget("home")
    state.lanes.forget("home")
    assert state.lanes.view() == []
    state.ledger.close()


def test_failures_are_remembered_under_other_limits_but_not_of_another_backend(tmp_path: Path) -> None:
    state = kept(tmp_path, breaker={"failures": 3})
    for name in ("a", "b"):
        state.breakers.note(name, "m", BackendUnreachable("gone"))
    state.adjust(parse_config({"breaker": {"failures": 2}}))
    state.forget(["b"])
    state.breakers.note("a", "m", BackendUnreachable("gone"))
    assert [(one.backend, one.state, one.failures) for one in state.breakers.view()] == [("a", "open", 2)]
    state.ledger.close()


@pytest.mark.parametrize("timeouts", [{"connect_s": 1.0}, {"idle_s": 2.0}, {"load_s": 3.0}])
def test_limits_are_those_of_the_newest_configuration(tmp_path: Path, timeouts: dict[str, float]) -> None:
    state = kept(tmp_path)
    changed = parse_config({"timeouts": timeouts})
    assert state.transport.limits != limits_of(changed)
    state.adjust(changed)
    assert state.transport.limits == limits_of(changed)
    state.ledger.close()
