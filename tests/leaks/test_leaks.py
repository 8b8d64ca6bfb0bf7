"""The short leak test, and each guard taken away once: then it must fail. The long one is `make leaktest`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.leaks.mutations import MUTATIONS, Mutation
from tests.leaks.world import Counts, World

EXAMPLES = 230
PRIVATE_AT_LEAST = 1500


def play(folder: Path, examples: int, seed: int = 4) -> Counts:
    async def run() -> Counts:
        async with World(folder, seed) as world:
            for number in range(examples):
                await world.play(number)
            return world.counts

    return asyncio.run(run())


@pytest.mark.timeout(300)
def test_no_planted_value_leaves(tmp_path: Path) -> None:
    counts = play(tmp_path, EXAMPLES)
    assert counts.leaks == []
    assert counts.walls == [], "no second wall was needed and nothing crashed"
    assert counts.private >= PRIVATE_AT_LEAST
    assert counts.reached["cloud"] > 100, "what may leave must leave, or this proves nothing"
    assert counts.reached["other"] > 30
    assert counts.reached["trap"] == 0
    assert {200, 403, 500, 502, 503} <= counts.statuses.keys()
    for file in tmp_path.iterdir():
        assert b"geheim" not in file.read_bytes(), f"{file.name} holds content"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_without_this_guard_it_fails(mutation: Mutation, tmp_path: Path) -> None:
    with mutation.take_away():
        counts = play(tmp_path, mutation.examples, seed=7)
    if mutation.seen == "leak":
        assert counts.leaks != []
    else:
        assert counts.leaks == [], "the next wall holds"
        assert counts.walls != []
