"""Breakers: what opens them, who may try, how they close, and that the last candidate is never left alone in silence."""

from __future__ import annotations

from dataclasses import dataclass, field
from unittest.mock import patch

import pytest

from tidegate.core.errors import (
    BackendFailed,
    BackendFailure,
    BackendLoading,
    BackendOverloaded,
    BackendRefused,
    BackendTimedOut,
    BackendUnreachable,
    BadAnswer,
    BreakerOpen,
    BrokenContract,
    ClientLeft,
    ClientMistake,
    GatewayError,
    NoBalance,
    NotSupported,
    PolicyRefusal,
    RateLimited,
    Unattested,
)
from tidegate.resilience.breaker import BreakerView, OwnBreakers

GONE = BackendUnreachable("gone")


@dataclass
class Stage:
    """One backend's model in front of a clock that is set by hand."""

    now_s: float = 1000.0
    breakers: OwnBreakers = field(init=False)

    def __post_init__(self) -> None:
        self.breakers = OwnBreakers(lambda: self.now_s, failures=3, open_s=10.0, longest_open_s=35.0)

    def admit(self, *, sole: bool = False, model: str = "m") -> bool:
        return self.breakers.admit("b", model, sole=sole)

    def refused(self, *, sole: bool = False) -> BreakerOpen:
        with pytest.raises(BreakerOpen) as caught:
            self.admit(sole=sole)
        return caught.value

    def fail(self, times: int = 1, error: GatewayError = GONE, *, probe: bool = False, asked: str = "") -> None:
        for _ in range(times):
            self.breakers.note("b", "m", error, probe=probe, asked=asked)

    def answer(self, *, probe: bool = False) -> None:
        self.breakers.note("b", "m", None, probe=probe)
        self.breakers.note("b", "m", None, "end")

    @property
    def view(self) -> BreakerView:
        (view,) = self.breakers.view()
        return view


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_it_opens_at_the_third_failure_in_a_row_and_refuses_until_its_time_is_up(stage: Stage) -> None:
    stage.fail(2)
    assert (stage.admit(), stage.view.state) == (False, "closed")
    stage.fail()
    assert stage.view == BreakerView("b", "m", "open", 3, 1, 10.0, 0, 0)
    stage.now_s += 4
    error = stage.refused()
    assert (error.status, error.retry, error.retry_after_s) == (503, "same", 6.0)
    assert error.message == (
        "backend 'b' failed 3 times in a row with model 'm', and it is left alone, see RES002; try again in 6 s"
    )
    assert (stage.view.again_in_s, stage.view.refused) == (6.0, 1)


def test_an_answer_between_two_failures_begins_the_count_anew(stage: Stage) -> None:
    for _ in range(5):
        stage.fail(2)
        stage.answer()
    assert (stage.view.state, stage.view.failures, stage.view.opened) == ("closed", 0, 0)


def test_when_its_time_is_up_exactly_one_request_tries_it(stage: Stage) -> None:
    stage.fail(3)
    stage.now_s += 10
    assert stage.view.state == "half_open"
    assert stage.admit() is True
    assert (stage.refused().retry_after_s, stage.view.state) == (1.0, "half_open")
    stage.answer(probe=True)
    assert (stage.admit(), stage.view.state, stage.view.probes) == (False, "closed", 1)


def test_while_trying_fails_the_time_doubles_up_to_a_limit_and_an_answer_takes_it_back(stage: Stage) -> None:
    stage.fail(3)
    pauses: list[float] = []
    for _ in range(4):
        stage.now_s += stage.view.again_in_s
        assert stage.admit() is True
        stage.fail(probe=True)
        pauses.append(stage.view.again_in_s)
    assert (pauses, stage.view.opened) == ([20.0, 35.0, 35.0, 35.0], 5)
    stage.now_s += 35
    assert stage.admit() is True
    stage.answer(probe=True)
    stage.fail(3)
    assert stage.view.again_in_s == 10.0


@pytest.mark.parametrize("error", [ClientLeft("left"), RateLimited("slow down"), ClientMistake("wrong")])
def test_a_try_without_a_verdict_is_given_back_and_the_next_request_tries(stage: Stage, error: GatewayError) -> None:
    stage.fail(3)
    stage.now_s += 10
    assert stage.admit() is True
    stage.fail(error=error, probe=True)
    assert stage.view.state == "half_open"
    assert stage.admit() is True


def test_who_was_asked_before_it_opened_neither_ends_the_try_nor_lets_in_a_second_one(stage: Stage) -> None:
    stage.fail(3)
    stage.now_s += 10
    assert stage.admit() is True
    for error in (ClientLeft("left"), GONE, None):
        stage.breakers.note("b", "m", error)
        stage.breakers.note("b", "m", error, "end")
        stage.refused()
    assert stage.view.opened == 1
    stage.fail(probe=True)
    assert (stage.view.opened, stage.view.again_in_s) == (2, 20.0)


