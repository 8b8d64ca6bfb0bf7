"""The cache model against every row that was measured on the live API on 2026-07-27, and the laws it rests on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.catalog.contracts import PROFILES, contract_named
from tidegate.simulator.cache import PrefixCache

PARAMETERS = contract_named("2026-04-preview").cache
ALICE, BOB = ("account", "alice"), ("account", "bob")
LATER_S = 60.0
MEASURED = {92: 0, 132: 0, 212: 128, 372: 256, 692: 640, 1332: 1280, 2612: 2560, 5172: 5120, 5901: 5888}
"""Prompt tokens of a repeated prompt and how many of them hit; chatdeepai/deepseek-api-reproducible-tests."""


def prompt(length: int, seed: int = 0) -> list[int]:
    return [(place * 31 + seed) % 100_000 for place in range(length)]


def changed(tokens: list[int], place: int) -> list[int]:
    return [*tokens[:place], 200_000, *tokens[place + 1 :]]


def cache(**changes: float) -> PrefixCache:
    return PrefixCache(replace(PARAMETERS, **changes))


def warm_hit(length: int, **changes: float) -> int:
    one = cache(**changes)
    one.store(ALICE, prompt(length), [7], 0.0)
    return one.lookup(ALICE, prompt(length), LATER_S)


@pytest.mark.parametrize(("length", "hit"), MEASURED.items())
def test_a_repeated_prompt_hits_what_was_measured(length, hit):
    assert warm_hit(length) == hit


def test_without_the_reserve_one_row_differs():
    found = {length: warm_hit(length, reserve_tokens=0) for length in MEASURED}
    assert {length: hit for length, hit in found.items() if hit != MEASURED[length]} == {132: 128}


def test_every_profile_has_the_measured_parameters():
    assert {contract_named(profile).cache for profile in PROFILES} == {PARAMETERS}


def test_an_extension_hits_the_unit_of_what_it_extends():
    one = cache()
    one.store(ALICE, prompt(6893), [7], 0.0)
    assert one.lookup(ALICE, prompt(6906), LATER_S) == 6784 == 53 * 128


def test_another_suffix_hits_the_common_part_on_the_second_request():
    one, common = cache(), prompt(7050)
    one.store(ALICE, common + [1] * 24, [7], 0.0)
    assert one.lookup(ALICE, common + [2] * 24, LATER_S) == 7040


@pytest.mark.parametrize(("length", "place"), [(5901, 3), (5748, 2900), (6201, 5900)])
def test_a_changed_line_hits_nothing_wherever_it_stands(length, place):
    one = cache()
    one.store(ALICE, prompt(length), [7], 0.0)
    assert one.lookup(ALICE, changed(prompt(length), place), LATER_S) == 0


def test_users_do_not_share():
    one, asked = cache(), prompt(5901)
    one.store(ALICE, asked, [7], 0.0)
    assert one.lookup(BOB, asked, LATER_S) == 0
    one.store(BOB, asked, [7], LATER_S)
    assert one.lookup(BOB, asked, 2 * LATER_S) == 5888
    assert one.lookup(ALICE, asked, 2 * LATER_S) == 5888
    assert one.lookup(("other account", "alice"), asked, LATER_S) == 0


def test_the_end_of_the_output_is_a_unit_too():
    one, asked, answer = cache(), prompt(300), prompt(300, seed=9)
    one.store(ALICE, asked, answer, 0.0)
    assert one.lookup(ALICE, [*asked, *answer, *prompt(50, seed=4)], LATER_S) == 512
    assert one.lookup(ALICE, [*asked, *prompt(400, seed=4)], LATER_S) == 256


def test_a_unit_takes_a_moment_and_does_not_live_for_ever():
    one, asked = cache(build_delay_s=2.0, ttl_s=100.0), prompt(500)
    one.store(ALICE, asked, [7], 0.0)
    assert [one.lookup(ALICE, asked, at) for at in (0.0, 1.9, 2.0, 99.9, 100.0)] == [0, 0, 384, 384, 0]


def test_a_stored_again_unit_lives_on_and_is_not_built_anew():
    one, asked = cache(build_delay_s=2.0, ttl_s=100.0), prompt(500)
    one.store(ALICE, asked, [7], 0.0)
    one.store(ALICE, asked, [7], 90.0)
    assert [one.lookup(ALICE, asked, at) for at in (90.5, 150.0, 190.0)] == [384, 384, 0]


def test_interval_units_are_off_unless_asked_for():
    long = prompt(3000)
    assert warm_hit(3000) == 2944
    off, on = cache(), cache(interval_tokens=1000)
    for one in (off, on):
        one.store(ALICE, long, [7], 0.0)
    late = changed(long, 2500)
    assert (off.lookup(ALICE, late, LATER_S), on.lookup(ALICE, late, LATER_S)) == (0, 1920)


def test_common_prefixes_are_found_only_where_asked_for():
    """Documented rule 2: A+B, A+C, then A+D hits A. With it the row of the changed late line would not be 0."""
    common = prompt(1000)
    for detects, hit in ((False, 0), (True, 896)):
        one = PrefixCache(PARAMETERS, detects_common_prefixes=detects)
        for seed in (1, 2):
            one.store(ALICE, common + prompt(500, seed=seed), [7], 0.0)
        assert one.lookup(ALICE, common + prompt(500, seed=3), LATER_S) == hit


def test_it_forgets_the_oldest_when_it_is_full():
    one = PrefixCache(PARAMETERS, most_units=3)
    for seed in range(5):
        one.store(ALICE, prompt(200, seed), [7], 0.0)
    assert len(one) == 3
    hits = [one.lookup(ALICE, prompt(200, seed), LATER_S) for seed in range(5)]
    assert hits == [0, 0, 128, 128, 128]
    one.clear()
    assert one.lookup(ALICE, prompt(200, 4), LATER_S) == 0


@given(st.lists(st.integers(0, 3), max_size=40), st.lists(st.integers(0, 3), max_size=40))
def test_a_hit_is_whole_blocks_of_a_shared_beginning_and_never_all(first: list[int], second: list[int]):
    one = PrefixCache(replace(PARAMETERS, block_tokens=4, reserve_tokens=1))
    one.store(ALICE, first, [], 0.0)
    hit = one.lookup(ALICE, second, LATER_S)
    assert hit % 4 == 0
    assert hit < max(1, len(second))
    assert first[:hit] == second[:hit]
