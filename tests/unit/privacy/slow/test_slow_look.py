"""The slow tiers behind one method, with real children: jieba and the sentence model."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support import example_samples as samples

from tidegate.core.errors import Misconfigured
from tidegate.privacy.slow.slow_look import LookFailed, SlowLook
from tidegate.privacy.slow.worker_child import ExampleOrder, Kind, Order

PATIENCE_S = 100.0


async def test_chinese_names_and_examples_in_one_child(tmp_path: Path, sentence_model: tuple[Path, Path]) -> None:
    for number, text in enumerate(samples.CONTRACTS):
        (tmp_path / f"{number}.txt").write_text(text)
    examples = ExampleOrder(*map(str, sentence_model), (Kind("contracts", str(tmp_path), 0.28),))
    told: list[tuple[int, int]] = []
    look = SlowLook(Order(("zh",), examples), 1, progress=lambda done, total: told.append((done, total)))
    await look.start()
    try:
        zh, lease, plain = await look.look(
            ["请转告欧阳子涵。", samples.CONTRACTS[0], "How do tides work, and why?"], PATIENCE_S
        )
    finally:
        await look.stop()
    assert [(finding.tag, finding.start, finding.end) for finding in zh] == [("SEN085", 3, 7)]
    assert [finding.tag for finding in lease] == ["example:contracts"]
    assert plain == ()
    assert told[-1] == (10, 10)


async def test_texts_without_a_character_need_no_child() -> None:
    look = SlowLook(Order(("zh",)), 1)
    assert await look.look(["", ""], PATIENCE_S) == [(), ()]
    await look.stop()


async def test_a_job_over_its_budget_raises() -> None:
    look = SlowLook(Order(("zh",)), 1)
    await look.start()
    try:
        with pytest.raises(LookFailed):
            await look.look(["请转告欧阳子涵。" * 100_000], 0.01)
        assert len((await look.look(["请转告欧阳子涵。"], PATIENCE_S))[0]) == 1
    finally:
        await look.stop()


async def test_a_folder_that_is_not_there_refuses_the_start(sentence_model: tuple[Path, Path]) -> None:
    examples = ExampleOrder(*map(str, sentence_model), (Kind("contracts", "/nowhere", None),))
    with pytest.raises(Misconfigured, match=r"contracts: folder /nowhere holds 0"):
        await SlowLook(Order((), examples), 1).start()