def test_the_last_candidate_is_tried_before_its_time_by_one_request_at_a_time(stage: Stage) -> None:
    stage.fail(3)
    assert stage.admit(sole=True) is True
    error = stage.refused(sole=True)
    assert (error.retry_after_s, "RES003" in error.message, "failed 3 times" in error.message) == (10.0, True, True)
    stage.now_s += 3
    stage.fail(probe=True)
    assert (stage.view.again_in_s, stage.view.opened) == (7.0, 1), "trying early does not put off its time"
    assert stage.admit(sole=True) is True
    stage.answer(probe=True)
    assert stage.view.state == "closed"


def test_looking_before_the_line_refuses_as_admitting_would_and_takes_no_try(stage: Stage) -> None:
    stage.breakers.check("b", "m", sole=False)
    stage.fail(3)
    with pytest.raises(BreakerOpen):
        stage.breakers.check("b", "m", sole=False)
    stage.breakers.check("b", "m", sole=True)
    stage.now_s += 10
    stage.breakers.check("b", "m", sole=False)
    assert (stage.admit(), stage.view.probes) == (True, 1)


def test_models_of_one_backend_and_backends_are_counted_apart(stage: Stage) -> None:
    stage.fail(3)
    assert stage.admit(model="other") is False
    assert stage.breakers.admit("c", "m", sole=False) is False


def counted(error: GatewayError) -> bool:
    stage = Stage()
    stage.fail(3, error)
    return bool(stage.breakers.view())


def test_only_what_a_backend_fails_at_itself_counts() -> None:
    kinds: list[type[GatewayError]] = [
        *(ClientMistake, NotSupported, PolicyRefusal, ClientLeft),
        *(BackendUnreachable, BackendTimedOut, BackendFailed, BrokenContract),
        *(BackendOverloaded, BackendLoading, RateLimited, NoBalance, BackendRefused, Unattested, BadAnswer),
        *(BackendFailure, BreakerOpen),
    ]
    assert {kind for kind in kinds if counted(kind("no"))} == {
        BackendUnreachable,
        BackendTimedOut,
        BackendFailed,
        BrokenContract,
    }


def test_what_a_request_may_cause_counts_once_however_often_it_is_sent(stage: Stage) -> None:
    for kind in (BackendFailed, BrokenContract):
        stage.fail(9, kind("no"), asked="the same")
    assert (stage.view.failures, stage.view.state) == (1, "closed")
    stage.fail(1, BackendFailed("no"), asked="another")
    stage.fail(1, BackendFailed("no"), asked="a third")
    assert stage.view.state == "open"
    reached = Stage()
    reached.fail(3, asked="the same")
    assert reached.view.state == "open", "whom a request does not reach it did not break"


def test_answers_that_begin_and_break_off_every_time_open_it_too(stage: Stage) -> None:
    for number in range(3):
        assert stage.admit() is False
        stage.breakers.note("b", "m", None)
        stage.breakers.note("b", "m", BrokenContract("cut"), "end", asked=f"{number}")
    assert (stage.view.state, stage.view.failures) == ("open", 3)
    stage.now_s += 10
    assert stage.admit() is True
    stage.breakers.note("b", "m", None, probe=True)
    assert (stage.view.state, stage.admit()) == ("closed", False), "all come back when it begins to answer"
    stage.breakers.note("b", "m", BrokenContract("cut"), "end", asked="x")
    assert (stage.view.state, stage.view.again_in_s) == ("open", 20.0), "and go at once when that breaks off as well"
    stage.now_s += 20
    assert stage.admit() is True
    stage.answer(probe=True)
    assert (stage.view.state, stage.view.failures) == ("closed", 0)


def test_one_that_is_found_again_is_tried_at_once_by_one_request(stage: Stage) -> None:
    stage.fail(3)
    stage.breakers.seen("another")
    stage.refused()
    stage.breakers.seen("b")
    assert stage.admit() is True
    stage.refused()
    stage.fail(probe=True)
    assert stage.view.again_in_s == 20.0
    unopened = Stage()
    unopened.fail(2)
    unopened.breakers.seen("b")
    assert unopened.view.state == "closed"


def test_models_that_clients_name_do_not_fill_the_memory_and_an_open_one_goes_last() -> None:
    stage = Stage()
    stage.fail(3)
    with patch("tidegate.resilience.breaker._MOST", 20):
        for number in range(100):
            stage.breakers.note("b", f"any-{number}", GONE)
        views = stage.breakers.view()
        assert (len(views), views[0].state, views[0].model) == (20, "open", "m")
        for number in range(100):
            for _ in range(3):
                stage.breakers.note("c", f"any-{number}", GONE)
        assert len(stage.breakers.view()) == 20


def test_a_success_keeps_no_memory_of_those_that_never_failed(stage: Stage) -> None:
    stage.answer()
    assert stage.breakers.view() == []
