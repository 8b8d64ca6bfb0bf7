"""Each fault is a rule that explains itself."""

from __future__ import annotations

from tidegate.cli.explain import BOOKS
from tidegate.simulator.fault_kinds import FAULTS, SIMULATOR, STATUSES


def test_every_fault_is_a_rule_and_every_rule_a_fault():
    assert [kind.rule for kind in FAULTS.values()] == list(SIMULATOR)
    assert [rule.code for rule in SIMULATOR] == [f"SIM{number:03d}" for number in range(1, len(FAULTS) + 1)]


def test_the_rules_are_listed_by_explain():
    assert SIMULATOR in BOOKS


def test_statuses_are_the_faults_that_replace_the_answer():
    assert {name for name, kind in FAULTS.items() if kind.takes == "body"} == STATUSES
