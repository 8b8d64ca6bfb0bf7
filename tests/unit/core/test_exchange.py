"""The one mutable record: quirks once each, failures by class name, the fallback's rule behind the decision's."""

from __future__ import annotations

from tidegate.core.boundary import DataClass
from tidegate.core.decision import Decision
from tidegate.core.errors import BackendTimedOut, ClientMistake
from tidegate.core.exchange import Exchange


def exchange() -> Exchange:
    return Exchange("x-1", "openai", 1_790_000_000.0)


def decided(*rules: str) -> Decision:
    return Decision("auto", DataClass.PUBLIC, rules, (), ())


def test_a_new_exchange_knows_nothing_it_was_not_told():
    fresh = exchange()
    assert (fresh.usage, fresh.cost_usd, fresh.finish, fresh.error, fresh.backend) == (None, None, None, None, None)
    assert fresh.status == 0
    assert fresh.rules == ()
    assert fresh.elapsed_s() == 0.0


def test_quirks_are_noted_once_each_in_the_order_they_came():
    record = exchange()
    record.note_quirks(["LCP002", "REQ001"])
    record.note_quirks(["REQ001", "LCP003", "LCP003"])
    assert record.quirks == ["LCP002", "REQ001", "LCP003"]


def test_a_failure_leaves_the_class_and_the_status_but_never_the_text():
    record = exchange()
    record.fail(BackendTimedOut("a text with a prompt in it"))
    assert (record.status, record.error) == (504, "BackendTimedOut")
    assert "prompt in it" not in repr(record)


def test_the_last_failure_is_the_one_that_counts():
    record = exchange()
    record.fail(BackendTimedOut("first"))
    record.fail(ClientMistake("then"))
    assert (record.status, record.error) == (400, "ClientMistake")


def test_the_rules_are_the_decisions():
    record = exchange()
    record.decision = decided("CLS001", "RTE003")
    assert record.rules == ("CLS001", "RTE003")


def test_a_fallback_adds_its_rule_at_the_end():
    record = exchange()
    record.decision = decided("CLS001", "RTE003")
    record.fell_back = "RTE030"
    record.queued = "RES020"
    assert record.rules == ("CLS001", "RTE003", "RES020", "RTE030")


def test_two_exchanges_share_no_list():
    one, other = exchange(), exchange()
    one.note_quirks(["REQ001"])
    one.attempts.append("box:ok")
    assert (other.quirks, other.attempts) == ([], [])


def test_what_a_breaker_said_is_noted_once_and_behind_the_others():
    record = Exchange("ex_1", "openai", 0.0, decision=decided("RTE003"))
    for code in ("RES002", "RES003", "RES002"):
        record.note_guarded(code)
    record.retried = "RES001"
    assert record.rules == ("RTE003", "RES001", "RES002", "RES003")
