"""One row per exchange: what is kept, what never is, and how it is shown."""

from __future__ import annotations

from decimal import Decimal

import orjson
import pytest
from msgspec.structs import replace

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import Candidate, Decision, Refusal, Verdict
from tidegate.core.errors import BrokenContract
from tidegate.core.exchange import Exchange, Send
from tidegate.core.terms import Terms
from tidegate.core.usage import Usage
from tidegate.ledger.entries import (
    COLUMNS,
    NEW_IN_VERSION_2,
    NEW_IN_VERSION_3,
    entry_from,
    entry_of,
    found_of,
    holdable,
    keyed_hash,
    row_of,
    sealed_part,
    sends_of,
    verdicts_of,
    view_of,
)

CANARY = "my patient's name is CANARY"
VERDICTS = (Verdict("cloud", "RTE010", False), Verdict("box", "RTE020", True))


def exchange(refusal: Refusal | None = None, asked: str = "auto") -> Exchange:
    decision = Decision(
        asked,
        DataClass.PRIVATE,
        ("CLS001", "RTE003"),
        VERDICTS,
        (Candidate("box", "m"),),
        refusal,
        needs=frozenset({"tools", "json"}),
    )
    return Exchange("x-1", "openai", 1_790_000_000.25, asked_model=asked, decision=decision)


def finished() -> Exchange:
    record = exchange()
    record.client, record.status, record.finish = "app", 200, "stop"
    record.data_class, record.boundary = DataClass.PRIVATE, Boundary.DEVICE
    record.backend, record.model, record.streamed = "box", "m", True
    record.attempts, record.quirks, record.fell_back = ["lab:BackendTimedOut", "box:ok"], ["LCP001"], "RTE030"
    record.request_bytes, record.request_hash = 99, "ab12"
    record.usage, record.cost_usd = Usage(prompt=20, output=5, cache_hit=0, reasoning=3), Decimal("0.000000001")
    record.first_frame_s, record.duration_s = 0.5, 1.5
    record.wished_class, record.found = DataClass.INTERNAL, {"SEN001": 2, "term:falcon": 1}
    record.rows, record.action, record.conversation = ("patients", "all"), "local", ("ab" * 16, "cd" * 16)
    record.sends = [
        Send("lab", Boundary.PRIVATE, DataClass.PRIVATE, False),
        Send("cloud", Boundary.EXTERNAL, DataClass.PUBLIC, True),
    ]
    record.shadow_of, record.compared = "x-0", '{"similarity":0.5,"same_finish":true}'
    record.queued_s, record.continued, record.charged_usd = 0.25, "RES020", Decimal("2E-9")
    record.terms = Terms("key_1")
    return record


def test_everything_the_books_need_is_kept():
    assert dict(zip(COLUMNS, row_of(entry_of(finished())), strict=True)) == {
        "exchange_id": "x-1",
        "arrived_at": 1_790_000_000.25,
        "surface": "openai",
        "client": "app",
        "status": 200,
        "error": None,
        "asked_model": "auto",
        "data_class": "private",
        "backend": "box",
        "model": "m",
        "boundary": "device",
        "streamed": True,
        "rules": "CLS001,RTE003,RTE030,RES020",
        "verdicts": '[["cloud","RTE010",false],["box","RTE020",true]]',
        "quirks": "LCP001",
        "attempts": "lab:BackendTimedOut,box:ok",
        "request_bytes": 99,
        "request_hash": "ab12",
        "prompt_tokens": 20,
        "cache_hit_tokens": 0,
        "output_tokens": 5,
        "reasoning_tokens": 3,
        "finish": "stop",
        "cost_usd": "0.000000001",
        "first_frame_s": 0.5,
        "duration_s": 1.5,
        "wished_class": "internal",
        "found": "SEN001:2,term:falcon:1",
        "policy_rows": "patients,all",
        "action": "local",
        "conversation": f"{'ab' * 16},{'cd' * 16}",
        "sends": '[["lab","private","private",false],["cloud","external","public",true]]',
        "shadow_of": "x-0",
        "needs": "json,tools",
        "compared": '{"similarity":0.5,"same_finish":true}',
        "queued_s": 0.25,
        "continued": "RES020",
        "charged_usd": "0.000000002",
        "key_id": "key_1",
    }


def test_what_nobody_reported_is_null_and_not_zero():
    entry = entry_of(exchange())
    assert (entry.prompt_tokens, entry.cache_hit_tokens, entry.output_tokens, entry.reasoning_tokens) == (None,) * 4
    assert (entry.cost_usd, entry.first_frame_s, entry.duration_s, entry.finish) == (None,) * 4


def test_a_partly_reported_usage_keeps_its_gaps():
    record = exchange()
    record.usage = Usage(prompt=20, cache_hit=0)
    entry = entry_of(record)
    assert (entry.prompt_tokens, entry.cache_hit_tokens, entry.output_tokens) == (20, 0, None)


def test_a_cost_of_nothing_is_known_and_a_tiny_one_has_no_exponent():
    record = exchange()
    record.cost_usd = Decimal(0)
    assert entry_of(record).cost_usd == "0"
    record.cost_usd = Decimal("1E-9")
    assert entry_of(record).cost_usd == "0.000000001"


@pytest.mark.parametrize("refusal", ["unknown_model", "unknown_backend"])
def test_a_model_name_nobody_knows_is_never_stored(refusal):
    entry = entry_of(exchange(refusal, CANARY))
    assert entry.asked_model is None
    assert "CANARY" not in repr(row_of(entry))


