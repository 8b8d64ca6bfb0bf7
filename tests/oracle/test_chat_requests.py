"""Over thousands of requests we accept and refuse as DeepSeek's own package does, in its words, or a row says why not.

Needs `deepseek-recipe`, which has no wheel for Windows.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("deepseek_recipe")

from tests.oracle.bodies import chat_body
from tests.oracle.comparison import ACCEPTED, EXPLANATIONS, Report, Verdict, ours, theirs
from tests.support.reports import report as tell

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named

REQUESTS = 6000
CONTRACT = contract_named(DEFAULT_PROFILE)
HI = {"role": "user", "content": "Hi"}


def compared(body: bytes, report: Report, *, beta: bool = True) -> None:
    report.add(body, ours(body, CONTRACT, beta=beta), theirs(body))


def tool(parameters: object) -> dict:
    return {"tools": [{"type": "function", "function": {"name": "f", "parameters": parameters}}]}


REACHING = {
    "ORA001": {"model": "nope"},
    "ORA002": {"messages": [{"role": "user", "content": [{"type": "file", "file_id": "f"}]}]},
    "ORA003": {"tools": [{"type": "function", "function": {"name": f"f{index}"}} for index in range(129)]},
    "ORA004": {"user_id": "u" * 513},
    "ORA005": tool({"type": "object", "$ref": "#/nowhere"}),
    "ORA006": tool({"type": "object", "pattern": "("}),
    "ORA007": tool({"$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "id": 5}),
    "ORA008": {"max_tokens": "MINUS ZERO"},
    "ORA009": {"messages": [HI, {"role": "assistant", "content": "The", "prefix": True}]},
}
"""One request for each row of the table `differences`."""


def reaching(code: str) -> bytes:
    fields = {"model": "deepseek-flash", "messages": [HI], **REACHING[code]}
    return json.dumps(fields).replace('"MINUS ZERO"', "-0").encode()


@pytest.mark.timeout(300)
def test_no_difference_is_unexplained() -> None:
    report = Report()

    @settings(
        max_examples=REQUESTS, derandomize=True, deadline=None, database=None, suppress_health_check=[*HealthCheck]
    )
    @given(st.integers(0, 2**48))
    def compare(seed: int) -> None:
        compared(chat_body(seed), report)

    compare()
    tell(f"oracle, chat: {report}")
    assert [(body[:2000], us, them) for body, us, them in report.unexplained[:5]] == []
    assert report.compared >= 5000
    # Each side of the contract is reached, and often: a generator of nothing but one fault would prove little.
    assert min(report.verdicts[kind] for kind in ("accepted", "json", "shape", "rule")) > 300, report


@pytest.mark.parametrize("code", REACHING)
def test_each_row_explains_a_difference_that_exists(code: str) -> None:
    report = Report()
    compared(reaching(code), report, beta=code != "ORA009")
    assert report.unexplained == []
    assert dict(report.explained) == {code: 1}


def test_the_rows_of_the_profile_are_those_that_are_looked_for() -> None:
    codes = [row.values["code"] for row in CONTRACT.tables["differences"].values()]
    chat = [code for code in codes if code.startswith("ORA0")]  # each codec has a hundred of its own
    assert sorted(chat) == sorted(EXPLANATIONS) == sorted(REACHING)


@pytest.mark.parametrize(
    ("us", "them"),
    [
        (ACCEPTED, Verdict("rule", "Empty input messages")),
        (Verdict("rule", "Empty input messages"), ACCEPTED),
        (Verdict("rule", "Empty input messages"), Verdict("rule", "Tool names must be unique.")),
        (Verdict("shape", "missing field `model`"), Verdict("rule", "missing field `model`")),
        (Verdict("json", "expected value at line 1 column 2"), Verdict("json", "expected value at line 1 column 3")),
    ],
)
def test_the_comparison_can_fail(us: Verdict, them: Verdict) -> None:
    report = Report()
    report.add(b"{}", us, them)
    assert report.unexplained == [(b"{}", us, them)]


def test_a_path_in_front_of_a_text_is_no_difference() -> None:
    body = b'{"model":"deepseek-flash","messages":[{"role":"developer","content":"Hi"}]}'
    assert ours(body, CONTRACT).path == "messages[0].role"
    assert ours(body, CONTRACT)[:2] == theirs(body)[:2]
