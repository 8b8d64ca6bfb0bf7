"""The price of an answer at the minute it was given: peak and off-peak, exact, and None where something is unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from tidegate.catalog.contracts import DEFAULT_PROFILE, PROFILES, contract_named
from tidegate.catalog.prices import cost_usd, price_rows, price_rows_within
from tidegate.core.usage import Usage

MILLION = 1_000_000
USAGE = Usage(prompt=2 * MILLION, cache_hit=MILLION, output=MILLION)
FLASH_OFF_PEAK = Decimal("0.003") + Decimal("0.15") + Decimal("0.60")
FLASH_PEAK = 2 * FLASH_OFF_PEAK
PRO_OFF_PEAK = Decimal("0.022") + Decimal("0.66") + Decimal("1.98")


def at(clock: str, day: str = "2026-11-25") -> datetime:
    """2026-11-25 is a Wednesday."""
    return datetime.fromisoformat(f"{day}T{clock}+00:00")


@pytest.mark.parametrize(
    ("clock", "peak"),
    [
        ("00:00:00", False),
        ("00:59:59", False),
        ("01:00:00", True),
        ("03:59:59", True),
        ("04:00:00", False),
        ("05:59:59", False),
        ("06:00:00", True),
        ("09:59:59", True),
        ("10:00:00", False),
        ("23:59:59", False),
    ],
)
def test_peak_hours_begin_and_end_on_the_hour(clock, peak):
    assert cost_usd("deepseek-flash", USAGE, at(clock)) == (FLASH_PEAK if peak else FLASH_OFF_PEAK)


@pytest.mark.parametrize(
    ("day", "peak"),
    [
        ("2026-11-23", True),
        ("2026-11-24", True),
        ("2026-11-25", True),
        ("2026-11-26", True),
        ("2026-11-27", True),
        ("2026-11-28", False),
        ("2026-11-29", False),
    ],
)
def test_there_is_no_peak_at_the_weekend(day, peak):
    assert cost_usd("deepseek-flash", USAGE, at("02:00:00", day)) == (FLASH_PEAK if peak else FLASH_OFF_PEAK)


def test_the_hours_and_the_weekday_are_those_of_utc():
    shanghai = timezone(timedelta(hours=8))
    assert cost_usd("deepseek-flash", USAGE, datetime(2026, 11, 25, 9, 0, tzinfo=shanghai)) == FLASH_PEAK
    assert cost_usd("deepseek-flash", USAGE, datetime(2026, 11, 25, 2, 0, tzinfo=shanghai)) == FLASH_OFF_PEAK
    friday_in_utc = datetime(2026, 11, 28, 5, 0, tzinfo=timezone(timedelta(hours=20)))
    assert cost_usd("deepseek-flash", USAGE, friday_in_utc) == FLASH_PEAK


def test_each_count_has_its_own_rate():
    quiet = at("12:00:00")
    assert cost_usd("deepseek-flash", Usage(prompt=MILLION, cache_hit=MILLION, output=0), quiet) == Decimal("0.003")
    assert cost_usd("deepseek-flash", Usage(prompt=MILLION, cache_hit=0, output=0), quiet) == Decimal("0.15")
    assert cost_usd("deepseek-flash", Usage(prompt=0, cache_hit=0, output=MILLION), quiet) == Decimal("0.60")


def test_reasoning_is_paid_as_output_and_only_once():
    with_thought = Usage(prompt=0, cache_hit=0, output=MILLION, reasoning=MILLION)
    assert cost_usd("deepseek-flash", with_thought, at("12:00:00")) == Decimal("0.60")


def test_the_other_model_has_its_own_price():
    assert cost_usd("deepseek-v4-pro", USAGE, at("12:00:00")) == PRO_OFF_PEAK
    assert cost_usd("deepseek-v4-pro", USAGE, at("02:00:00")) == 2 * PRO_OFF_PEAK


def test_a_price_is_exact_to_the_last_token():
    usage = Usage(prompt=100, cache_hit=64, output=7)
    cost = cost_usd("deepseek-flash", usage, at("12:00:00"))
    assert cost == Decimal("0.000009792")
    assert str(cost) == "0.000009792"


def test_no_tokens_cost_nothing_and_that_is_known():
    assert cost_usd("deepseek-flash", Usage(prompt=0, cache_hit=0, output=0), at("12:00:00")) == 0


@pytest.mark.parametrize(
    "usage",
    [
        None,
        Usage(),
        Usage(prompt=100, output=5),
        Usage(prompt=100, cache_hit=64),
        Usage(cache_hit=64, output=5),
        Usage(prompt=None, cache_hit=0, output=5),
    ],
)
def test_an_unknown_count_makes_the_cost_unknown_and_not_zero(usage):
    assert cost_usd("deepseek-flash", usage, at("12:00:00")) is None


@pytest.mark.parametrize("model", ["deepseek-chat", "smollm2-135m-instruct", "", "DEEPSEEK-FLASH"])
def test_a_model_without_a_row_has_no_price(model):
    assert cost_usd(model, USAGE, at("12:00:00")) is None


def test_a_row_holds_from_its_first_second_and_not_before():
    first = datetime(2026, 9, 10, 4, 0, tzinfo=UTC)
    assert cost_usd("deepseek-flash", USAGE, first) == FLASH_OFF_PEAK
    assert cost_usd("deepseek-flash", USAGE, first - timedelta(seconds=1)) is None


def test_the_rows_come_newest_first_and_in_utc():
    begins = [row.valid_from for row in price_rows()]
    assert begins == sorted(begins, reverse=True)
    assert all(begin.tzinfo is not None for begin in begins)


def test_every_hosted_model_has_a_price():
    assert {row.model for row in price_rows()} >= set(contract_named(DEFAULT_PROFILE).models)


@pytest.mark.parametrize("row", price_rows(), ids=lambda row: f"{row.model} {row.valid_from:%m-%d}")
def test_a_hit_is_cheaper_than_a_miss_and_peak_is_twice_off_peak(row):
    assert 0 < row.off_peak.hit < row.off_peak.miss < row.off_peak.output
    factor = 2 if row.peak_hours_utc else 1
    assert row.peak.hit == factor * row.off_peak.hit
    assert row.peak.miss == factor * row.off_peak.miss
    assert row.peak.output == factor * row.off_peak.output
    assert all(0 <= begin < end <= 24 for begin, end in row.peak_hours_utc)


def test_there_were_no_peak_hours_before_mid_august():
    assert [
        row
        for row in price_rows()
        if bool(row.peak_hours_utc) != (row.valid_from >= datetime(2026, 8, 16, 16, tzinfo=UTC))
    ] == []


def test_for_one_week_the_weekend_had_its_peak_hours():
    saturday, next_saturday = at("02:00:00", "2026-08-22"), at("02:00:00", "2026-08-29")
    assert cost_usd("deepseek-v4-flash", USAGE, saturday) == 2 * cost_usd("deepseek-v4-flash", USAGE, next_saturday)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_price_that_a_profile_names_is_there(profile):
    contract = contract_named(profile)
    assert set(contract.tables["prices"]) == set(contract.models)
    for row in contract.tables["prices"].values():
        first = price_rows_within(row.name, row.values["row_from"], row.values.get("row_until"))[-1]
        assert (first.model, first.valid_from) == (row.name, row.values["row_from"])


def test_the_chinese_price_list_is_known_for_what_is_sold_now():
    (row,) = price_rows_within("deepseek-flash", datetime(2026, 9, 10, 4, 0, tzinfo=UTC), None)
    assert row.cost(USAGE, at("12:00:00"), "CNY") == Decimal("5.02")
    assert row.cost(USAGE, at("02:00:00"), "CNY") == Decimal("10.04")
    may = datetime(2026, 5, 22, tzinfo=UTC)
    (old,) = price_rows_within("deepseek-v4-pro", may, datetime(2026, 8, 16, 16, tzinfo=UTC))
    assert old.cost(USAGE, at("12:00:00"), "CNY") is None