def test_a_model_name_before_any_decision_is_never_stored():
    record = Exchange("x-1", "openai", 0.0, asked_model=CANARY)
    assert "CANARY" not in repr(row_of(entry_of(record)))


@pytest.mark.parametrize("asked", ["box/CANARY", "open/CANARY"])
def test_a_model_name_that_the_backend_does_not_serve_is_never_stored(asked):
    assert "CANARY" not in repr(row_of(entry_of(exchange("model_not_served", asked))))


@pytest.mark.parametrize("refusal", [None, "class_forbids", "no_backend", "nothing_local"])
def test_a_model_name_that_meant_something_is_stored(refusal):
    assert entry_of(exchange(refusal)).asked_model == "auto"


def test_an_error_is_stored_by_its_class_and_never_by_its_text():
    record = exchange()
    record.fail(BrokenContract(CANARY))
    entry = entry_of(record)
    assert (entry.status, entry.error) == (502, "BrokenContract")
    assert "CANARY" not in repr(row_of(entry))


def test_the_view_has_lists_as_lists():
    view = view_of(entry_of(finished()))
    assert (view["rules"], view["quirks"]) == (["CLS001", "RTE003", "RTE030", "RES020"], ["LCP001"])
    assert view["attempts"] == ["lab:BackendTimedOut", "box:ok"]
    assert view["verdicts"] == [
        {"backend": "cloud", "rule": "RTE010", "kept": False},
        {"backend": "box", "rule": "RTE020", "kept": True},
    ]
    assert view["found"] == [{"found": "SEN001", "times": 2}, {"found": "term:falcon", "times": 1}]
    assert (view["policy_rows"], view["needs"]) == (["patients", "all"], ["json", "tools"])
    assert view["compared"] == {"similarity": 0.5, "same_finish": True}
    assert view["conversation"] == ["ab" * 16, "cd" * 16]
    assert view["sends"] == [
        {"backend": "lab", "boundary": "private", "class": "private", "masked": False},
        {"backend": "cloud", "boundary": "external", "class": "public", "masked": True},
    ]
    assert list(view) == list(COLUMNS)
    assert orjson.loads(orjson.dumps(view)) == view


def test_the_view_of_an_exchange_without_a_decision_has_empty_lists():
    view = view_of(entry_of(Exchange("x-1", "openai", 0.0)))
    for name in ("rules", "quirks", "attempts", "verdicts", "found", "policy_rows", "conversation", "sends", "needs"):
        assert view[name] == []


def test_what_an_earlier_version_did_not_keep_is_null_and_not_empty():
    view = view_of(replace(entry_of(finished()), **dict.fromkeys(NEW_IN_VERSION_2)))
    assert [view[name] for name in NEW_IN_VERSION_2] == [None] * len(NEW_IN_VERSION_2)


def test_sends_and_findings_come_back_as_values():
    entry = entry_of(finished())
    assert sends_of(entry) == finished().sends
    assert found_of(entry) == {"SEN001": 2, "term:falcon": 1}
    assert (sends_of(replace(entry, sends=None)), found_of(replace(entry, found=None))) == (None, {})
    assert verdicts_of(entry) == [("cloud", "RTE010", False), ("box", "RTE020", True)]


def test_a_row_that_was_read_is_the_entry_that_was_written():
    entry = entry_of(finished())
    assert entry_from(row_of(entry)) == entry


@pytest.mark.parametrize(
    ("field", "value"),
    [("prompt_tokens", 2**63), ("client", "\ud800"), ("arrived_at", float("nan")), ("status", None), ("client", b"x")],
)
def test_what_no_file_can_hold_is_known(field, value):
    entry = entry_of(finished())
    assert holdable(entry)
    assert not holdable(replace(entry, **{field: value}))


def test_equal_bodies_have_equal_hashes_and_other_bodies_have_others():
    assert keyed_hash(b"a", b"key") == keyed_hash(b"a", b"key")
    assert len({keyed_hash(b"a", b"key"), keyed_hash(b"b", b"key"), keyed_hash(b"", b"key")}) == 3


def test_without_the_key_nobody_gets_the_same_hash():
    assert keyed_hash(b"a", b"key") != keyed_hash(b"a", b"another key")
    assert len(keyed_hash(b"a", b"key")) == 32


@pytest.mark.parametrize("name", [f"claude-{CANARY}\n", "claude-x, please read this letter", "m" * 201, "", "模型"])
def test_what_does_not_look_like_a_model_name_is_not_booked_as_one(name):
    assert entry_of(exchange(asked=name)).asked_model == "(not a name)"


def test_what_is_sealed_leaves_out_only_new_columns_that_hold_nothing_at_the_end():
    row, new = row_of(entry_of(exchange())), len(NEW_IN_VERSION_3)
    old = [*row[:-new], *[None] * new]
    assert list(sealed_part(old)) == row[:-new], "as version 2 sealed it"
    assert list(sealed_part([None] * len(row))) == [None] * (len(row) - new)
    assert list(sealed_part([*row[:-1], "key_1"])) == [*row[:-1], "key_1"]
    assert list(sealed_part([*row[:-2], "0", None])) == [*row[:-2], "0"]
    assert list(sealed_part(["ex_1", None])) == ["ex_1", None], "a row that is too short is not ours"
